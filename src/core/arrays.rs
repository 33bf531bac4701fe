//! The table's arrays: the only place where the library allocates memory.
//!
//! Every allocation here may fail, and a failure is an ordinary result: the caller learns of it before anything has
//! changed.

use std::alloc::{Layout, alloc_zeroed};

/// There is not enough memory, or more was asked for than any machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl core::fmt::Display for OutOfMemory {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("not enough memory for the hash table")
    }
}

impl core::error::Error for OutOfMemory {}

/// Allocates `size` empty buckets, that is, zeros.
///
/// The zeros come from the allocator, which for a large array gets them from the operating system without writing any:
/// a table of a billion buckets takes memory only where pairs go. (`vec![0; size]` does so too, but aborts when it
/// fails.)
pub(crate) fn empty_buckets(size: usize) -> Result<Vec<u32>, OutOfMemory> {
    refuse_if_told_to()?;
    let layout = Layout::array::<u32>(size).map_err(|_| OutOfMemory)?;
    assert!(layout.size() > 0, "a table has at least one bucket");
    // SAFETY: `alloc_zeroed` demands a layout whose size is not zero, and the line above has asserted that.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<u32>();
    if memory.is_null() {
        return Err(OutOfMemory);
    }
    advise_huge_pages(memory.cast(), layout.size());
    // SAFETY: `Vec` frees through the global allocator with the layout of its capacity, and `memory` came from there
    // with the layout of `size` u32s. All `size` elements are initialized: they are zero.
    Ok(unsafe { Vec::from_raw_parts(memory, size, size) })
}

/// Makes room for `more` elements behind those that `entries` has.
pub(crate) fn reserve<T>(entries: &mut Vec<T>, more: usize) -> Result<(), OutOfMemory> {
    refuse_if_told_to()?;
    entries.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
    advise_huge_pages(entries.as_mut_ptr().cast(), entries.capacity() * size_of::<T>());
    Ok(())
}

/// Tells the operating system that this memory will be accessed at random. Linux then backs it with pages of 2 MiB
/// instead of 4 KiB where it can. A lookup in a large table goes to two unpredictable addresses, and for each the
/// processor has to find the page first. It remembers some two thousand pages; at 2 MiB each, they cover the whole
/// table.
///
/// If the advice is not taken, the table is slower and nothing else, so the result is ignored.
#[cfg(target_os = "linux")]
fn advise_huge_pages(memory: *mut u8, bytes: usize) {
    use core::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(memory: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const MADV_HUGEPAGE: c_int = 14;
    const HUGE_PAGE: usize = 2 << 20;
    const PAGE: usize = 4096;
    if bytes < HUGE_PAGE {
        return;
    }
    // All pages that it touches, the first and the last too. The allocator has a large array in a mapping of its own, and
    // lets it grow by moving the mapping (`mremap`), which copies nothing. If only a part of it were advised, Linux would
    // keep two mappings, and refuse to move them as one.
    let before = memory.addr() % PAGE;
    let whole = (before + bytes).next_multiple_of(PAGE);
    // SAFETY: `memory` is the caller's allocation of `bytes`, so the pages are there. What else lies on the first and the
    // last of them may be somebody else's, and stays as it is: MADV_HUGEPAGE changes how memory is backed but not what is
    // in it.
    unsafe { madvise(memory.wrapping_sub(before).cast(), whole, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages(_: *mut u8, _: usize) {}

/// Asks the processor to load what `at` points to into its cache. A hint without any effect that a program could
/// observe; `at` need not be a valid pointer. Does nothing on processors for which Rust has no such instruction.
#[inline(always)]
pub fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: PREFETCHT0 accepts any address: it raises no fault, also where nothing is mapped. SSE, which it belongs
    // to, is part of every x86-64 processor.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

#[cfg(not(feature = "trace"))]
#[inline(always)]
fn refuse_if_told_to() -> Result<(), OutOfMemory> {
    Ok(())
}

#[cfg(feature = "trace")]
pub use refusal::fail_nth_allocation;
#[cfg(feature = "trace")]
use refusal::refuse_if_told_to;

/// Failure on demand: the traced build can make the Nth allocation fail.
#[cfg(feature = "trace")]
mod refusal {
    use super::OutOfMemory;
    use core::cell::Cell;

    thread_local! {
        /// The number of the allocation on this thread that fails, counted from now; 0 if none does.
        static COUNTDOWN: Cell<u64> = const { Cell::new(0) };
    }

    /// Makes the `nth` allocation on this thread from now on fail (1 is the next one), and only that one. 0 cancels
    /// this. Returns what was left of an earlier order: 0 if it was carried out.
    pub fn fail_nth_allocation(nth: u64) -> u64 {
        COUNTDOWN.replace(nth)
    }

    pub(super) fn refuse_if_told_to() -> Result<(), OutOfMemory> {
        match COUNTDOWN.get() {
            0 => Ok(()),
            left => {
                COUNTDOWN.set(left - 1);
                if left == 1 { Err(OutOfMemory) } else { Ok(()) }
            }
        }
    }
}
