//! A small extension that keeps a ledger by one `use`, and has bugs of its own.
//!
//! It is written as one would write it in C: bare pointers, plain assignments to fields, variadic calls. It knows nothing of the
//! ledger but the `use` below. From CPython 3.15 on the module is made of slots, for which CPython asks the file. `right.rs` has a
//! type and functions that are right, `wrong.rs` has one bug for each of their kinds, marked with `BUG` and a name.
//! tests/ownership/test_ledger_elsewhere.py sees that each bug is named, by its line, and that nothing is said of the others.

#![allow(non_snake_case, non_upper_case_globals)]

// The one `use`.
#[cfg(not(feature = "ledger"))]
use pyo3_ffi as api;
#[cfg(feature = "ledger")]
use refcount_ledger::ffi as api;

mod right;
mod wrong;

use api::*;
use core::ffi::{CStr, c_int, c_void};
#[cfg(not(Py_3_15))]
use core::ptr::null_mut;

/// A new reference to `op`. (The C API has it from CPython 3.10 on.)
///
/// # Safety
/// `op` is alive.
#[track_caller]
unsafe fn Py_NewRef(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: the caller owns or borrows a reference to `op`, so it is alive and its count may be raised.
    unsafe { Py_INCREF(op) };
    op
}

/// What the module keeps.
#[repr(C)]
struct State {
    remembered: *mut PyObject,
}

const fn function(name: &'static CStr, pointer: PyMethodDefPointer, flags: c_int) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: pointer, ml_flags: flags, ml_doc: core::ptr::null() }
}

const fn plain(
    name: &'static CStr,
    pointer: unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject,
    flags: c_int,
) -> PyMethodDef {
    function(name, PyMethodDefPointer { PyCFunction: pointer }, flags)
}

static mut FUNCTIONS: [PyMethodDef; 28] = [
    plain(c"echo", right::echo, METH_O),
    plain(c"nothing", right::nothing, METH_NOARGS),
    plain(c"pack", right::pack, METH_VARARGS),
    function(c"total", PyMethodDefPointer { PyCFunctionFast: right::total }, METH_FASTCALL),
    plain(c"call", right::call, METH_VARARGS),
    plain(c"boxed", right::boxed, METH_O),
    plain(c"built", right::built, METH_O),
    plain(c"first", right::first, METH_O),
    plain(c"careful", right::careful, METH_O),
    plain(c"reused", right::reused, METH_O),
    plain(c"remember", right::remember, METH_O),
    plain(c"remembered", right::remembered, METH_NOARGS),
    plain(c"forget", right::forget, METH_NOARGS),
    plain(c"leak_new", wrong::leak_new, METH_NOARGS),
    plain(c"leak_incref", wrong::leak_incref, METH_O),
    plain(c"leak_on_error", wrong::leak_on_error, METH_O),
    plain(c"leak_none", wrong::leak_none, METH_NOARGS),
    plain(c"return_item", wrong::return_item, METH_VARARGS),
    plain(c"return_argument", wrong::return_argument, METH_O),
    plain(c"decref_argument", wrong::decref_argument, METH_O),
    plain(c"decref_twice", wrong::decref_twice, METH_NOARGS),
    plain(c"decref_unmapped", wrong::decref_unmapped, METH_NOARGS),
    plain(c"decref_stolen", wrong::decref_stolen, METH_O),
    plain(c"steal_argument", wrong::steal_argument, METH_O),
    plain(c"borrow_across_call", wrong::borrow_across_call, METH_O),
    plain(c"exception_left", wrong::exception_left, METH_NOARGS),
    plain(c"overwrite", wrong::overwrite, METH_VARARGS),
    PyMethodDef::zeroed(),
];

#[cfg(not(Py_3_15))]
static mut SLOTS: [PyModuleDef_Slot; 2] = [
    PyModuleDef_Slot { slot: Py_mod_exec, value: fill as *mut c_void },
    PyModuleDef_Slot { slot: 0, value: null_mut() },
];

#[cfg(not(Py_3_15))]
static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"ledger_example".as_ptr(),
    m_doc: c"A small extension with bugs of its own.".as_ptr(),
    m_size: size_of::<State>() as Py_ssize_t,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: &raw mut SLOTS as *mut PyModuleDef_Slot,
    m_traverse: Some(traverse),
    m_clear: Some(clear),
    m_free: None,
};

/// The module's state, borrowed.
///
/// # Safety
/// `module` is this module, made whole.
unsafe fn state(module: *mut PyObject) -> *mut State {
    // SAFETY: the module is made with the size of `State`: what CPython has set aside for it, zeroed, is a `State` with nothing
    // remembered. Before that it is NULL, and the caller checks for it.
    unsafe { PyModule_GetState(module).cast() }
}

unsafe extern "C" fn traverse(module: *mut PyObject, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: the garbage collector visits a module that is alive; its state may not be there yet.
    unsafe {
        let state = state(module);
        if state.is_null() || (*state).remembered.is_null() { 0 } else { visit((*state).remembered, argument) }
    }
}

unsafe extern "C" fn clear(module: *mut PyObject) -> c_int {
    // SAFETY: the module is alive, since the garbage collector asks it to break a cycle. The field is emptied before what it
    // held is released, so that code which runs then finds nothing in it.
    unsafe {
        let state = state(module);
        if !state.is_null() {
            Py_CLEAR(&raw mut (*state).remembered);
        }
    }
    0
}

/// Puts the types into the module. Borrows it.
unsafe extern "C" fn fill(module: *mut PyObject) -> c_int {
    // SAFETY: CPython calls this once for each module that is made. `PyModule_AddObject` steals if it succeeds.
    unsafe {
        let types = [right::pair_type(), right::box_type(), right::odd_type(), wrong::leaky_box_type()];
        for (name, type_object) in [c"Pair", c"Box", c"Odd", c"LeakyBox"].into_iter().zip(types) {
            if type_object.is_null() {
                return -1;
            }
            if PyModule_AddObject(module, name.as_ptr(), type_object) < 0 {
                Py_DECREF(type_object);
                return -1;
            }
        }
    }
    0
}

/// Where `import ledger_example` arrives before CPython 3.15.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[cfg(not(Py_3_15))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_ledger_example() -> *mut PyObject {
    // SAFETY: the definition is static, so it is there as long as the module that refers to it, and nothing writes to it but
    // CPython, which has the GIL.
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}

/// What the module is made of, from CPython 3.15 on: no definition that is an object, and no call that makes one of it.
#[cfg(Py_3_15)]
static mut SLOTS: [PySlot; 9] = [
    PySlot_STATIC_DATA(Py_mod_abi, &raw mut ABI as *mut c_void),
    PySlot_STATIC_DATA(Py_mod_name, c"ledger_example".as_ptr() as *mut c_void),
    PySlot_STATIC_DATA(Py_mod_doc, c"A small extension with bugs of its own.".as_ptr() as *mut c_void),
    PySlot_STATIC_DATA(Py_mod_methods, &raw mut FUNCTIONS as *mut c_void),
    PySlot_SIZE(Py_mod_state_size, size_of::<State>() as Py_ssize_t),
    PySlot_PTR(Py_mod_state_traverse, traverse as *mut c_void),
    PySlot_PTR(Py_mod_state_clear, clear as *mut c_void),
    PySlot_PTR(Py_mod_exec, fill as *mut c_void),
    PySlot_END(),
];

#[cfg(Py_3_15)]
PyABIInfo_VAR!(ABI);

/// Where `import ledger_example` arrives, from CPython 3.15 on.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[cfg(Py_3_15)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyModExport_ledger_example() -> *mut PySlot {
    (&raw mut SLOTS).cast()
}
