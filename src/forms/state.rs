//! What every interpreter has for itself: also the types.
//!
//! The classic form asks `PyState_FindModule` for the module of the interpreter that is running. A module that is made in
//! several phases is not found like that, since there may be several in one interpreter. It is found through a type: a heap
//! type knows the module that it was made for. Every object knows its type, and so everything that a table does can get at
//! the state. A subclass knows no module, but one of the types that it inherits from does.

use crate::errors::runtime_error;
use crate::ffi::*;
use core::ptr::null_mut;

/// The state of a module object.
#[repr(C)]
pub(crate) struct State {
    /// The builtin `hash` of this interpreter. Owned; NULL until the module is filled, and after it was cleared.
    builtin_hash: *mut PyObject,
    /// The types: of tables, of iterators, of views on keys, values and items. Owned, or NULL, as above.
    pub(crate) types: [*mut PyObject; 5],
}

/// The state of this module object.
///
/// # Safety
/// `module` is alive and was made from our definition.
pub(crate) unsafe fn state_of(module: *mut PyObject) -> *mut State {
    // SAFETY: the caller says which module it is. CPython has allocated `m_size` bytes, zeroed, for its state.
    unsafe { PyModule_GetState(module).cast() }
}

/// The state of the module that made `class`, or a class that it inherits from; NULL if that is no class of ours, or if it has
/// lost its module, as it does at the end of an interpreter. Borrowed: the class keeps the module. No exception is set, and
/// one that is set stays.
///
/// # Safety
/// `class` is a living class.
#[allow(deprecated, reason = "PyErr_Fetch is in all versions")]
pub(crate) unsafe fn state_behind(class: *mut PyTypeObject) -> *mut State {
    // SAFETY: the caller keeps the class alive, and it its module. What was fetched is restored.
    unsafe {
        // Most other types are static, and that is quickly seen.
        if PyType_GetFlags(class) & Py_TPFLAGS_HEAPTYPE == 0 {
            return null_mut();
        }
        let [mut kind, mut value, mut traceback] = [null_mut(); 3];
        let pending = !PyErr_Occurred().is_null();
        if pending {
            PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        }
        let module = module_by_def(class, crate::module::definition());
        if module.is_null() {
            PyErr_Clear();
        }
        if pending {
            PyErr_Restore(kind, value, traceback);
        }
        if module.is_null() { null_mut() } else { state_of(module) }
    }
}

/// Keeps `hash` for the interpreter that is running. Steals it.
///
/// # Safety
/// `module` is alive and was made from our definition; the caller owns `hash`.
pub(crate) unsafe fn keep_builtin_hash(module: *mut PyObject, hash: *mut PyObject) {
    // SAFETY: the field is part of the module's state, and NULL or owning.
    unsafe { Py_XSETREF(&raw mut (*state_of(module)).builtin_hash, hash) }
}

/// The builtin `hash` of the interpreter that `class`, a class of tables, belongs to. Borrowed from its module.
///
/// # Errors
/// `RuntimeError` if the module has been cleared.
#[inline(always)]
pub(crate) fn builtin_hash(class: *mut PyTypeObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the callers pass the class of a table that they keep alive, or are called to make one of that class.
    unsafe {
        let state = state_behind(class);
        let hash = if state.is_null() { null_mut() } else { (*state).builtin_hash };
        if hash.is_null() { Err(not_here()) } else { Ok(hash) }
    }
}

/// Raises `RuntimeError`: the module is gone.
#[cold]
pub(crate) fn not_here() -> Raised {
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
        if state.is_null() {
            return 0;
        }
        let mut stop = Py_VISIT((*state).builtin_hash, visit, arg);
        for type_object in (*state).types {
            if stop == 0 {
                stop = Py_VISIT(type_object, visit, arg);
            }
        }
        stop
    }
}

/// Releases what the state of a module owns. From then on it makes no tables any more.
///
/// # Safety
/// `module` is alive and was made from our definition.
pub(crate) unsafe fn clear_state(module: *mut PyObject) {
    // SAFETY: as in `visit_state`. Each field is empty before what it held goes.
    unsafe {
        let state = state_of(module);
        if !state.is_null() {
            Py_CLEAR(&raw mut (*state).builtin_hash);
            for number in 0..(*state).types.len() {
                Py_CLEAR(&raw mut (*state).types[number]);
            }
        }
    }
}
