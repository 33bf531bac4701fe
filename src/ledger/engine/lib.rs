//! The ledger in a file of its own.
//!
//! It is two things at once. To the extensions that are compiled with the ledger's header it is a shared library with the
//! functions of [`refcount_ledger::c_abi`]. To Python it is a module, `hashtable_lab.foreign.engine`, with the functions that
//! read the books. Both are the same file, loaded once, so the module reads what all those extensions have entered.

#![allow(non_snake_case, non_upper_case_globals)]

use pyo3_ffi::*;
use std::ffi::c_int;

// Named here so that the linker keeps them.
pub use refcount_ledger::c_abi::*;

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"engine".as_ptr(),
    m_doc: c"Reads the books of every extension that was compiled with the ledger's header.".as_ptr(),
    m_size: 0,
    m_methods: core::ptr::null_mut(),
    m_slots: core::ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// The slots, without an end mark.
#[cfg(Py_GIL_DISABLED)]
const SLOTS: [(c_int, *mut std::ffi::c_void); 1] = [(Py_mod_gil, Py_MOD_GIL_NOT_USED)];
/// The slots, without an end mark.
#[cfg(not(Py_GIL_DISABLED))]
const SLOTS: [(c_int, *mut std::ffi::c_void); 0] = [];

/// Where `import hashtable_lab.foreign.engine` arrives.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_engine() -> *mut PyObject {
    // SAFETY: nobody else knows the definition before it is complete; its tables are kept for good.
    unsafe {
        if MODULE.m_methods.is_null() {
            MODULE.m_methods = refcount_ledger::functions().leak().as_mut_ptr();
            let slots = SLOTS.map(|(slot, value)| PyModuleDef_Slot { slot, value });
            let end = PyModuleDef_Slot { slot: 0, value: core::ptr::null_mut() };
            MODULE.m_slots = slots.into_iter().chain([end]).collect::<Vec<_>>().leak().as_mut_ptr();
        }
        PyModuleDef_Init(&raw mut MODULE)
    }
}
