//! Reference counts without the GIL: two fields.
//!
//! Two threads that add to one field at the same time lose one of their additions, unless they use an instruction that
//! cannot be interrupted, and those are slow. Most objects are used by the thread that made them. So an object remembers
//! that thread, which counts in a field of its own, in the ordinary way; all others count in a second field, with such
//! instructions.
//!
//! ```text
//! the local count is the highest number   an immortal object: nothing is counted
//! made by this thread                     local count + 1
//! made by another thread                  shared count + 1, in one step
//! ```
//!
//! In C that is inline code of `Py_INCREF`; pyo3-ffi calls a function for it. Here it is inline again, as far as it is
//! simple. All else is left to that function: the last local reference, and what another thread made.

use super::{PyObject, this_thread};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The shared count begins at this bit; those below it are flags.
const ONE_SHARED: isize = 1 << 2;

/// As in the C API.
///
/// # Safety
/// As in the C API.
#[inline(always)]
pub(crate) unsafe fn Py_INCREF(op: *mut PyObject) {
    // SAFETY: the object is alive, says the caller, and both fields are read and written in one step each. Nobody but this
    // thread writes the local one.
    unsafe {
        let local = (*op).ob_ref_local.load(Relaxed);
        if local == u32::MAX {
            return;
        }
        if is_this_threads(op) {
            (*op).ob_ref_local.store(local + 1, Relaxed);
        } else {
            (*op).ob_ref_shared.fetch_add(ONE_SHARED, Relaxed);
        }
    }
}

/// As in the C API.
///
/// # Safety
/// As in the C API.
#[inline(always)]
pub(crate) unsafe fn Py_DECREF(op: *mut PyObject) {
    // SAFETY: as in [`Py_INCREF`]; the caller owns the reference.
    unsafe {
        let local = (*op).ob_ref_local.load(Relaxed);
        if local == u32::MAX {
            return;
        }
        if local > 1 && is_this_threads(op) {
            (*op).ob_ref_local.store(local - 1, Relaxed);
        } else {
            pyo3_ffi::Py_DECREF(op);
        }
    }
}

/// Was the object made by the thread that is running? (It need not know any more: then nobody counts in the local field.)
///
/// # Safety
/// `op` is a living object.
#[inline(always)]
pub(crate) unsafe fn is_this_threads(op: *mut PyObject) -> bool {
    // SAFETY: the object is alive, and the field is read in one step.
    unsafe { AtomicUsize::from_ptr(&raw mut (*op).ob_tid).load(Relaxed) == this_thread() }
}

/// Has `op` one owner and no more, who is this thread? (The whole shared field is zero, flags and all.)
///
/// # Safety
/// `op` is a living object.
#[inline(always)]
pub(crate) unsafe fn is_owned_once(op: *mut PyObject) -> bool {
    // SAFETY: the object is alive. The local count is written by its own thread only, which is this one if the first test holds.
    unsafe { is_this_threads(op) && (*op).ob_ref_local.load(Relaxed) == 1 && (*op).ob_ref_shared.load(Relaxed) == 0 }
}
