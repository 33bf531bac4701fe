//! The module: its name, how it is made, and how it goes.

use crate::contents::{DOC, FUNCTIONS, register_with_abc};
use crate::ffi::*;
use crate::state::{self, State};
use crate::table::hashing;
use crate::type_object::types;
use core::ffi::CStr;
use core::ptr::null_mut;

#[cfg(not(feature = "trace"))]
const NAME: &CStr = c"hashtable";
#[cfg(feature = "trace")]
const NAME: &CStr = c"hashtable_traced";

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: NAME.as_ptr(),
    m_doc: DOC.as_ptr(),
    // CPython sets aside so many bytes for each module object that it makes: see `state.rs`. (-1 would say that the
    // module keeps everything in statics, and a second interpreter would be given the functions of the first.)
    m_size: size_of::<State>() as Py_ssize_t,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: null_mut(),
    m_traverse: Some(m_traverse),
    m_clear: Some(m_clear),
    m_free: Some(m_free),
};

/// What CPython makes the module from. It is static, as the module refers to it for as long as it lives.
pub(crate) fn definition() -> *mut PyModuleDef {
    &raw mut MODULE
}

/// Shows the garbage collector what the module owns.
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

/// The module is freed: its interpreter is about to end, or has no more use for it.
///
/// # Safety
/// Called by CPython, once, with a module made from our definition.
unsafe extern "C" fn m_free(module: *mut c_void) {
    // SAFETY: the module's memory is still there, and the type is static.
    unsafe {
        state::clear_state(module.cast());
        let [table, ..] = types();
        leave_the_collector(table);
    }
}

/// Takes the list of the type's subclasses out of the garbage collector's lists.
///
/// A static type is shared by all interpreters, and so is this dict, which CPython makes when the first subclass comes
/// and frees when the last one goes. But the collector's lists belong to an interpreter each. If the one in whose list
/// the dict is ends first, freeing the dict later writes into memory that is gone. The collector has nothing to find in
/// it: it holds weak references only.
///
/// # Safety
/// The type is ready and static.
unsafe fn leave_the_collector(type_object: *mut PyTypeObject) {
    // SAFETY: the type owns its dict of subclasses, if it has one. What is not in a list may be taken out of it all the
    // same.
    unsafe {
        let subclasses = (*type_object).tp_subclasses.cast::<PyObject>();
        if !subclasses.is_null() {
            PyObject_GC_UnTrack(subclasses.cast());
        }
    }
}

/// Lets CPython fill in what all types have: what they inherit, their dict, their method resolution order.
///
/// # Safety
/// Called when the module is made, with the GIL held.
pub(crate) unsafe fn make_types_ready() -> Result<(), Raised> {
    for type_object in types() {
        // SAFETY: the struct is static, and all that is ours to fill in stands in its initializer. A type that is ready
        // may be made ready again.
        unsafe { status(PyType_Ready(type_object))? };
    }
    Ok(())
}

/// Adds to the module what is not a function, and registers `HashTable` and its views with `collections.abc`. Borrows
/// the module.
///
/// # Safety
/// The module is alive, and the types are ready.
pub(crate) unsafe fn fill(module: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller has the module alive, and a static type is never freed. `PyModule_AddObjectRef` takes a
    // reference of its own.
    unsafe {
        hashing::remember_known_functions(module)?;
        let [table, _, keys, values, items] = types();
        status(PyModule_AddObjectRef(module, c"HashTable".as_ptr(), table.cast()))?;
        register_with_abc([table, keys, values, items])
    }
}
