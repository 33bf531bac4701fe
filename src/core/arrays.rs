//! The table's two arrays, and the only place where the library asks for memory.
//!
//! Every request here may fail, and a failure is an ordinary result: the caller learns of it before anything has changed.

use std::alloc::{Layout, alloc_zeroed};

/// There is no memory for what was asked, or no machine could have that much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl core::fmt::Display for OutOfMemory {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("not enough memory for the hash table")
    }
}

impl core::error::Error for OutOfMemory {}

/// Makes an array of `size` empty buckets, that is, of zeros.
///
/// The zeros come from the allocator, which for a large array gets them from the operating system without writing any: a
/// table of a billion buckets costs memory only where pairs go. (`vec![0; size]` does so too, but dies instead of failing.)
pub(crate) fn empty_buckets(size: usize) -> Result<Vec<u32>, OutOfMemory> {
    refuse_if_told_to()?;
    let layout = Layout::array::<u32>(size).map_err(|_| OutOfMemory)?;
    assert!(layout.size() > 0, "a table has at least one bucket");
    // SAFETY: the layout's size was just found to be more than zero, which is all that `alloc_zeroed` asks.
    let memory = unsafe { alloc_zeroed(layout) }.cast::<u32>();
    if memory.is_null() {
        return Err(OutOfMemory);
    }
    wish_for_large_pages(memory.cast(), layout.size());
    // SAFETY: `memory` came from the global allocator with the layout of `size` u32s, and all of them have a value: zero.
    Ok(unsafe { Vec::from_raw_parts(memory, size, size) })
}

/// Makes room for `more` elements behind those that `entries` has now.
pub(crate) fn reserve<T>(entries: &mut Vec<T>, more: usize) -> Result<(), OutOfMemory> {
    refuse_if_told_to()?;
    entries.try_reserve_exact(more).map_err(|_| OutOfMemory)?;
    wish_for_large_pages(entries.as_mut_ptr().cast(), entries.capacity() * size_of::<T>());
    Ok(())
}

/// Tells the operating system that this memory will be used all over. Linux then backs it with pages of 2 MiB instead of
/// 4 KiB where it can: a lookup in a large table goes to two places that nobody could foresee, and for each the processor must
/// first find out where its page is. It remembers some two thousand pages; of 2 MiB, that is the whole table.
///
/// A wish that is not granted costs nothing but time, so the answer is not looked at.
#[cfg(target_os = "linux")]
fn wish_for_large_pages(memory: *mut u8, bytes: usize) {
    use core::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(memory: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }
    const MADV_HUGEPAGE: c_int = 14;
    const LARGE_PAGE: usize = 2 << 20;
    // The whole large pages in it.
    let before = memory.align_offset(LARGE_PAGE);
    let whole = bytes.saturating_sub(before) / LARGE_PAGE * LARGE_PAGE;
    if whole > 0 {
        // SAFETY: the range lies within memory that is ours, and the advice changes nothing about what is in it.
        unsafe { madvise(memory.wrapping_add(before).cast(), whole, MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn wish_for_large_pages(_: *mut u8, _: usize) {}

/// Asks the processor to fetch what `at` points to, if there is anything, so that it is there when it is needed. A hint: it does
/// nothing that a program could tell, and on processors for which Rust has no such instruction it does nothing.
#[inline(always)]
pub fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction takes any address and never faults.
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

/// Failure on demand: the traced build can make the Nth request for memory fail.
#[cfg(feature = "trace")]
mod refusal {
    use super::OutOfMemory;
    use core::cell::Cell;

    thread_local! {
        /// How many more requests this thread is granted before one is refused; 0 grants all.
        static COUNTDOWN: Cell<u64> = const { Cell::new(0) };
    }

    /// From now on, makes the `nth` request for memory on this thread fail (1 is the next one), and only that one.
    /// 0 takes this back. Returns what was left of an earlier order: 0 if it was carried out.
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
