//! What every interpreter has for itself.
//!
//! One process can run several interpreters (`concurrent.interpreters`, an embedding server). They share this library,
//! with its statics and so its types. An object belongs to the interpreter that made it, and ends with it at the
//! latest. So no object of an interpreter's may be kept in a static: the next interpreter would find it, alive or dead.
//!
//! What a module keeps goes into its *state* instead, a struct that CPython allocates with every module object that is
//! made from the definition (`m_size` says how large). Each interpreter makes a module object of its own, and
//! `PyState_FindModule` finds the one of the interpreter that is running.

use crate::errors::runtime_error;
use crate::ffi::*;

/// The state of a module object.
#[repr(C)]
pub(crate) struct State {
    /// The builtin `hash` of this interpreter. Owned; NULL until the module is filled, and after it was cleared.
    builtin_hash: *mut PyObject,
}

/// The state of this module object.
///
/// # Safety
/// `module` is alive and was made from our definition.
unsafe fn state_of(module: *mut PyObject) -> *mut State {
    // SAFETY: the caller says which module it is. CPython has allocated `m_size` bytes, zeroed, for its state.
    unsafe { PyModule_GetState(module).cast() }
}

/// Keeps `hash` for the interpreter that is running. Steals it.
///
/// # Safety
/// `module` is alive and was made from our definition; the caller owns `hash`.
pub(crate) unsafe fn keep_builtin_hash(module: *mut PyObject, hash: *mut PyObject) {
    // SAFETY: the field is part of the module's state, and NULL or owning.
    unsafe { Py_XSETREF(&raw mut (*state_of(module)).builtin_hash, hash) }
}

/// The builtin `hash` of the interpreter that is running. Borrowed from its module, which keeps it as long as it lives.
/// (That module can be asked for, since it was made in a single phase. In the other forms it is found from `_class`, the
/// class of a table.)
///
/// # Errors
/// `RuntimeError` if this interpreter has no module of ours, or has cleared it, which it does at its end.
#[inline(always)]
pub(crate) fn builtin_hash(_class: *mut PyTypeObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the thread is attached. What is found was made from our definition, and is alive: the interpreter owns
    // it.
    unsafe {
        let module = PyState_FindModule(crate::module::definition());
        let hash = if module.is_null() { module } else { (*state_of(module)).builtin_hash };
        if hash.is_null() { Err(not_here()) } else { Ok(hash) }
    }
}

#[cold]
fn not_here() -> Raised {
    runtime_error(c"hashtable is not loaded in this interpreter (any more).")
}

/// Shows the garbage collector what the state of a module owns.
///
/// # Safety
/// As for `tp_traverse`; `module` was made from our definition.
pub(crate) unsafe fn visit_state(module: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the module is alive; the state owns what is visited, if there is something. A module without a state yet
    // has nothing to show.
    unsafe {
        let state = state_of(module);
        if state.is_null() { 0 } else { Py_VISIT((*state).builtin_hash, visit, arg) }
    }
}

/// Releases what the state of a module owns. From then on its interpreter makes no tables any more.
///
/// # Safety
/// `module` is alive and was made from our definition.
pub(crate) unsafe fn clear_state(module: *mut PyObject) {
    // SAFETY: as in `visit_state`. The field is empty before what it held goes.
    unsafe {
        let state = state_of(module);
        if !state.is_null() {
            Py_CLEAR(&raw mut (*state).builtin_hash);
        }
    }
}
