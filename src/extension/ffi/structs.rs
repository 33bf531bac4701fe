//! What is read out of CPython's own structs.
//!
//! `PyObject`, `PyTypeObject`, `PyTupleObject` and their like are structs, and C's headers say where each field lies. So
//! a function or a macro need not be called for what is in one: it is read, with an instruction or two. That makes the
//! module fast, and it makes it a module for one version of CPython, since the next may move a field.
//!
//! The stable ABI is the promise of those functions that stay, and a module that keeps to them looks into no struct. So
//! everything that does stands in this file, and the file has a twin, `src/forms/limited.rs`: the same names, each by a
//! call. The twin takes its place in `hashtable_abi3`, the form of this module of which one file serves many versions.

use super::{
    Py_DECREF, Py_IS_TYPE, Py_NewRef, Py_ssize_t, PyObject, PyTypeObject, Raised, c_char, dict_item, new_reference,
};
use core::sync::atomic::{AtomicIsize, Ordering::Relaxed};

/// How every object begins. (C has the macro `PyObject_HEAD` for it.)
pub(crate) type Head = PyObject;

// ---- what is in a tuple, a list, a float, a str -------------------------------------------------------------------

pub(crate) use super::api::{
    PyFloat_AS_DOUBLE, PyList_GET_ITEM, PyList_GET_SIZE, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyUnicode_GET_LENGTH,
};

// Steals: the tuple, which is new, owns the reference from the call on.
pub(crate) use super::api::PyTuple_SET_ITEM;

// Not read from a struct, but no function of the stable ABI either.
pub(crate) use super::api::PyObject_CallOneArg;

/// A tuple that nobody else has can be given other items.
pub(crate) const TUPLES_CAN_CHANGE: bool = true;

/// A str that is being written, all of ASCII.
pub(crate) struct Ascii {
    text: *mut PyObject,
    length: usize,
}

impl Ascii {
    /// Of so many characters, which are still to be written. Runs no Python code, as a str is nothing for the garbage
    /// collector.
    ///
    /// # Safety
    /// [`finish`](Ascii::finish) is called in the end.
    #[track_caller]
    #[inline(always)]
    pub(crate) unsafe fn of_length(length: usize) -> Result<Ascii, Raised> {
        const GREATEST: super::Py_UCS4 = 127;
        // SAFETY: the thread is attached: CPython has called us.
        let text = new_reference(unsafe { super::api::PyUnicode_New(length as Py_ssize_t, GREATEST) })?;
        Ok(Ascii { text, length })
    }

    /// The characters, to be written.
    #[inline(always)]
    pub(crate) fn characters(&mut self) -> &mut [u8] {
        // SAFETY: a fresh str that nobody else has seen may be written, and as its characters are ASCII it has as many
        // bytes of them.
        unsafe { core::slice::from_raw_parts_mut(super::api::PyUnicode_1BYTE_DATA(self.text), self.length) }
    }

    /// The str: a new reference. All characters have been written.
    #[inline(always)]
    pub(crate) fn finish(self) -> Result<*mut PyObject, Raised> {
        Ok(self.text)
    }
}

// ---- what is in a type ----------------------------------------------------------------------------------------------

/// The field of a type that has this name. A slot that is empty is None.
///
/// # Safety
/// The type is ready. So with all that follow.
#[inline(always)]
#[cfg(not(feature = "trace"))]
pub(crate) unsafe fn tp_alloc(class: *mut PyTypeObject) -> Option<pyo3_ffi::allocfunc> {
    // SAFETY: the caller has the type alive and ready, so its fields are set, and can be read. So with all that follow.
    unsafe { (*class).tp_alloc }
}

#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_free(class: *mut PyTypeObject) -> Option<pyo3_ffi::freefunc> {
    // SAFETY: as above.
    unsafe { (*class).tp_free }
}

#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_hash(class: *mut PyTypeObject) -> Option<pyo3_ffi::hashfunc> {
    // SAFETY: as above.
    unsafe { (*class).tp_hash }
}

#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_descr_get(class: *mut PyTypeObject) -> Option<pyo3_ffi::descrgetfunc> {
    // SAFETY: as above.
    unsafe { (*class).tp_descr_get }
}

#[inline(always)]
#[cfg(feature = "trace")]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_repr(class: *mut PyTypeObject) -> Option<pyo3_ffi::reprfunc> {
    // SAFETY: as above.
    unsafe { (*class).tp_repr }
}

/// How many bytes an object of the type takes.
#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_basicsize(class: *mut PyTypeObject) -> Result<Py_ssize_t, Raised> {
    // SAFETY: as above.
    Ok(unsafe { (*class).tp_basicsize })
}

/// The name of the type, with that of its module and a dot before it: borrowed, as long as the type lives.
#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn tp_name(class: *mut PyTypeObject) -> *const c_char {
    // SAFETY: as above.
    unsafe { (*class).tp_name }
}

/// What the class has under this name, or else the first that has it of those that it inherits from: a new reference, or
/// None. (CPython's own `_PyType_Lookup` is not for others to use.)
#[track_caller]
#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn type_lookup(
    class: *mut PyTypeObject,
    name: *mut PyObject,
) -> Option<Result<*mut PyObject, Raised>> {
    // SAFETY: as above. `classes` is ours until its DECREF, and keeps the classes, each of which keeps its dict.
    unsafe {
        // The class may be given other bases meanwhile.
        let classes = Py_NewRef((*class).tp_mro);
        let mut found = None;
        for place in 0..PyTuple_GET_SIZE(classes) {
            let dict = (*PyTuple_GET_ITEM(classes, place).cast::<PyTypeObject>()).tp_dict;
            // From 3.12 on, the classes that CPython itself brings along have theirs elsewhere. None of them has what is
            // looked for and is a base of a table's class.
            found = if dict.is_null() { None } else { dict_item(dict, name).transpose() };
            if found.is_some() {
                break;
            }
        }
        Py_DECREF(classes);
        found
    }
}

// ---- flags ----------------------------------------------------------------------------------------------------------

/// Marks a type as a mapping for `match` statements, which came in 3.10.
#[cfg(Py_3_10)]
pub(crate) const Py_TPFLAGS_MAPPING: core::ffi::c_ulong = pyo3_ffi::Py_TPFLAGS_MAPPING;
#[cfg(not(Py_3_10))]
pub(crate) const Py_TPFLAGS_MAPPING: core::ffi::c_ulong = 0;

// ---- what is in a str or an int -------------------------------------------------------------------------------------

/// The hash of an exact str, if it has been asked for before: the str then keeps it.
///
/// # Safety
/// `op` is a living str.
#[inline(always)]
pub(crate) unsafe fn hash_in_str(op: *mut PyObject) -> Option<i64> {
    // SAFETY: every str begins with this struct, whichever of the three forms it has, and `hash` is written when the
    // str is made: -1, until somebody asks for it. That may be another thread, so the field is read at once, as a whole.
    let hash = unsafe { AtomicIsize::from_ptr(&raw mut (*op.cast::<pyo3_ffi::PyASCIIObject>()).hash).load(Relaxed) };
    (hash != -1).then_some(hash as i64)
}

/// Where a str keeps its hash, and so far behind its beginning an int has its value. An address, for who wants it prefetched:
/// nothing is read, so `op` may be anything.
#[inline(always)]
pub(crate) fn place_of_hash(op: *mut PyObject) -> *const u8 {
    const HASH: usize = core::mem::offset_of!(pyo3_ffi::PyASCIIObject, hash);
    const { assert!(HASH == core::mem::offset_of!(Int, digit)) };
    op.cast::<u8>().wrapping_add(HASH)
}

/// The front of an int, as all of CPython's versions have it: a sign and a number of digits in one word, then the
/// digits, of 30 bits each. (`PyLongObject` has names for the parts, which differ from version to version and which
/// pyo3-ffi leaves out.)
#[repr(C)]
struct Int {
    ob_base: PyObject,
    sign_and_digits: Py_ssize_t,
    digit: u32,
}

/// The value of an int that has one digit or none, less than 2^30 above or below zero; None for a longer one.
///
/// # Safety
/// `op` is a living int.
#[inline(always)]
pub(crate) unsafe fn small_int(op: *mut PyObject) -> Option<i64> {
    // SAFETY: every int begins with this struct, and one with a digit has its first. The type is static. A CPython
    // built for digits of 15 bits, which is seen by the size of an item, has none that is small here.
    unsafe {
        if pyo3_ffi::PyLong_Type.tp_itemsize != size_of::<u32>() as Py_ssize_t {
            return None;
        }
        let int = op.cast::<Int>();
        // Until 3.11 the number of digits, and the sign is its sign.
        #[cfg(not(Py_3_12))]
        return match (*int).sign_and_digits {
            0 => Some(0),
            1 => Some(i64::from((*int).digit)),
            -1 => Some(-i64::from((*int).digit)),
            _ => None,
        };
        // Since then the number of digits is above three bits, of which two have the sign: 0 above zero, 1 for zero, 2
        // below.
        #[cfg(Py_3_12)]
        return match (*int).sign_and_digits {
            more if more >> 3 > 1 => None,
            one => Some((1 - (one & 3) as i64) * i64::from((*int).digit)),
        };
    }
}

/// The hash of an exact int. A small one is its own hash, but for -1, which says in C that something has failed.
///
/// # Safety
/// `op` is a living int.
#[inline(always)]
pub(crate) unsafe fn hash_of_int(op: *mut PyObject) -> i64 {
    // SAFETY: `op` is a living int, says the caller. The type of ints is static and has a `tp_hash`, which cannot fail.
    unsafe {
        match small_int(op) {
            Some(-1) => -2,
            Some(value) => value,
            None => pyo3_ffi::PyLong_Type.tp_hash.unwrap_unchecked()(op) as i64,
        }
    }
}

/// Are two strs equal? Runs no Python code. None if there was no memory to find out.
///
/// # Safety
/// Both are living strs of exactly that type.
pub(crate) unsafe fn equal_strs(one: *mut PyObject, other: *mut PyObject) -> Option<bool> {
    // SAFETY: a str has as many characters as it says, each of as many bytes as its kind says, from DATA on. (Until
    // 3.11 a str can be without them, until it is made ready.)
    unsafe {
        #[cfg(not(Py_3_12))]
        if pyo3_ffi::PyUnicode_READY(one) != 0 || pyo3_ffi::PyUnicode_READY(other) != 0 {
            pyo3_ffi::PyErr_Clear();
            return None;
        }
        let (length, kind) = (pyo3_ffi::PyUnicode_GET_LENGTH(one), pyo3_ffi::PyUnicode_KIND(one));
        if length != pyo3_ffi::PyUnicode_GET_LENGTH(other) || kind != pyo3_ffi::PyUnicode_KIND(other) {
            return Some(false);
        }
        let bytes = |op| {
            core::slice::from_raw_parts(pyo3_ffi::PyUnicode_DATA(op).cast::<u8>(), length as usize * kind as usize)
        };
        Some(bytes(one) == bytes(other))
    }
}

// ---- what is in every object ----------------------------------------------------------------------------------------

/// Is it certain that releasing a reference to `op` runs no Python code? It is if others own it too, or if it is
/// exactly an int, a float or a str, whose deallocation calls nothing.
///
/// # Safety
/// `op` is a living object that the caller owns.
#[inline(always)]
pub(crate) unsafe fn dealloc_runs_no_python(op: *mut PyObject) -> bool {
    // SAFETY: the caller owns `op`, so it is alive: its count and its type can be read.
    unsafe {
        // (Without the GIL the other owners may go at any moment.)
        (cfg!(not(Py_GIL_DISABLED)) && pyo3_ffi::Py_REFCNT(op) > 1)
            || Py_IS_TYPE(op, &raw mut pyo3_ffi::PyLong_Type)
            || Py_IS_TYPE(op, &raw mut pyo3_ffi::PyFloat_Type)
            || Py_IS_TYPE(op, &raw mut pyo3_ffi::PyUnicode_Type)
    }
}
