//! The CPython extension module `hashtable`, written by hand.
//!
//! Python code stands on this layer, and this layer on the library in `src/core`. It does what every extension does: it describes a type
//! to the interpreter, and it translates between Python's world, where everything is a counted reference to an object, and the
//! library's, where a key is a thing with a hash.
//!
//! # A map
//!
//! ```text
//! lib.rs           where `import hashtable` arrives: the module and what is in it
//! type_object.rs   the type, slot by slot: which function answers to what
//! object.rs        the object: its memory, how it comes and goes
//! hashing.rs       from a key to its hash: the call back into Python
//! lookup.rs        from a hash to a place in the table, while anything may happen
//! mapping.rs       reading and writing one pair
//! methods.rs       the methods
//! batch.rs         many lookups at once
//! update.rs        many pairs at once: update(), fromkeys()
//! operators.rs     ==, |, |=
//! pickling.rs      copies: copy(), the modules copy and pickle
//! views.rs         keys(), values(), items()
//! view_sets.rs     views as sets: &, |, -, ^, <=
//! iterators.rs     walking through a table
//! snapshot.rs      a table as it was at one moment
//! picture.rs       what a table looks like
//! errors.rs        the edge between Rust's results and C's NULL and -1
//! announce.rs      what the traced build says
//! ffi/             the one door to CPython's C API, and the words for who owns what
//! ```
//!
//! Read `ffi/mod.rs` for the words, then `object.rs` and `mapping.rs`.
//!
//! # Where Python code can run
//!
//! At each of these points control leaves this crate, and when it comes back the table may have been read, changed, emptied, made
//! anew or be about to go. The points are marked with their number in the source, and `tests/hostile/test_reentrancy_*.py` have a test for each.
//!
//! 1. `[R1]` The hash function is called. (hashing.rs)
//! 2. `[R2]` The builtin `hash` calls the key's `__hash__`; the long picture asks for hashes again. (hashing.rs, picture.rs)
//! 3. `[R3]` Two keys are compared: `__eq__`, and `__bool__` of what it answers. (lookup.rs)
//! 4. `[R4]` The compared key is given back, and it was the last reference: `__del__`. (lookup.rs)
//! 5. `[R5]` An overwritten value goes. (mapping.rs, update.rs)
//! 6. `[R6]` The key of a removed pair goes, and with `del` its value. (mapping.rs)
//! 7. `[R7]` The pairs of an emptied table go, or those of a snapshot. (object.rs, snapshot.rs, pickling.rs)
//! 8. `[R8]` Parameters are read: `__float__` of `max_load`, `__bool__` of `typed`. (object.rs, pickling.rs)
//! 9. `[R9]` A hash function goes: one that was replaced, or the one that was just called. (object.rs, hashing.rs)
//! 10. `[R10]` An object is made that the garbage collector watches, which may start it: iterators, views, tuples, lists, tables.
//! 11. `[R11]` Weak references to a table that goes: their callbacks. (object.rs)
//! 12. `[R12]` The source of an update is read: `keys`, `__iter__`, `__next__`, `__getitem__`; and what it yielded goes. (update.rs)
//! 13. `[R13]` Two values are compared, for `==` and for `in` on items; and what was compared goes. (operators.rs, views.rs)
//! 14. `[R14]` A `repr` of keys, values or the hash function. (picture.rs, views.rs)
//! 15. `[R15]` `__missing__` of a subclass. (mapping.rs)
//! 16. `[R16]` What the hash function returned goes: it may be of a subclass of int. (hashing.rs)
//! 17. `[R17]` An iterator at its end gives up the table. (iterators.rs)
//! 18. `[R18]` `fromkeys` calls the class. (update.rs)
//! 19. `[R19]` Copies import a module, and read and write attributes of a subclass. (pickling.rs, iterators.rs)
//! 20. `[R20]` In the traced build, an announcement is printed: `sys.stdout` may be anything. (announce.rs)
//! 21. `[R21]` The other operand of a set operation on a view: `__iter__`, `__next__`, `__len__`, `__contains__`. (view_sets.rs)
//! 22. `[R22]` An iterator over items gives up the tuple that it yielded last, or what was in it. (iterators.rs)

// The C API's names are spelled as in C.
#![allow(non_snake_case, non_upper_case_globals)]
// A crate of entry points for CPython: whoever calls them is C.
#![deny(clippy::undocumented_unsafe_blocks)]

#[macro_use]
mod announce;
mod batch;
mod errors;
mod ffi;
mod hashing;
mod iterators;
mod lookup;
mod mapping;
mod methods;
mod object;
mod operators;
mod pickling;
mod picture;
mod snapshot;
mod type_object;
mod update;
mod view_sets;
mod views;

use core::ffi::CStr;
use core::ptr::null_mut;
use errors::{Raised, entry, new_reference, or_give_back, status};
use ffi::*;

#[cfg(not(feature = "trace"))]
const NAME: &CStr = c"hashtable";
#[cfg(feature = "trace")]
const NAME: &CStr = c"hashtable_traced";

const DOC: &CStr = c"A hash table to look into: size, hash function and maximum load are knobs, buckets can be seen.

HashTable     the table
library_hash  the library's own, deliberately poor, hash function";

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: NAME.as_ptr(),
    m_doc: DOC.as_ptr(),
    // The module keeps its state in statics, of which there is one set for the whole process.
    m_size: -1,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// The functions of the module. The methods of the type are not among them.
static mut FUNCTIONS: [PyMethodDef; FUNCTION_COUNT] = [
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
        ml_meth: PyMethodDefPointer { PyCFunction: announce::announce },
        ml_flags: METH_O,
        ml_doc: c"announce($module, on, /)
--

Announce every step on standard output from now on, in this thread, or be silent."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_panic".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: announce::panic },
        ml_flags: METH_NOARGS,
        ml_doc: c"_panic($module, /)
--

Panic in Rust, to see that nothing worse than an exception comes of it."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_fail_allocation".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: announce::fail_allocation },
        ml_flags: METH_O,
        ml_doc: c"_fail_allocation($module, nth, /)
--

Make the nth request for memory that tables make in this thread fail; 0 takes that back.
Return what was left of an earlier order: 0 if it was carried out."
            .as_ptr(),
    },
    PyMethodDef::zeroed(),
];
const FUNCTION_COUNT: usize = if cfg!(feature = "trace") { 5 } else { 2 };

/// Where `import hashtable` arrives: the interpreter loads the shared object and calls the function of this name. Returns a new
/// reference to the module, or NULL with an exception set.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[cfg_attr(not(feature = "trace"), unsafe(export_name = "PyInit_hashtable"))]
#[cfg_attr(feature = "trace", unsafe(export_name = "PyInit_hashtable_traced"))]
pub unsafe extern "C" fn PyInit_hashtable() -> *mut PyObject {
    errors::keep_panics_quiet();
    entry(|| {
        // SAFETY: CPython calls this once for the process, and holds the GIL. The module is ours until it is returned, or given
        // back if it could not be filled.
        unsafe {
            every_reference_is_entered();
            #[cfg(feature = "trace")]
            announce::tell_the_replay();
            type_object::make_ready()?;
            let module = new_reference(PyModule_Create(&raw mut MODULE))?;
            give(or_give_back(module, fill(module))?)
        }
    })
}

/// Puts into the module what is more than a function, and tells the others that a `HashTable` is a mapping. Borrows the module.
unsafe fn fill(module: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the module and the static type are alive.
    unsafe {
        hashing::remember_known_functions(module)?;
        status(PyModule_AddObjectRef(module, c"HashTable".as_ptr(), type_object::hash_table_type().cast()))?;
        register_with_abc()
    }
}

/// `collections.abc.MutableMapping.register(HashTable)`, and likewise for the views.
unsafe fn register_with_abc() -> Result<(), Raised> {
    let classes = [
        (c"MutableMapping", type_object::hash_table_type()),
        (c"KeysView", type_object::keys_view_type()),
        (c"ValuesView", type_object::values_view_type()),
        (c"ItemsView", type_object::items_view_type()),
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
