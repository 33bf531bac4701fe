//! What takes C several lines, and the same ones each time.

use super::*;
use core::ffi::CStr;
use core::ptr::null_mut;

/// A new reference to `NotImplemented`: "ask the other operand".
///
/// # Safety
/// The GIL is held.
pub(crate) unsafe fn not_implemented() -> *mut PyObject {
    // SAFETY: `NotImplemented` is a static object of the interpreter that is calling us, so it is alive; the caller
    // holds the GIL, so its count may be changed.
    unsafe { Py_NewRef(Py_NotImplemented()) }
}

/// Frees the memory of an object, by its type's `tp_free`. (An object of a heap type owns its type, and gives it back then:
/// src/forms has a function of this name that does so.)
///
/// # Safety
/// Nobody refers to the object any more, and none of its fields owns anything.
#[inline(always)]
pub(crate) unsafe fn free_object(op: *mut PyObject) {
    // SAFETY: the struct is read for the last time, for the type that frees it; a type that is ready has `tp_free`.
    unsafe { tp_free(Py_TYPE(op)).expect("a type that is ready has tp_free")(op.cast()) }
}

/// Calls `visit` with each object that the iterator yields, borrowed for the length of the call, until one fails.
/// Steals the iterator.
///
/// # Safety
/// The caller owns the iterator.
pub(crate) unsafe fn for_each(
    iterator: *mut PyObject,
    mut visit: impl FnMut(*mut PyObject) -> Result<(), Raised>,
) -> Result<(), Raised> {
    // SAFETY: the iterator is ours, by the caller's gift, until the last line; each object that it yields is a new
    // reference, ours until its DECREF. So both stay alive while `visit` and `__next__` run what they like.
    unsafe {
        let mut result = Ok(());
        while result.is_ok() {
            let object = PyIter_Next(iterator); // [R12]
            if object.is_null() {
                break;
            }
            result = visit(object);
            Py_DECREF(object);
        }
        // NULL means that there are no more, or that the iterator raised.
        if result.is_ok() && !PyErr_Occurred().is_null() {
            result = Err(Raised);
        }
        Py_DECREF(iterator);
        result
    }
}

/// A tuple of these: a new reference. Steals them all, also if it fails; one that is NULL is a failure, with its
/// exception set.
///
/// # Safety
/// The caller owns each that is not NULL.
pub(crate) unsafe fn tuple_of_stolen<const N: usize>(items: [*mut PyObject; N]) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller owns the items. The tuple takes over each in turn, or all are given back.
    unsafe {
        let complete = items.iter().all(|item| !item.is_null());
        let tuple = if complete { PyTuple_New(N as Py_ssize_t) } else { null_mut() };
        if tuple.is_null() {
            for item in items {
                Py_XDECREF(item);
            }
            return Err(Raised);
        }
        for (place, item) in items.into_iter().enumerate() {
            PyTuple_SET_ITEM(tuple, place as Py_ssize_t, item);
        }
        Ok(tuple)
    }
}

/// Appends `line` to the list. Steals `line`, which may be NULL with an exception set.
///
/// # Safety
/// `lines` is a living list, `line` NULL or an object to which the caller owns a reference.
pub(crate) unsafe fn append_steals(lines: *mut PyObject, line: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller owns `line` and keeps the list alive; the list takes a reference of its own.
    unsafe {
        let line = new_reference(line)?;
        let result = status(PyList_Append(lines, line));
        Py_DECREF(line);
        result.map(|_| ())
    }
}

/// Puts `value` into the dict under `name`. Steals `value`, which may be NULL with an exception set.
/// `PyDict_SetItemString` itself does *not* steal: the dict takes a reference of its own, and this function gives back
/// the one it was handed.
///
/// # Safety
/// `dict` is a living dict, `value` NULL or an object to which the caller owns a reference.
pub(crate) unsafe fn put_steals(dict: *mut PyObject, name: &CStr, value: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps the dict alive and hands over `value`. The dict takes a reference of its own, if it
    // succeeds; the one that was handed over is given back either way.
    unsafe {
        let value = new_reference(value)?;
        let result = status(PyDict_SetItemString(dict, name.as_ptr(), value));
        Py_DECREF(value);
        result.map(|_| ())
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
    // SAFETY: `op` is alive, says the caller. What comes is a new reference, which goes on to our caller, or NULL with
    // an exception set, which is what `found_attribute` takes.
    unsafe { found_attribute(api::PyObject_GetAttrString(op, name.as_ptr())) }
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
    // SAFETY: the caller keeps `op` and `name` alive, also while a `__getattr__` runs. What comes is a new reference,
    // or NULL with an exception set: the two things that `found_attribute` takes.
    unsafe { found_attribute(api::PyObject_GetAttr(op, name)) }
}

/// Tells "there is no such attribute" from other failures. (`PyObject_GetOptionalAttr` does it, from 3.13 on.)
unsafe fn found_attribute(attribute: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: a NULL comes with an exception set, which is what `PyErr_ExceptionMatches` asks for, and nothing has run
    // in between that could have cleared it. A pointer that is not NULL only passes through.
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

// ---- entries of the lists of what a type has by name ----------------------------------------------------------------

/// A method without arguments.
pub(crate) const fn no_arguments(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_NOARGS, doc)
}

/// A method with exactly one argument.
pub(crate) const fn one_argument(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_O, doc)
}

/// A method that takes its arguments as an array, which is the fast way to be called.
pub(crate) const fn arguments(name: &'static CStr, function: PyCFunctionFast, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunctionFast: function }, METH_FASTCALL, doc)
}

/// A method that is called in any way.
pub(crate) const fn method(
    name: &'static CStr,
    ml_meth: PyMethodDefPointer,
    ml_flags: c_int,
    doc: &'static CStr,
) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth, ml_flags, ml_doc: doc.as_ptr() }
}

/// An attribute that is read through a function, and cannot be written.
pub(crate) const fn read_only(
    name: &'static CStr,
    get: unsafe extern "C" fn(*mut PyObject, *mut c_void) -> *mut PyObject,
    doc: &'static CStr,
) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set: None, doc: doc.as_ptr(), closure: null_mut() }
}
