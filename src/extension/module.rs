//! The module: its name, its functions, and what else is in it.

use crate::ffi::*;
use crate::state::{self, State};
use crate::table::hashing;
use crate::type_object::hash_table_type;
use crate::views::iterators::iterator_type;
use crate::views::sets::{items_view_type, keys_view_type};
use crate::views::view::values_view_type;
use core::ffi::CStr;
use core::ptr::null_mut;

#[cfg(not(feature = "trace"))]
const NAME: &CStr = c"hashtable";
#[cfg(feature = "trace")]
const NAME: &CStr = c"hashtable_traced";

const DOC: &CStr = c"A hash table to look into: size, hash function and maximum load are knobs, buckets can be seen.

HashTable     the table
mixed_hash    the builtin hash, mixed: for keys whose hashes agree in their low bits
library_hash  the library's own, deliberately poor, hash function";

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

/// The functions of the module. The methods of the type are not among them.
static mut FUNCTIONS: [PyMethodDef; FUNCTION_COUNT] = [
    PyMethodDef {
        ml_name: c"mixed_hash".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: hashing::mixed_hash },
        ml_flags: METH_O,
        ml_doc: c"mixed_hash($module, key, /)
--

The builtin hash, mixed so that its low bits depend on all of them. As hash_func it runs natively: the one to take
for keys whose hashes agree in their low bits, such as multiples of a power of two."
            .as_ptr(),
    },
    PyMethodDef {
        ml_name: c"library_hash".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: hashing::library_hash },
        ml_flags: METH_O,
        ml_doc: c"library_hash($module, key, /)
--

The library's own hash, deliberately poor: an int is itself, a float its floor, a str its length."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"announce".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::announce },
        ml_flags: METH_O,
        ml_doc: c"announce($module, on, /)
--

Announce every step on standard output from now on, in this thread, or be silent."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_panic".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::panic },
        ml_flags: METH_NOARGS,
        ml_doc: c"_panic($module, /)
--

Panic in Rust, to see that nothing worse than an exception comes of it."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_fail_allocation".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::fail_allocation },
        ml_flags: METH_O,
        ml_doc: c"_fail_allocation($module, nth, /)
--

Make the nth request for memory that tables make in this thread fail; 0 takes that back.
Return what was left of an earlier order: 0 if it was carried out."
            .as_ptr(),
    },
    PyMethodDef::zeroed(),
];
const FUNCTION_COUNT: usize = if cfg!(feature = "trace") { 6 } else { 3 };

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
        leave_the_collector(hash_table_type());
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
    for type_object in [hash_table_type(), iterator_type(), keys_view_type(), values_view_type(), items_view_type()] {
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
        status(PyModule_AddObjectRef(module, c"HashTable".as_ptr(), hash_table_type().cast()))?;
        register_with_abc()
    }
}

/// `collections.abc.MutableMapping.register(HashTable)`, and likewise for the views.
unsafe fn register_with_abc() -> Result<(), Raised> {
    let classes = [
        (c"MutableMapping", hash_table_type()),
        (c"KeysView", keys_view_type()),
        (c"ValuesView", values_view_type()),
        (c"ItemsView", items_view_type()),
    ];
    // SAFETY: `abc` is ours until the DECREF, the types are static.
    unsafe {
        let abc = new_reference(PyImport_ImportModule(c"collections.abc".as_ptr()))?;
        let registered = classes.into_iter().try_for_each(|(name, subclass)| register(abc, name, subclass.cast()));
        Py_DECREF(abc);
        registered
    }
}

/// `abc.NAME.register(subclass)`.
unsafe fn register(abc: *mut PyObject, name: &CStr, subclass: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps both objects alive; each new reference is given back, whatever the next call says.
    unsafe {
        let class = new_reference(PyObject_GetAttrString(abc, name.as_ptr()))?;
        let register = PyObject_GetAttrString(class, c"register".as_ptr());
        Py_DECREF(class);
        let register = new_reference(register)?;
        let result = PyObject_CallOneArg(register, subclass);
        Py_DECREF(register);
        Py_DECREF(new_reference(result)?);
        Ok(())
    }
}

/// The functions that only the traced module has.
#[cfg(feature = "trace")]
mod traced {
    use crate::errors::entry;
    use crate::ffi::*;

    /// `announce(on)`, a function of the traced module: announces from now on, or is silent. Returns None.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn announce(_module: *mut PyObject, on: *mut PyObject) -> *mut PyObject {
        entry(|| {
            // SAFETY: `on` is kept for the call, also while its `__bool__` runs; None is always there.
            unsafe {
                let on = status(PyObject_IsTrue(on))?;
                hashtable_core::announce::silence(on == 0);
                give(Py_NewRef(Py_None()))
            }
        })
    }

    /// `_fail_allocation(nth)`, a function of the traced module: makes the nth of the library's next requests for
    /// memory on this thread fail; 0 takes that back. Returns what was left of an earlier order, 0 if it was carried
    /// out: a new reference.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn fail_allocation(_module: *mut PyObject, nth: *mut PyObject) -> *mut PyObject {
        entry(|| {
            // SAFETY: `nth` is kept for the call. -1 may also be an answer, so it counts as a failure only with an
            // exception.
            unsafe {
                let nth = PyLong_AsSize_t(nth);
                if nth == usize::MAX && !PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
                give(new_reference(PyLong_FromSize_t(hashtable_core::fail_nth_allocation(nth as u64) as usize))?)
            }
        })
    }

    /// `_panic()`, a function of the traced module: panics, so that a test can see what becomes of it.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn panic(_module: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
        entry(|| -> Result<Given, Raised> { panic!("asked to panic") })
    }
}
