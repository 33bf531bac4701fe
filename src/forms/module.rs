//! The module: how it is made, in several phases, and how it goes.
//!
//! CPython asks for the definition, makes a module object of it, and runs the functions of its slots `Py_mod_exec` on that.
//! So it can make several, for several interpreters or for the same one, and none knows of another.

use crate::contents::{DOC, FUNCTIONS, register_with_abc};
use crate::errors::entry;
use crate::ffi::*;
use crate::state::{self, State};
use crate::table::hashing;
use crate::type_object::make_types;

#[cfg(not(opaque))]
static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: name_in_module!(),
    m_doc: DOC.as_ptr(),
    m_size: size_of::<State>() as Py_ssize_t,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: &raw mut SLOTS as *mut PyModuleDef_Slot,
    m_traverse: Some(m_traverse),
    m_clear: Some(m_clear),
    m_free: Some(m_free),
};

#[cfg(not(opaque))]
static mut SLOTS: [PyModuleDef_Slot; SLOT_COUNT] = [
    PyModuleDef_Slot { slot: Py_mod_exec, value: exec as *mut c_void },
    // Nothing of an interpreter's is in a static: so each may have a GIL of its own.
    #[cfg(Py_3_12)]
    PyModuleDef_Slot { slot: Py_mod_multiple_interpreters, value: Py_MOD_PER_INTERPRETER_GIL_SUPPORTED },
    // And there may be none. (The classic form says so by a call.)
    #[cfg(Py_3_13)]
    PyModuleDef_Slot { slot: Py_mod_gil, value: Py_MOD_GIL_NOT_USED },
    PyModuleDef_Slot { slot: 0, value: core::ptr::null_mut() },
];
#[cfg(not(opaque))]
const SLOT_COUNT: usize = 2 + cfg!(Py_3_12) as usize + cfg!(Py_3_13) as usize;

/// What CPython makes the modules from. It is static, as each refers to it for as long as it lives.
#[cfg(not(opaque))]
pub(crate) fn definition() -> *mut Definition {
    &raw mut MODULE
}

// A definition is a Python object: it has a head. Where nobody knows how a head looks, the module is a list of slots and
// nothing more, all that stands above among them.
#[cfg(opaque)]
pub(crate) static mut EXPORTED: [PySlot; 12] = [
    // Which CPythons this file is for: those that keep the stable ABI of 3.15, with the GIL and without.
    PySlot_STATIC_DATA(Py_mod_abi, &raw mut ABI as *mut c_void),
    PySlot_STATIC_DATA(Py_mod_name, NAME.cast_mut().cast()),
    PySlot_STATIC_DATA(Py_mod_doc, DOC.as_ptr() as *mut c_void),
    PySlot_STATIC_DATA(Py_mod_methods, &raw mut FUNCTIONS as *mut c_void),
    PySlot_SIZE(Py_mod_state_size, size_of::<State>() as Py_ssize_t),
    PySlot_DATA(Py_mod_state_traverse, m_traverse as *mut c_void),
    PySlot_DATA(Py_mod_state_clear, m_clear as *mut c_void),
    PySlot_DATA(Py_mod_state_free, m_free as *mut c_void),
    PySlot_DATA(Py_mod_exec, exec as *mut c_void),
    PySlot_DATA(Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED),
    PySlot_DATA(Py_mod_gil, Py_MOD_GIL_NOT_USED),
    PySlot_END(),
];
#[cfg(opaque)]
const NAME: *const c_char = name_in_module!();
#[cfg(opaque)]
static mut ABI: PyABIInfo = PyABIInfo {
    abiinfo_major_version: 1,
    abiinfo_minor_version: 0,
    // The traced build looks into structs: it is for the CPython that it was made for.
    flags: if cfg!(feature = "abi3t") {
        PyABIInfo_STABLE | PyABIInfo_FREETHREADING_AGNOSTIC
    } else {
        PyABIInfo_DEFAULT_FLAGS
    },
    build_version: 0,
    abi_version: if cfg!(feature = "abi3t") { 0x030f_0000 } else { 0 },
};

/// What CPython makes the modules from.
#[cfg(opaque)]
pub(crate) fn definition() -> *mut Definition {
    (&raw mut EXPORTED).cast()
}

/// Fills a module that has just been made: 0, or -1 with an exception set. Then CPython frees it, with what it has by then.
///
/// # Safety
/// Called by CPython, with a module made from our definition, once.
unsafe extern "C" fn exec(module: *mut PyObject) -> c_int {
    // SAFETY: CPython has the module alive. The types are owned by its state, which keeps them as long as the module lives;
    // `PyModule_AddObjectRef` takes a reference of its own.
    entry(|| unsafe {
        make_types(module)?;
        hashing::remember_known_functions(module)?;
        let [table, _, keys, values, items] = (*state::state_of(module)).types;
        status(PyModule_AddObjectRef(module, c"HashTable".as_ptr(), table))?;
        register_with_abc([table, keys, values, items].map(<*mut PyObject>::cast))
    })
}

/// Shows the garbage collector what the module owns: its types too, and these own the module.
///
/// # Safety
/// Called by CPython's garbage collector, with a module made from our definition.
unsafe extern "C" fn m_traverse(module: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the collector passes our module, and what it wants us to pass on.
    unsafe { state::visit_state(module, visit, arg) }
}

/// Releases what the module owns.
///
/// # Safety
/// Called by CPython's garbage collector, with a module made from our definition.
unsafe extern "C" fn m_clear(module: *mut PyObject) -> c_int {
    // SAFETY: the collector passes our module, and keeps it alive meanwhile.
    unsafe { state::clear_state(module) };
    0
}

/// The module is freed.
///
/// # Safety
/// Called by CPython, once, with a module made from our definition.
unsafe extern "C" fn m_free(module: *mut c_void) {
    // SAFETY: the module's memory is still there.
    unsafe { state::clear_state(module.cast()) };
}
