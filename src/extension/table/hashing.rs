//! From a key to its hash: the point where the extension calls back into Python.
//!
//! The library takes the hash from its caller, the extension takes it from the table's `hash_func`. That may be any callable, so
//! a call of it may do anything, to the table too. Three functions are known and need no call through Python: the builtin
//! `hash`; [`mixed_hash`], which mixes it so that its low bits depend on all of them; and [`library_hash`], the library's own
//! poor hash.

use crate::announce;
use crate::errors::{type_error, value_error};
use crate::ffi::*;
use crate::object::{HashTable, HashedBy};
use hashtable_core::{mix::mix, poor_hash};

/// The builtin `hash`, and the module's own two. They are owned by the module for as long as the process lives.
static mut BUILTIN_HASH: *mut PyObject = core::ptr::null_mut();
static mut MIXED_HASH: *mut PyObject = core::ptr::null_mut();
static mut LIBRARY_HASH: *mut PyObject = core::ptr::null_mut();

/// Takes new references to the three functions that are known here. `module` is the extension module.
///
/// # Safety
/// Called once, when the module is made, with the GIL held.
pub(crate) unsafe fn remember_known_functions(module: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the GIL guards the statics. Each function is a new reference that is stored and kept; `builtins` is ours
    // until the DECREF.
    unsafe {
        let builtins = new_reference(PyImport_ImportModule(c"builtins".as_ptr()))?;
        let hash = PyObject_GetAttrString(builtins, c"hash".as_ptr());
        Py_DECREF(builtins);
        Py_XSETREF(&raw mut BUILTIN_HASH, new_reference(hash)?);
        let mixed_hash = PyObject_GetAttrString(module, c"mixed_hash".as_ptr());
        Py_XSETREF(&raw mut MIXED_HASH, new_reference(mixed_hash)?);
        let library_hash = PyObject_GetAttrString(module, c"library_hash".as_ptr());
        Py_XSETREF(&raw mut LIBRARY_HASH, new_reference(library_hash)?);
        Ok(())
    }
}

/// The builtin `hash`. Borrowed from the module.
pub(crate) fn builtin_hash() -> *mut PyObject {
    // SAFETY: written once, before there is a table.
    unsafe { BUILTIN_HASH }
}

/// Which way to hash goes with `hash_func`, which is borrowed and only looked at.
pub(crate) fn hashed_by(hash_func: *mut PyObject) -> HashedBy {
    // SAFETY: the statics were written once, before there is a table.
    let (builtin, mixed, library) = unsafe { (BUILTIN_HASH, MIXED_HASH, LIBRARY_HASH) };
    if hash_func == builtin {
        HashedBy::Builtin
    } else if hash_func == mixed {
        HashedBy::Mixed
    } else if hash_func == library {
        HashedBy::Library
    } else {
        HashedBy::Call
    }
}

/// The 64-bit hash that the table uses for `key`. Can run any Python code.
///
/// # Errors
/// What the hash function raises, unchanged; `ValueError` if it returns anything but an int.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive.
#[inline(always)]
pub(crate) unsafe fn hash_of(table: *mut HashTable, key: *mut PyObject) -> Result<i64, Raised> {
    // SAFETY: the caller keeps both alive.
    unsafe {
        let hash = match (*table).hashed_by {
            HashedBy::Builtin => {
                announce::flush();
                builtin_hash_of(key)?
            }
            HashedBy::Mixed => {
                announce::flush();
                mix(builtin_hash_of(key)?)
            }
            HashedBy::Library => poor_hash_of(key)?,
            HashedBy::Call => called_hash_of(table, key)?,
        };
        announce!("the hash of {} is {hash}", describe(key));
        Ok(hash)
    }
}

/// What the builtin `hash` answers. For a class with a `__hash__` in Python this runs it.
///
/// # Safety
/// `key` is a living object that the caller keeps alive.
#[inline(always)]
pub(crate) unsafe fn builtin_hash_of(key: *mut PyObject) -> Result<i64, Raised> {
    // SAFETY: `key` is alive. -1 says failure and nothing else: no object has the hash -1.
    let hash = unsafe { PyObject_Hash(key) }; // [R2]
    if hash == -1 { Err(Raised) } else { Ok(hash as i64) }
}

/// What the table's hash function answers, called through Python.
#[inline(always)]
unsafe fn called_hash_of(table: *mut HashTable, key: *mut PyObject) -> Result<i64, Raised> {
    // SAFETY: `table` and `key` are kept alive by the caller. The function is owned by the table, and while it runs it can
    // make the table own another one: so the call needs a reference of its own. `answer` is ours until the DECREF.
    unsafe {
        let hash_func = Py_NewRef((*table).hash_func);
        announce!("calling hash_func with {}", describe(key));
        announce::flush();
        let answer = PyObject_CallOneArg(hash_func, key); // [R1]
        Py_DECREF(hash_func); // [R9]
        let answer = new_reference(answer)?;
        let hash = if PyLong_Check(answer) != 0 {
            int_in_64_bits(answer)
        } else {
            Err(value_error(c"Invalid hash function -- all keys must hash to an integer."))
        };
        Py_DECREF(answer); // [R16]
        hash
    }
}

/// The value of an int; one outside 64 bits is first reduced as `hash(int)` does. Borrows `int`.
unsafe fn int_in_64_bits(int: *mut PyObject) -> Result<i64, Raised> {
    let mut overflow = 0;
    // SAFETY: `int` is an int, so this cannot fail except by overflow, which is told apart from a value of -1. The hash is
    // that of ints, also where a subclass has one of its own; ints always have one.
    unsafe {
        if let Some(value) = small_int(int) {
            return Ok(value);
        }
        let value = PyLong_AsLongLongAndOverflow(int, &mut overflow);
        if overflow == 0 {
            return Ok(value);
        }
        let hash_of_ints = PyLong_Type.tp_hash.expect("ints can be hashed");
        Ok(hash_of_ints(int) as i64)
    }
}

/// The library's poor hash: an int is itself, a float its floor, a str its length in code points. Runs no Python code.
///
/// # Errors
/// `TypeError` for any other key; `ValueError` or `OverflowError` for a float without a floor, as `math.floor` has it.
///
/// # Safety
/// `key` is a living object.
#[inline(never)]
pub(crate) unsafe fn poor_hash_of(key: *mut PyObject) -> Result<i64, Raised> {
    // SAFETY: each branch has checked that the object is of the kind that its functions take. The int made for a large float
    // is ours until the DECREF.
    unsafe {
        if PyLong_Check(key) != 0 {
            Ok(poor_hash::of_int(int_in_64_bits(key)?))
        } else if PyUnicode_Check(key) != 0 {
            Ok(poor_hash::of_text_length(PyUnicode_GET_LENGTH(key) as usize))
        } else if PyFloat_Check(key) != 0 {
            let value = PyFloat_AS_DOUBLE(key);
            if let Some(floor) = poor_hash::of_float(value) {
                return Ok(floor);
            }
            // Beyond 64 bits every float is its own floor.
            let floor = new_reference(PyLong_FromDouble(value))?;
            let hash = int_in_64_bits(floor);
            Py_DECREF(floor);
            hash
        } else {
            Err(type_error(c"library_hash takes an int, a float or a str."))
        }
    }
}

/// `hashtable.library_hash(key)`. Returns a new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn library_hash(_module: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    crate::errors::entry(|| {
        // SAFETY: CPython passes a living object.
        unsafe { give(new_reference(PyLong_FromLongLong(poor_hash_of(key)?))?) }
    })
}

/// `hashtable.mixed_hash(key)`. Returns a new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn mixed_hash(_module: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    crate::entry(|| {
        // SAFETY: CPython passes a living object, and keeps it alive during the call.
        unsafe { give(new_reference(PyLong_FromLongLong(mix(builtin_hash_of(key)?)))?) }
    })
}
