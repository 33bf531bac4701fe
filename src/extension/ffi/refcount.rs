//! Reference counts: the operations.
//!
//! An object lives as long as its count is above zero, and the count is the number of references that somebody *owns*.
//! C leaves the owning in the programmer's head; these few functions are where it happens.
//!
//! In the normal build each is the function of `pyo3-ffi` with the same name and nothing else: `make same-code`
//! compiles the crate with these wrappers and without them (`cfg(bare_refcounts)`) and compares the machine code. They
//! exist because they know from which line they were called (`#[track_caller]`), which the traced build enters in its
//! ledger.

use super::{PyObject, replace_field};

#[cfg(bare_refcounts)]
pub(crate) use super::api::{Py_DECREF, Py_INCREF};

#[cfg(not(bare_refcounts))]
pub(crate) use wrapped::{Py_DECREF, Py_INCREF};

#[cfg(not(bare_refcounts))]
mod wrapped {
    #[cfg(not(counts_inline))]
    use super::super::api;
    #[cfg(counts_inline)]
    use super::super::two_counts as api;
    use super::PyObject;

    /// One more owner of `op`.
    ///
    /// # Safety
    /// `op` is a living object.
    #[track_caller]
    #[inline(always)]
    pub(crate) unsafe fn Py_INCREF(op: *mut PyObject) {
        // SAFETY: the function of the same name asks for exactly what this one asks for.
        unsafe { api::Py_INCREF(op) }
    }

    /// Steals `op`: one owner less, and with the last one the object goes. That can run any Python code, so nothing
    /// that was true of a table before this call need be true after it.
    ///
    /// # Safety
    /// `op` is a living object, and the caller owns the reference.
    #[track_caller]
    #[inline(always)]
    pub(crate) unsafe fn Py_DECREF(op: *mut PyObject) {
        // SAFETY: the function of the same name asks for exactly what this one asks for.
        unsafe { api::Py_DECREF(op) }
    }
}

/// A new reference to `op`, which may not be NULL.
///
/// # Safety
/// `op` is a living object.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn Py_NewRef(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: `op` is alive, says the caller, so its count can be raised; what is returned is that new reference.
    unsafe { Py_INCREF(op) };
    op
}

/// Steals `op`, which may be NULL.
///
/// # Safety
/// `op` is NULL, or a living object to which the caller owns a reference.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn Py_XDECREF(op: *mut PyObject) {
    if !op.is_null() {
        // SAFETY: it is not NULL, and then the caller owns it.
        unsafe { Py_DECREF(op) }
    }
}

/// Steals `new` into the field, and releases what the field held before, *after* the field has its new content: code
/// that runs when the old object is freed finds the field in order.
///
/// # Safety
/// `field` is valid and owns what it holds (or is NULL); the caller owns `new` (or it is NULL).
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn Py_XSETREF(field: *mut *mut PyObject, new: *mut PyObject) {
    // SAFETY: the caller says that the field can be read and written, and that it owns what it held.
    unsafe {
        let old = replace_field(field, new);
        Py_XDECREF(old);
    }
}

/// Empties the field, then releases what it held.
///
/// # Safety
/// `field` is valid and owns what it holds, or is NULL.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn Py_CLEAR(field: *mut *mut PyObject) {
    // SAFETY: the field is as `Py_XSETREF` wants it, and NULL is a reference that needs no owner.
    unsafe { Py_XSETREF(field, core::ptr::null_mut()) }
}
