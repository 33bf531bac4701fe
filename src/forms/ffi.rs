//! The door to the C API: that of the classic form, and what these forms need besides.

#![allow(dead_code, unused_imports, reason = "what only a static type needs is not used here")]

#[path = "../extension/ffi/mod.rs"]
mod classic;

pub(crate) use classic::*;

/// Frees the memory of an object, by its type's `tp_free`, and then releases its type, which it owned.
///
/// # Safety
/// Nobody refers to the object any more, and none of its fields owns anything.
#[inline(always)]
pub(crate) unsafe fn free_object(op: *mut PyObject) {
    // SAFETY: the object owns its type, so that is alive until the DECREF, which gives this reference back.
    unsafe {
        let class = Py_TYPE(op);
        classic::free_object(op);
        Py_DECREF(class.cast());
    }
}

// A type as a list of slots, and what makes a type of it.
#[cfg(Py_3_13)]
pub(crate) use api::{Py_MOD_GIL_NOT_USED, Py_mod_gil};
#[cfg(Py_3_12)]
pub(crate) use api::{Py_MOD_PER_INTERPRETER_GIL_SUPPORTED, Py_mod_multiple_interpreters};
pub(crate) use api::{
    Py_T_PYSSIZET, Py_TPFLAGS_DISALLOW_INSTANTIATION, Py_TPFLAGS_HEAPTYPE, Py_TPFLAGS_IMMUTABLETYPE, Py_mod_exec,
    PyType_FromModuleAndSpec, PyType_GetFlags, PyType_Slot, PyType_Spec, traverseproc,
};
// A module as a definition; or, from 3.15 on, as a list of slots.
#[cfg(opaque)]
pub(crate) use api::{
    Py_mod_abi, Py_mod_doc, Py_mod_methods, Py_mod_name, Py_mod_state_clear, Py_mod_state_free, Py_mod_state_size,
    Py_mod_state_traverse, Py_tp_token, PyABIInfo, PyABIInfo_DEFAULT_FLAGS, PyABIInfo_FREETHREADING_AGNOSTIC,
    PyABIInfo_STABLE, PySlot, PySlot_DATA, PySlot_END, PySlot_SIZE, PySlot_STATIC_DATA,
};
#[cfg(not(opaque))]
pub(crate) use api::{PyModuleDef_Init, PyModuleDef_Slot};
// How much of an object is behind its head.
#[cfg(opaque)]
pub(crate) use api::{PyExc_ImportError, PyType_GetTypeDataSize};
// The slots, by number.
pub(crate) use api::{
    Py_mp_ass_subscript, Py_mp_length, Py_mp_subscript, Py_nb_and, Py_nb_inplace_or, Py_nb_or, Py_nb_subtract,
    Py_nb_xor, Py_sq_contains, Py_sq_length, Py_tp_clear, Py_tp_dealloc, Py_tp_doc, Py_tp_getset, Py_tp_hash,
    Py_tp_init, Py_tp_iter, Py_tp_iternext, Py_tp_members, Py_tp_methods, Py_tp_new, Py_tp_repr, Py_tp_richcompare,
    Py_tp_traverse,
};
pub(crate) use api::{PyInterpreterState, PyInterpreterState_Get};
// An exception put aside, and back. (3.12 has PyErr_GetRaisedException for it.)
#[allow(deprecated, reason = "these are in all versions")]
pub(crate) use api::{PyErr_Fetch, PyErr_Restore};

// Who is it that imports a file which is for many?
#[cfg(all(limited_api, not(opaque)))]
pub(crate) use api::{Py_GetVersion, PyExc_ImportError};

#[cfg(not(feature = "trace"))]
use pyo3_ffi as api;
#[cfg(feature = "trace")]
use refcount_ledger::ffi as api;

/// What a module is made from.
#[cfg(not(opaque))]
pub(crate) type Definition = PyModuleDef;
#[cfg(opaque)]
pub(crate) type Definition = PySlot;

/// The module that made `class`, or a class that it inherits from, from this definition: borrowed, or NULL with or without
/// an exception set. Then there is none, or it is gone.
///
/// # Safety
/// `class` is a living class.
#[cfg(not(limited_api))]
pub(crate) unsafe fn module_by_def(class: *mut PyTypeObject, definition: *mut Definition) -> *mut PyObject {
    // A type is collected like other objects: in the garbage in which a table is cleared, its type may have been cleared
    // before it. Then it has no bases any more. SAFETY: the caller keeps the class alive.
    unsafe {
        if (*class).tp_mro.is_null() { core::ptr::null_mut() } else { api::PyType_GetModuleByDef(class, definition) }
    }
}

/// The same by the limited API, in which `PyType_GetModuleByDef` is from 3.13 on only. (A class has many bases, and the one
/// in this slot is that whose objects its own begin as. So a class that inherits from one of ours has it on this way.)
#[cfg(all(limited_api, not(opaque)))]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn module_by_def(mut class: *mut PyTypeObject, definition: *mut Definition) -> *mut PyObject {
    // SAFETY: the caller keeps the class alive, and each class its bases.
    unsafe {
        while !class.is_null() && PyType_GetFlags(class) & Py_TPFLAGS_HEAPTYPE != 0 {
            let module = api::PyType_GetModule(class);
            if module.is_null() {
                PyErr_Clear();
            } else if api::PyModule_GetDef(module) == definition {
                return module;
            }
            class = api::PyType_GetSlot(class, api::Py_tp_base).cast();
        }
        core::ptr::null_mut()
    }
}

/// The same where the module is a list of slots. Then our types are known by a *token* that they all have: the list's address.
#[cfg(opaque)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn module_by_def(class: *mut PyTypeObject, definition: *mut Definition) -> *mut PyObject {
    let mut base = core::ptr::null_mut();
    // SAFETY: the caller keeps the class alive, and the class its bases, so also what is found, after the DECREF. (It is no
    // reference of ours that the ledger should know.)
    unsafe {
        if pyo3_ffi::PyType_GetBaseByToken(class, definition.cast(), &raw mut base) != 1 {
            return core::ptr::null_mut();
        }
        pyo3_ffi::Py_DECREF(base.cast());
        api::PyType_GetModule(base)
    }
}

// The C API has these inline. What pyo3-ffi calls for them, where nobody knows how an object begins, came with CPython 3.15 only;
// and an older one that finds the file all the same would complain of that, before we could say what to take instead.
#[cfg(opaque)]
pub(crate) use without_the_newest_calls::{
    PyAnySet_Check, PyCFunction_Check, PyDictItems_Check, PyDictKeys_Check, PyFloat_Check, PyObject_TypeCheck,
};

#[cfg(opaque)]
#[allow(missing_docs, clippy::missing_safety_doc, reason = "as in the C API")]
mod without_the_newest_calls {
    use super::{Py_IS_TYPE, PyObject, PyTypeObject, api, c_int};

    #[inline(always)]
    pub(crate) unsafe fn PyObject_TypeCheck(op: *mut PyObject, class: *mut PyTypeObject) -> c_int {
        // SAFETY: the caller keeps both alive. So in all that follow, which ask about types that are always there.
        unsafe { (Py_IS_TYPE(op, class) || api::PyType_IsSubtype(api::Py_TYPE(op), class) != 0).into() }
    }
    #[inline(always)]
    pub(crate) unsafe fn PyFloat_Check(op: *mut PyObject) -> c_int {
        // SAFETY: as above.
        unsafe { PyObject_TypeCheck(op, &raw mut api::PyFloat_Type) }
    }
    #[inline(always)]
    pub(crate) unsafe fn PyCFunction_Check(op: *mut PyObject) -> c_int {
        // SAFETY: as above.
        unsafe { PyObject_TypeCheck(op, &raw mut api::PyCFunction_Type) }
    }
    #[inline(always)]
    pub(crate) unsafe fn PyAnySet_Check(op: *mut PyObject) -> c_int {
        // SAFETY: as above.
        unsafe {
            let set = PyObject_TypeCheck(op, &raw mut api::PySet_Type) != 0;
            (set || PyObject_TypeCheck(op, &raw mut api::PyFrozenSet_Type) != 0).into()
        }
    }
    #[inline(always)]
    pub(crate) unsafe fn PyDictKeys_Check(op: *mut PyObject) -> c_int {
        // SAFETY: as above.
        unsafe { PyObject_TypeCheck(op, &raw mut api::PyDictKeys_Type) }
    }
    #[inline(always)]
    pub(crate) unsafe fn PyDictItems_Check(op: *mut PyObject) -> c_int {
        // SAFETY: as above.
        unsafe { PyObject_TypeCheck(op, &raw mut api::PyDictItems_Type) }
    }
}
