//! What `src/extension/ffi/structs.rs` reads out of CPython's structs, by calls instead. The names are the same.
//!
//! The *limited API* is the part of the C API that looks into no struct but the head of an object. Its functions stay, and
//! what they take and return stays: that promise is the *stable ABI*. So what is compiled with this file is compiled once,
//! and CPython 3.12 and all later ones can import what comes of it.
//!
//! It costs a call wherever there was a read. And one thing is left out, since no call can do it: an iterator over items
//! makes a tuple for each, as one that has been handed out cannot be given other items.

use super::{
    Py_DECREF, Py_IS_TYPE, Py_ssize_t, PyErr_Clear, PyObject, PyObject_GetAttrString, PyObject_GetItem,
    PySequence_Contains, PyTuple_Check, PyTypeObject, Raised, api, c_char, c_int, new_reference, received, status,
};
use core::mem::transmute;
use core::ptr::null_mut;

/// How every object begins: the count and the type lie where they always have.
#[cfg(not(opaque))]
pub(crate) type Head = PyObject;

/// How every object begins, nobody knows: with the GIL it is 16 bytes long in CPython 3.15, without it 32. So there is room
/// for either, and type_object.rs asks each CPython, when it makes a type, whether its head is longer than that.
#[cfg(opaque)]
pub(crate) type Head = [usize; 4];

/// The lock of an object is in its head, so it cannot be taken at once: the caller goes the long way.
///
/// # Safety
/// There is nothing to see to.
#[inline(always)]
#[cfg(Py_GIL_DISABLED)]
pub(crate) unsafe fn briefly<R>(_: *mut PyObject, _: impl FnOnce() -> R) -> Option<R> {
    None
}

// ---- what is in a tuple, a list, a float, a str -------------------------------------------------------------------

// These check what they are given, and could say that it is wrong. It never is: each is asked about an object of its type,
// and about a place that there is.
pub(crate) use super::api::{
    PyList_GetItem as PyList_GET_ITEM, PyList_Size as PyList_GET_SIZE, PyTuple_GetItem as PyTuple_GET_ITEM,
    PyTuple_Size as PyTuple_GET_SIZE, PyUnicode_GetLength as PyUnicode_GET_LENGTH,
};

/// The value of a float. (Called past the ledger, which would have it fail, as it may for other objects.)
///
/// # Safety
/// `op` is a living float.
#[inline(always)]
pub(crate) unsafe fn PyFloat_AS_DOUBLE(op: *mut PyObject) -> f64 {
    // SAFETY: the caller has it alive.
    unsafe { pyo3_ffi::PyFloat_AsDouble(op) }
}

// Steals: the tuple, which is new, owns the reference from the call on.
pub(crate) use super::api::PyTuple_SetItem as PyTuple_SET_ITEM;

/// A tuple that somebody else has seen cannot be given other items: `PyTuple_SetItem` refuses it.
pub(crate) const TUPLES_CAN_CHANGE: bool = false;

/// `function(argument)`: a new reference, or NULL with an exception set.
///
/// # Safety
/// Both are living objects.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn PyObject_CallOneArg(function: *mut PyObject, argument: *mut PyObject) -> *mut PyObject {
    // What is called may use the place before its arguments for an object of its own.
    let arguments = [null_mut(), argument];
    let count = 1 | pyo3_ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    // SAFETY: the caller keeps both alive; there is one argument, and a place before it.
    unsafe { received(api::PyObject_Vectorcall(function, arguments.as_ptr().add(1), count, null_mut())) }
}

/// A str that is being written, all of ASCII. No str can be written to: so it is written elsewhere, and copied.
pub(crate) struct Ascii(Vec<u8>);

impl Ascii {
    /// Of so many characters, which are still to be written. Runs no Python code.
    ///
    /// # Safety
    /// [`finish`](Ascii::finish) is called in the end.
    #[track_caller]
    pub(crate) unsafe fn of_length(length: usize) -> Result<Ascii, Raised> {
        let mut characters = Vec::new();
        if super::refused() {
            return Err(Raised);
        }
        if characters.try_reserve_exact(length).is_err() {
            return Err(crate::errors::no_memory());
        }
        characters.resize(length, b' ');
        Ok(Ascii(characters))
    }

    /// The characters, to be written.
    pub(crate) fn characters(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The str: a new reference. All characters have been written.
    #[track_caller]
    pub(crate) fn finish(self) -> Result<*mut PyObject, Raised> {
        // SAFETY: there are so many characters, and they are ASCII, in which UTF-8 is the same.
        new_reference(unsafe { api::PyUnicode_FromStringAndSize(self.0.as_ptr().cast(), self.0.len() as Py_ssize_t) })
    }
}

// ---- what is in a type ----------------------------------------------------------------------------------------------

/// The slot of a type with this number: NULL if it is empty. (A type that is static can be asked, too, since 3.10.)
///
/// # Safety
/// The type is ready. So with all that follow.
unsafe fn slot(class: *mut PyTypeObject, number: c_int) -> *mut core::ffi::c_void {
    // SAFETY: the caller has the type alive and ready. So with all that follow.
    unsafe { pyo3_ffi::PyType_GetSlot(class, number) }
}

#[cfg(not(feature = "trace"))]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_alloc(class: *mut PyTypeObject) -> Option<pyo3_ffi::allocfunc> {
    // SAFETY: a slot of this number has a function of this type, or NULL, which is None. So with those that follow.
    unsafe { transmute(slot(class, pyo3_ffi::Py_tp_alloc)) }
}

#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_free(class: *mut PyTypeObject) -> Option<pyo3_ffi::freefunc> {
    // SAFETY: as above.
    unsafe { transmute(slot(class, pyo3_ffi::Py_tp_free)) }
}

#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_hash(class: *mut PyTypeObject) -> Option<pyo3_ffi::hashfunc> {
    // SAFETY: as above.
    unsafe { transmute(slot(class, pyo3_ffi::Py_tp_hash)) }
}

#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_descr_get(class: *mut PyTypeObject) -> Option<pyo3_ffi::descrgetfunc> {
    // SAFETY: as above.
    unsafe { transmute(slot(class, pyo3_ffi::Py_tp_descr_get)) }
}

#[cfg(feature = "trace")]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_repr(class: *mut PyTypeObject) -> Option<pyo3_ffi::reprfunc> {
    // SAFETY: as above.
    unsafe { transmute(slot(class, pyo3_ffi::Py_tp_repr)) }
}

/// How many bytes an object of the type takes.
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_basicsize(class: *mut PyTypeObject) -> Result<Py_ssize_t, Raised> {
    // SAFETY: as above. The int is ours until its DECREF; -1 may be an answer only without an exception.
    unsafe {
        let int = new_reference(PyObject_GetAttrString(class.cast(), c"__basicsize__".as_ptr()))?;
        let size = pyo3_ffi::PyLong_AsSsize_t(int);
        Py_DECREF(int);
        if size == -1 && !super::PyErr_Occurred().is_null() { Err(Raised) } else { Ok(size) }
    }
}

/// The name of the type, without that of its module: borrowed, as long as the type lives, which must be one of ours: they
/// cannot be given another name.
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_name(class: *mut PyTypeObject) -> *const c_char {
    // SAFETY: as above. The type has the str too, and the str its UTF-8 form: so both stay after the DECREF.
    unsafe {
        let name = pyo3_ffi::PyType_GetName(class);
        let text =
            if name.is_null() { null_mut() } else { pyo3_ffi::PyUnicode_AsUTF8AndSize(name, null_mut()).cast_mut() };
        if name.is_null() || text.is_null() {
            PyErr_Clear();
        }
        if !name.is_null() {
            pyo3_ffi::Py_DECREF(name);
        }
        if text.is_null() { c"?".as_ptr() } else { text }
    }
}

/// What the class has under this name, or else the first that has it of those that it inherits from: a new reference, or
/// None.
#[track_caller]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn type_lookup(
    class: *mut PyTypeObject,
    name: *mut PyObject,
) -> Option<Result<*mut PyObject, Raised>> {
    // SAFETY: as above. `classes` is ours until its DECREF, and keeps the classes.
    unsafe {
        let classes = PyObject_GetAttrString(class.cast(), c"__mro__".as_ptr());
        if classes.is_null() {
            return Some(Err(Raised));
        }
        let number = if PyTuple_Check(classes) != 0 { PyTuple_GET_SIZE(classes) } else { 0 };
        let mut found = None;
        for place in 0..number {
            found = item_of_class(PyTuple_GET_ITEM(classes, place), name).transpose();
            if found.is_some() {
                break;
            }
        }
        Py_DECREF(classes);
        found
    }
}

/// What is in the dict of this class under `name`: a new reference, or None.
#[track_caller]
unsafe fn item_of_class(class: *mut PyObject, name: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps both alive. The proxy of the dict is ours until its DECREF.
    unsafe {
        let proxy = new_reference(PyObject_GetAttrString(class, c"__dict__".as_ptr()))?;
        // An exception would not say whether the name was missing, or something else.
        let found = status(PySequence_Contains(proxy, name));
        let item = if matches!(found, Ok(1)) { PyObject_GetItem(proxy, name) } else { null_mut() };
        Py_DECREF(proxy);
        if found? == 0 { Ok(None) } else { new_reference(item).map(Some) }
    }
}

// ---- flags ----------------------------------------------------------------------------------------------------------

/// Marks a type as a mapping for `match` statements. (C's headers leave it out of the limited API. It is one bit of a number
/// that CPython keeps as it was given, the same one since 3.10, and there is no other way to mark an immutable type.)
pub(crate) const Py_TPFLAGS_MAPPING: core::ffi::c_ulong = 1 << 6;

// ---- what is in a str or an int -------------------------------------------------------------------------------------

/// The hash of an exact str. Runs no Python code, and cannot fail.
///
/// # Safety
/// `op` is a living str.
#[inline(always)]
pub(crate) unsafe fn hash_in_str(op: *mut PyObject) -> Option<i64> {
    // SAFETY: the caller has it alive. It is not of a subclass, so CPython's own function answers.
    Some(unsafe { pyo3_ffi::PyObject_Hash(op) } as i64)
}

/// Where a str keeps its hash: what the stable ABI does not say, so it is the object.
#[inline(always)]
pub(crate) fn place_of_hash(op: *mut PyObject) -> *const u8 {
    op.cast()
}

/// The value of an int, if it is found without a call: so never here.
///
/// # Safety
/// `op` is a living int.
#[inline(always)]
pub(crate) unsafe fn small_int(_op: *mut PyObject) -> Option<i64> {
    None
}

/// The hash of an exact int. Runs no Python code, and cannot fail.
///
/// # Safety
/// `op` is a living int.
#[inline(always)]
pub(crate) unsafe fn hash_of_int(op: *mut PyObject) -> i64 {
    // SAFETY: as in [`hash_in_str`].
    unsafe { pyo3_ffi::PyObject_Hash(op) as i64 }
}

/// Are two strs equal? Runs no Python code. None if there was no memory to find out.
///
/// # Safety
/// Both are living strs of exactly that type.
pub(crate) unsafe fn equal_strs(one: *mut PyObject, other: *mut PyObject) -> Option<bool> {
    // SAFETY: both are strs, so there is nothing that could fail.
    Some(unsafe { pyo3_ffi::PyUnicode_Compare(one, other) == 0 })
}

// ---- what is in every object ----------------------------------------------------------------------------------------

/// Is it certain that releasing a reference to `op` runs no Python code? It is if it is exactly an int, a float or a str,
/// whose deallocation calls nothing. (The head of an object has the number of its owners. But what else is in that field
/// differs from version to version.)
///
/// # Safety
/// `op` is a living object that the caller owns.
#[inline(always)]
pub(crate) unsafe fn dealloc_runs_no_python(op: *mut PyObject) -> bool {
    // SAFETY: the caller owns `op`, so it is alive and has a type.
    unsafe {
        Py_IS_TYPE(op, &raw mut pyo3_ffi::PyLong_Type)
            || Py_IS_TYPE(op, &raw mut pyo3_ffi::PyFloat_Type)
            || Py_IS_TYPE(op, &raw mut pyo3_ffi::PyUnicode_Type)
    }
}
