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
    PyModuleDef_Init, PyModuleDef_Slot, PyType_FromModuleAndSpec, PyType_GetFlags, PyType_Slot, PyType_Spec,
    traverseproc,
};
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
#[cfg(limited_api)]
pub(crate) use api::{Py_GetVersion, PyExc_ImportError};

#[cfg(not(feature = "trace"))]
use pyo3_ffi as api;
#[cfg(feature = "trace")]
use refcount_ledger::ffi as api;

/// The module that made `class`, or a class that it inherits from, from this definition: borrowed, or NULL with or without
/// an exception set. Then there is none, or it is gone.
///
/// # Safety
/// `class` is a living class.
#[cfg(not(limited_api))]
pub(crate) unsafe fn module_by_def(class: *mut PyTypeObject, definition: *mut PyModuleDef) -> *mut PyObject {
    // A type is collected like other objects: in the garbage in which a table is cleared, its type may have been cleared
    // before it. Then it has no bases any more. SAFETY: the caller keeps the class alive.
    unsafe {
        if (*class).tp_mro.is_null() { core::ptr::null_mut() } else { api::PyType_GetModuleByDef(class, definition) }
    }
}

/// The same by the limited API, in which `PyType_GetModuleByDef` is from 3.13 on only. (A class has many bases, and the one
/// in this slot is that whose objects its own begin as. So a class that inherits from one of ours has it on this way.)
#[cfg(limited_api)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn module_by_def(mut class: *mut PyTypeObject, definition: *mut PyModuleDef) -> *mut PyObject {
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
