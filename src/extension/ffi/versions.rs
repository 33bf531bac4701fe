//! What differs between versions of CPython, under one name each, and what C has as a macro.

use super::{PyObject, PyTypeObject, Raised, c_char, c_int, c_void, visitproc};

/// The form in which `PyArg_ParseTupleAndKeywords` wants the names of the arguments: `const` came in 3.13.
#[cfg(Py_3_13)]
pub(crate) type KeywordList = *const *const c_char;
#[cfg(not(Py_3_13))]
pub(crate) type KeywordList = *mut *mut c_char;

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

/// Says that the module needs no GIL. A free-threaded CPython would otherwise take to it, with a warning, for as long as it
/// runs. (`Py_mod_gil` says the same for a module with slots.)
///
/// # Safety
/// `module` is a living module.
pub(crate) unsafe fn needs_no_gil(module: *mut PyObject) -> Result<(), Raised> {
    #[cfg(all(Py_GIL_DISABLED, not(limited_api)))]
    // SAFETY: `module` is a living module; the call writes one field of it.
    return super::status(unsafe { pyo3_ffi::PyUnstable_Module_SetGIL(module, pyo3_ffi::Py_MOD_GIL_NOT_USED) })
        .map(|_| ());
    #[cfg(any(not(Py_GIL_DISABLED), limited_api))]
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
    super::TUPLES_CAN_CHANGE && cfg!(any(not(Py_GIL_DISABLED), Py_3_14, counts_inline))
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
    #[cfg(all(Py_GIL_DISABLED, Py_3_14, not(any(counts_inline, limited_api))))]
    return unsafe { pyo3_ffi::PyUnstable_Object_IsUniquelyReferenced(op) != 0 };
    #[cfg(all(Py_GIL_DISABLED, not(counts_inline), any(not(Py_3_14), limited_api)))]
    return {
        let _ = op;
        false
    };
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
