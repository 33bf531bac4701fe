//! What differs between versions of CPython, under one name each, and what C has as a macro.

use super::{Py_ssize_t, PyObject, PyTypeObject, Raised, c_char, c_int, c_void, visitproc};
use core::sync::atomic::{AtomicIsize, Ordering::Relaxed};

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
    core::sync::atomic::AtomicU64::new(flags)
}

/// Adds `value` to the module under `name`. Borrows both, unlike the older `PyModule_AddObject`, which steals the value
/// if it succeeds and not if it fails. Returns -1 with an exception set if it fails.
///
/// # Safety
/// `module` and `value` are living objects, `name` is a string of C.
#[cfg(Py_3_10)]
pub(crate) use super::api::PyModule_AddObjectRef;
#[cfg(not(Py_3_10))]
pub(crate) unsafe fn PyModule_AddObjectRef(module: *mut PyObject, name: *const c_char, value: *mut PyObject) -> c_int {
    // SAFETY: the caller keeps module and value alive. `PyModule_AddObject` steals the reference made here if it succeeds, and
    // only then; if it fails, the reference is given back.
    unsafe {
        super::Py_INCREF(value);
        let result = super::api::PyModule_AddObject(module, name, value);
        if result < 0 {
            super::Py_DECREF(value);
        }
        result
    }
}

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

/// Says that the module needs no GIL. A free-threaded CPython would otherwise take to it, with a warning, for as long as it
/// runs. (`Py_mod_gil` says the same for a module with slots.)
///
/// # Safety
/// `module` is a living module.
pub(crate) unsafe fn needs_no_gil(module: *mut PyObject) -> Result<(), Raised> {
    #[cfg(Py_GIL_DISABLED)]
    // SAFETY: `module` is a living module; the call writes one field of it.
    return super::status(unsafe { pyo3_ffi::PyUnstable_Module_SetGIL(module, pyo3_ffi::Py_MOD_GIL_NOT_USED) })
        .map(|_| ());
    #[cfg(not(Py_GIL_DISABLED))]
    {
        let _ = module;
        Ok(())
    }
}

/// The value for `key` in a dict: a new reference, or None if it is not there. (The older `PyDict_GetItemWithError` lends
/// it, which is good only while nobody else can change the dict.)
///
/// # Safety
/// `dict` is a living dict, `key` a living object.
#[track_caller]
pub(crate) unsafe fn dict_item(dict: *mut PyObject, key: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller has both alive. What is lent gets a reference before anything else happens.
    unsafe {
        #[cfg(Py_3_13)]
        {
            let mut found = core::ptr::null_mut();
            super::status(super::api::PyDict_GetItemRef(dict, key, &raw mut found))?;
            Ok((!found.is_null()).then_some(found))
        }
        #[cfg(not(Py_3_13))]
        {
            let found = super::api::PyDict_GetItemWithError(dict, key);
            if found.is_null() && !pyo3_ffi::PyErr_Occurred().is_null() {
                return Err(Raised);
            }
            Ok((!found.is_null()).then(|| super::Py_NewRef(found)))
        }
    }
}

/// Can it be known that an object has one owner and no more? Without the GIL only from 3.14 on.
pub(crate) const fn can_be_owned_once() -> bool {
    cfg!(any(not(Py_GIL_DISABLED), Py_3_14, counts_inline))
}

/// Has `op` one owner and no more?
///
/// # Safety
/// `op` is a living object that the caller owns.
#[inline(always)]
pub(crate) unsafe fn is_owned_once(op: *mut PyObject) -> bool {
    // SAFETY: the caller owns `op`, so it is alive and its count can be read.
    #[cfg(not(Py_GIL_DISABLED))]
    return unsafe { pyo3_ffi::Py_REFCNT(op) == 1 };
    // SAFETY: as above. Without the GIL a count has two parts, and only the thread that made the object can tell.
    #[cfg(counts_inline)]
    return unsafe { super::two_counts::is_owned_once(op) };
    // SAFETY: the caller owns `op`, so it is alive; CPython looks at both parts itself.
    #[cfg(all(Py_GIL_DISABLED, Py_3_14, not(counts_inline)))]
    return unsafe { pyo3_ffi::PyUnstable_Object_IsUniquelyReferenced(op) != 0 };
    #[cfg(all(Py_GIL_DISABLED, not(Py_3_14), not(counts_inline)))]
    return false;
}

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

/// Can there be weak references in the list that begins in the field `list`? Without the GIL another thread may be at it,
/// and only CPython can tell.
///
/// # Safety
/// The field is one of a living object.
#[inline(always)]
pub(crate) unsafe fn may_have_weak_references(list: *mut *mut PyObject) -> bool {
    // SAFETY: the field of a living object can be read; with the GIL no other thread writes it.
    cfg!(Py_GIL_DISABLED) || !unsafe { *list }.is_null()
}

/// Has the garbage collector watch a tuple: it stops watching those whose items cannot be part of a cycle.
///
/// # Safety
/// `tuple` is a complete tuple.
#[inline(always)]
pub(crate) unsafe fn track_again(tuple: *mut PyObject) {
    // SAFETY: the tuple is complete, so the collector finds no hole in it; it is tracked only if it is not, as CPython
    // demands.
    unsafe {
        if pyo3_ffi::PyObject_GC_IsTracked(tuple) == 0 {
            pyo3_ffi::PyObject_GC_Track(tuple.cast());
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
/// To be called from `tp_traverse` with what that was given; `op` is NULL or a living object that is owned by the one
/// being traversed.
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
