//! What differs from one CPython to the next, under one name each, and what C has as a macro.

use crate::errors::Raised;
use core::ffi::CStr;

use super::{PyObject, PyTypeObject, c_char, c_int, c_void, visitproc};

/// The form in which `PyArg_ParseTupleAndKeywords` wants the names of the arguments: `const` came in 3.13.
#[cfg(Py_3_13)]
pub(crate) type KeywordList = *const *const c_char;
#[cfg(not(Py_3_13))]
pub(crate) type KeywordList = *mut *mut c_char;

/// Marks a type as a mapping for `match` statements, which came in 3.10.
#[cfg(Py_3_10)]
pub(crate) const Py_TPFLAGS_MAPPING: core::ffi::c_ulong = pyo3_ffi::Py_TPFLAGS_MAPPING;
#[cfg(not(Py_3_10))]
pub(crate) const Py_TPFLAGS_MAPPING: core::ffi::c_ulong = 0;

/// The flags of a type, in the form in which the static object wants them: atomic without the GIL.
#[cfg(not(Py_GIL_DISABLED))]
pub(crate) const fn type_flags(flags: core::ffi::c_ulong) -> core::ffi::c_ulong {
    flags
}
#[cfg(Py_GIL_DISABLED)]
pub(crate) const fn type_flags(flags: core::ffi::c_ulong) -> core::sync::atomic::AtomicU64 {
    core::sync::atomic::AtomicU64::new(flags as u64)
}

/// Adds `value` to the module under `name`. Borrows both, unlike the older `PyModule_AddObject`, which steals the value if it
/// succeeds and not if it fails. Returns -1 with an exception set if it fails.
///
/// # Safety
/// `module` and `value` are living objects, `name` is a string of C.
#[cfg(Py_3_10)]
pub(crate) use super::api::PyModule_AddObjectRef;
#[cfg(not(Py_3_10))]
pub(crate) unsafe fn PyModule_AddObjectRef(module: *mut PyObject, name: *const c_char, value: *mut PyObject) -> c_int {
    // SAFETY: the caller's promise; the reference made here is given away by success and given back by failure.
    unsafe {
        super::Py_INCREF(value);
        let result = super::api::PyModule_AddObject(module, name, value);
        if result < 0 {
            super::Py_DECREF(value);
        }
        result
    }
}

/// The attribute `op.name`, a new reference, or None if there is no such attribute.
///
/// # Errors
/// What getting it raises, other than `AttributeError`.
///
/// # Safety
/// `op` is a living object.
#[track_caller]
pub(crate) unsafe fn optional_attribute(op: *mut PyObject, name: &CStr) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller's promise.
    unsafe { found_attribute(super::api::PyObject_GetAttrString(op, name.as_ptr())) }
}

/// The same, with the name as a str, which is borrowed.
///
/// # Safety
/// `op` and `name` are living objects.
#[track_caller]
pub(crate) unsafe fn optional_attribute_named(
    op: *mut PyObject,
    name: *mut PyObject,
) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller's promise.
    unsafe { found_attribute(super::api::PyObject_GetAttr(op, name)) }
}

/// Tells "there is no such attribute" from other failures. (`PyObject_GetOptionalAttr` does it, from 3.13 on.)
unsafe fn found_attribute(attribute: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the GIL is held; an exception is set if the attribute is NULL.
    unsafe {
        if !attribute.is_null() {
            Ok(Some(attribute))
        } else if pyo3_ffi::PyErr_ExceptionMatches(pyo3_ffi::PyExc_AttributeError) != 0 {
            pyo3_ffi::PyErr_Clear();
            Ok(None)
        } else {
            Err(Raised)
        }
    }
}

/// Is `op` an object of exactly this type, not of a subclass?
///
/// # Safety
/// `op` is a living object.
#[inline(always)]
pub(crate) unsafe fn Py_IS_TYPE(op: *mut PyObject, type_object: *mut PyTypeObject) -> bool {
    // SAFETY: the caller says that it is alive, so it has a type.
    unsafe { pyo3_ffi::Py_TYPE(op) == type_object }
}

/// C's `Py_VISIT`: shows one object to the garbage collector, and is nonzero if that wants to stop.
///
/// # Safety
/// To be called from `tp_traverse` with what that was given; `op` is NULL or a living object that is owned by the one being
/// traversed.
#[inline(always)]
pub(crate) unsafe fn Py_VISIT(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    if op.is_null() {
        return 0;
    }
    // SAFETY: the caller passes on what the garbage collector gave it.
    unsafe { visit(op, arg) }
}

/// The exception that was set, put aside so that calls can be made which must not meet one. Owns what it holds.
#[cfg(feature = "trace")]
pub(crate) struct SetAside {
    #[cfg(Py_3_12)]
    exception: *mut PyObject,
    #[cfg(not(Py_3_12))]
    parts: [*mut PyObject; 3],
}

#[cfg(feature = "trace")]
impl SetAside {
    /// Puts the current exception aside, if there is one.
    ///
    /// # Safety
    /// The GIL is held.
    pub(crate) unsafe fn exception() -> SetAside {
        // SAFETY: the caller holds the GIL; the three parts are valid to write to.
        unsafe {
            #[cfg(Py_3_12)]
            return SetAside { exception: pyo3_ffi::PyErr_GetRaisedException() };
            #[cfg(not(Py_3_12))]
            {
                let mut parts = [core::ptr::null_mut(); 3];
                let [kind, value, traceback] = &mut parts;
                pyo3_ffi::PyErr_Fetch(kind, value, traceback);
                SetAside { parts }
            }
        }
    }

    /// Makes it the current exception again. Steals it back.
    ///
    /// # Safety
    /// The GIL is held, by the same thread.
    pub(crate) unsafe fn put_back(self) {
        // SAFETY: what was fetched is given back, once, since `self` is consumed.
        unsafe {
            #[cfg(Py_3_12)]
            pyo3_ffi::PyErr_SetRaisedException(self.exception);
            #[cfg(not(Py_3_12))]
            {
                let [kind, value, traceback] = self.parts;
                pyo3_ffi::PyErr_Restore(kind, value, traceback);
            }
        }
    }
}
