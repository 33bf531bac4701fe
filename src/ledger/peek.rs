//! Reading memory that may be gone.
//!
//! A deficit is about an object that may no longer exist. To say something about it one must look at its memory, which may have
//! been given to another object or back to the system; the report must survive both. So memory is read by asking the operating
//! system: a pipe that is told to take bytes from an address that is not mapped answers with an error, and not with a signal.
//! That takes a microsecond or two, and is done only when something did not balance. On 64-bit PCs with Linux there is a question that
//! is answered sooner (see `fast`).

use crate::layout;
use core::mem::{MaybeUninit, offset_of};
use pyo3_ffi::PyObject;

/// Copies what lies at `address`. False if it cannot be read. On Linux one question to the system does it: a process may read its
/// own memory as if it were another's. Where that is forbidden, a pipe does.
#[cfg(target_os = "linux")]
pub(crate) fn read(address: usize, into: &mut [u8]) -> bool {
    use core::ffi::{c_int, c_ulong};
    use core::sync::atomic::{AtomicBool, Ordering};
    /// `struct iovec` of POSIX: where bytes are, and how many.
    #[repr(C)]
    struct Piece(usize, usize);
    unsafe extern "C" {
        fn process_vm_readv(
            process: c_int,
            into: *const Piece,
            pieces: c_ulong,
            from: *const Piece,
            from_pieces: c_ulong,
            flags: c_ulong,
        ) -> isize;
    }
    static FORBIDDEN: AtomicBool = AtomicBool::new(false);
    #[cfg(all(target_arch = "x86_64", not(Py_GIL_DISABLED)))]
    if let Some(copied) = fast::read(address, into) {
        return copied;
    }
    /// `EFAULT` of Linux: there is nothing at this address.
    const NOTHING_THERE: i32 = 14;
    if !FORBIDDEN.load(Ordering::Relaxed) {
        let (to, from) = (Piece(into.as_mut_ptr() as usize, into.len()), Piece(address, into.len()));
        let ours = std::process::id() as c_int;
        // SAFETY: the system writes into a slice of ours, and looks at the address itself.
        let taken = unsafe { process_vm_readv(ours, &raw const to, 1, &raw const from, 1, 0) };
        if taken >= 0 || std::io::Error::last_os_error().raw_os_error() == Some(NOTHING_THERE) {
            return taken == into.len() as isize;
        }
        FORBIDDEN.store(true, Ordering::Relaxed);
    }
    by_pipe(address, into)
}

/// Is there memory at an address? A system call that is given a wrong order, and a set of signals to be read from there, reads the set
/// first: where it cannot, it says that, and else that the order is wrong. It does nothing else. So memory is read in the
/// ordinary way after it was asked about. In between it could go away only by another thread's doing. Objects are freed by a thread
/// that has the interpreter's lock, which is ours at this moment; so without that lock this is not done.
///
/// Where somebody watches each access to memory (valgrind, AddressSanitizer), one to an object that was freed would be reported: there
/// it is not done either.
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(Py_GIL_DISABLED)))]
mod fast {
    use core::sync::atomic::{AtomicU8, Ordering};

    const UNKNOWN: u8 = 0;
    const NO: u8 = 1;
    const YES: u8 = 2;
    static USABLE: AtomicU8 = AtomicU8::new(UNKNOWN);

    const PAGE: usize = 4096;
    const WORD: usize = size_of::<usize>();

    /// Copies what lies at `address`. False if nothing is there. None: that cannot be said in this way.
    pub(super) fn read(address: usize, into: &mut [u8]) -> Option<bool> {
        match USABLE.load(Ordering::Relaxed) {
            YES => {}
            NO => return None,
            _ => {
                let usable =
                    !is_watched() && is_there(&raw const USABLE as usize) == Some(true) && is_there(8) == Some(false);
                USABLE.store(if usable { YES } else { NO }, Ordering::Relaxed);
                return read(address, into);
            }
        }
        let Some(end) = address.checked_add(into.len()) else { return Some(false) };
        let mut page = address & !(WORD - 1);
        while page < end {
            if !is_there(page)? {
                return Some(false);
            }
            page = (page & !(PAGE - 1)) + PAGE;
        }
        // SAFETY: the system has just said that all these pages can be read; the slice is ours.
        unsafe { core::ptr::copy_nonoverlapping(address as *const u8, into.as_mut_ptr(), into.len()) };
        Some(true)
    }

    /// Does a tool watch each access? Valgrind loads a library of its own first; a sanitizer's functions are in the process.
    fn is_watched() -> bool {
        unsafe extern "C" {
            fn dlsym(library: *mut core::ffi::c_void, name: *const core::ffi::c_char) -> *mut core::ffi::c_void;
        }
        let preloaded = std::env::var_os("LD_PRELOAD").is_some_and(|it| it.to_string_lossy().contains("vgpreload"));
        let sanitizers = [c"__asan_init", c"__hwasan_init", c"__msan_init", c"__tsan_init"];
        // SAFETY: without a library, the name is looked for in all that is loaded; what is found is not called.
        preloaded || sanitizers.iter().any(|name| !unsafe { dlsym(core::ptr::null_mut(), name.as_ptr()) }.is_null())
    }

    /// Can the word at this address be read? It does not reach over the end of a page.
    fn is_there(address: usize) -> Option<bool> {
        /// `rt_sigprocmask`, with an order that there is not.
        const CALL: isize = 14;
        const NO_ORDER: usize = usize::MAX;
        /// `EFAULT` and `EINVAL`.
        const NOTHING_THERE: isize = -14;
        const WRONG_ORDER: isize = -22;
        let answer: isize;
        // SAFETY: the system reads a word at the address, which it looks at itself, and changes nothing.
        unsafe {
            core::arch::asm!("syscall", inlateout("rax") CALL => answer, in("rdi") NO_ORDER, in("rsi") address, in("rdx") 0_usize,
                in("r10") WORD, lateout("rcx") _, lateout("r11") _, options(nostack));
        }
        match answer {
            WRONG_ORDER => Some(true),
            NOTHING_THERE => Some(false),
            _ => None,
        }
    }
}

/// Copies what lies at `address`. False if it cannot be read.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn read(address: usize, into: &mut [u8]) -> bool {
    by_pipe(address, into)
}

/// Copies what lies at `address`, through a pipe.
#[cfg(unix)]
fn by_pipe(address: usize, into: &mut [u8]) -> bool {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    unsafe extern "C" {
        fn write(file: core::ffi::c_int, bytes: *const core::ffi::c_void, count: usize) -> isize;
    }
    // A pipe of its own for each reading: one that is kept would be shared with every process that is forked off.
    let Ok((mut reader, writer)) = std::io::pipe() else { return false };
    // A pipe takes that much without anybody reading it.
    into.chunks_mut(4096).enumerate().all(|(number, chunk)| {
        // SAFETY: the system looks at the address, and says so if there is nothing.
        let taken = unsafe { write(writer.as_raw_fd(), (address + number * 4096) as *const _, chunk.len()) };
        taken == chunk.len() as isize && reader.read_exact(chunk).is_ok()
    })
}

/// Copies what lies at `address`, which is believed to be mapped.
#[cfg(not(unix))]
pub(crate) fn read(address: usize, into: &mut [u8]) -> bool {
    // SAFETY: not better than what the interpreter does itself; here is no way to ask.
    unsafe { core::ptr::copy_nonoverlapping(address as *const u8, into.as_mut_ptr(), into.len()) };
    true
}

/// The words that lie between two addresses, and none if they cannot be read.
pub(crate) fn words(start: usize, end: usize) -> Vec<usize> {
    let mut words = vec![0_usize; end.saturating_sub(start) / size_of::<usize>()];
    // SAFETY: the words are ours, and any bytes are words.
    let bytes = unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast::<u8>(), size_of_val(&words[..])) };
    if !read(start, bytes) {
        return Vec::new();
    }
    words
}

/// The count and the type of what lies at this address, if it looks like a living object. Memory that was freed rarely does: its
/// first word is overwritten, with a pointer or a pattern, neither of which could be a count.
pub(crate) fn head(address: usize) -> Option<(isize, usize)> {
    let mut copy = MaybeUninit::<PyObject>::zeroed();
    // SAFETY: `copy` is a local, as long as the slice says, and zeroed; any bytes may be written into it, since it is looked at
    // as an object only by `head_in`.
    let bytes = unsafe { core::slice::from_raw_parts_mut(copy.as_mut_ptr().cast::<u8>(), size_of::<PyObject>()) };
    if address == 0 || !address.is_multiple_of(align_of::<usize>()) || !read(address, bytes) {
        return None;
    }
    head_in(copy).filter(|&(_, type_object)| is_a_type(type_object))
}

/// The count of an object that was seen alive and of this type, if what lies there still looks like it. That is one question to the
/// system where [`head`] asks three.
pub(crate) fn count_of(address: usize, type_object: usize) -> Option<isize> {
    let mut copy = MaybeUninit::<PyObject>::zeroed();
    // SAFETY: as in `head`.
    let bytes = unsafe { core::slice::from_raw_parts_mut(copy.as_mut_ptr().cast::<u8>(), size_of::<PyObject>()) };
    if !address.is_multiple_of(align_of::<usize>()) || !read(address, bytes) {
        return None;
    }
    head_in(copy).filter(|&(_, type_now)| type_now == type_object).map(|head| head.0)
}

/// The count and the type in the copy of a head, if the count can be one.
fn head_in(mut copy: MaybeUninit<PyObject>) -> Option<(isize, usize)> {
    // The flags that CPython 3.14 keeps beside the count are in the topmost quarter of the word.
    #[cfg(all(target_pointer_width = "64", not(Py_GIL_DISABLED)))]
    // SAFETY: a head is at least one word long, and any bytes are a word.
    if unsafe { copy.as_ptr().cast::<usize>().read() } & 0x0000_FFFF_0000_0000 != 0 {
        return None;
    }
    let copy = copy.as_mut_ptr();
    // SAFETY: the copy was filled; its count and its type are only looked at.
    let (count, type_object) = unsafe { (layout::count_of(copy), pyo3_ffi::Py_TYPE(copy) as usize) };
    (count > 0).then_some((count, type_object))
}

/// The same for many addresses, with one question to the system for all of them. Whether a type is one is not asked.
#[cfg(unix)]
pub(crate) fn heads(addresses: &[usize]) -> Vec<Option<(isize, usize)>> {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    /// `struct iovec` of POSIX: where bytes are, and how many.
    #[repr(C)]
    struct Piece(usize, usize);
    unsafe extern "C" {
        fn writev(file: core::ffi::c_int, pieces: *const Piece, count: core::ffi::c_int) -> isize;
    }
    const LENGTH: usize = size_of::<PyObject>();
    /// The pipe, and the process whose it is: one that was forked off makes its own.
    static PIPE: std::sync::Mutex<Option<(u32, std::io::PipeReader, std::io::PipeWriter)>> =
        std::sync::Mutex::new(None);
    let mut found = Vec::with_capacity(addresses.len());
    let mut kept = PIPE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let ours = std::process::id();
    if kept.as_ref().is_none_or(|&(process, ..)| process != ours) {
        *kept = std::io::pipe().ok().map(|(reader, writer)| (ours, reader, writer));
    }
    let Some((_, reader, writer)) = &mut *kept else { return vec![None; addresses.len()] };
    while found.len() < addresses.len() {
        // A pipe takes this many bytes before anybody has to read it.
        let some = &addresses[found.len()..addresses.len().min(found.len() + 128)];
        let pieces: Vec<Piece> = some.iter().map(|&address| Piece(address, LENGTH)).collect();
        // SAFETY: the system looks at the addresses, and stops at the first where there is nothing.
        let taken =
            unsafe { writev(writer.as_raw_fd(), pieces.as_ptr(), pieces.len() as core::ffi::c_int) }.max(0) as usize;
        let mut bytes = vec![0; taken];
        if reader.read_exact(&mut bytes).is_err() {
            bytes.clear();
        }
        for chunk in bytes.chunks_exact(LENGTH) {
            let mut copy = MaybeUninit::<PyObject>::zeroed();
            // SAFETY: the chunk is as long as a head, and the copy is our own.
            unsafe { copy.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(chunk.as_ptr(), LENGTH) };
            found.push(head_in(copy));
        }
        if bytes.len() < some.len() * LENGTH {
            found.push(None);
        }
    }
    found
}

/// The same for many addresses.
#[cfg(not(unix))]
pub(crate) fn heads(addresses: &[usize]) -> Vec<Option<(isize, usize)>> {
    addresses.iter().map(|&address| head(address)).collect()
}

/// Does what lies at this address look like a type? That is an object whose type's instances are types.
fn is_a_type(address: usize) -> bool {
    let word = |at: usize| {
        let mut bytes = [0; size_of::<usize>()];
        read(at, &mut bytes).then(|| usize::from_ne_bytes(bytes))
    };
    let meta = address.checked_add(offset_of!(PyObject, ob_type)).and_then(word);
    let flags = meta.and_then(|meta| word(meta.checked_add(offset_of!(layout::Type, tp_flags))?));
    flags.is_some_and(|flags| flags & pyo3_ffi::Py_TPFLAGS_TYPE_SUBCLASS as usize != 0)
}
