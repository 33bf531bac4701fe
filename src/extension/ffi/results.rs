//! What a call into CPython says: done, or failed with an exception set.

use super::*;

/// A Python exception is set, and the caller must return to Python without calling anything that might lose it.
#[derive(Debug)]
pub(crate) struct Raised;

/// The result of a call that returns a new reference or NULL.
#[inline(always)]
pub(crate) fn new_reference(op: *mut PyObject) -> Result<*mut PyObject, Raised> {
    if op.is_null() { Err(Raised) } else { Ok(op) }
}

/// The result of a call that returns -1 if it failed.
#[inline(always)]
pub(crate) fn status(result: c_int) -> Result<c_int, Raised> {
    if result < 0 { Err(Raised) } else { Ok(result) }
}

/// `op` if all went well; else gives it back. Steals `op`, returns it.
///
/// # Safety
/// The caller owns `op`.
#[track_caller]
pub(crate) unsafe fn or_give_back(op: *mut PyObject, result: Result<(), Raised>) -> Result<*mut PyObject, Raised> {
    if result.is_err() {
        // SAFETY: the caller owned `op` and hands it over; on this path it is not returned, so it is given back once.
        unsafe { Py_DECREF(op) };
    }
    result.map(|()| op)
}
