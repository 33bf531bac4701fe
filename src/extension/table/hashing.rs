//! From a key to its hash: the point where the extension calls back into Python.
//!
//! The library takes the hash from its caller, the extension takes it from the table's `hash_func`. That may be any
//! callable, so a call of it may do anything, to the table too. Three functions are known and need no call through
//! Python: the builtin `hash`; [`mixed_hash`], which mixes it so that its low bits depend on all of them; and
//! [`library_hash`], the library's own poor hash.

use crate::announce;
use crate::errors::{entry, type_error, value_error};
use crate::ffi::*;
use crate::object::{HashTable, HashedBy};
use crate::state::keep_builtin_hash;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use hashtable_core::{mix::mix, poor_hash};

/// The C functions behind the builtin `hash`, and behind the module's own two. Each interpreter has objects of its own
/// for them, but the code is the same in all of them; by it they are known.
static BUILTIN: AtomicUsize = AtomicUsize::new(0);
static MIXED: AtomicUsize = AtomicUsize::new(0);
static LIBRARY: AtomicUsize = AtomicUsize::new(0);

/// Notes which C functions are known here, and keeps this interpreter's `hash` in the state of `module`, which is ours.
///
/// # Safety
/// `module` is the extension module, with its functions in it.
pub(crate) unsafe fn remember_known_functions(module: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller has the module alive. Each function is a new reference: the one of `hash` goes into the state,
    // the others are given back.
    unsafe {
        let builtins = new_reference(PyImport_ImportModule(c"builtins".as_ptr()))?;
        let hash = PyObject_GetAttrString(builtins, c"hash".as_ptr());
        Py_DECREF(builtins);
        let hash = new_reference(hash)?;
        BUILTIN.store(c_function(hash), Relaxed);
        keep_builtin_hash(module, hash);
        for (known, name) in [(&MIXED, c"mixed_hash"), (&LIBRARY, c"library_hash")] {
            let function = new_reference(PyObject_GetAttrString(module, name.as_ptr()))?;
            known.store(c_function(function), Relaxed);
            Py_DECREF(function);
        }
        Ok(())
    }
}

/// The address of the C function that calling `op` calls at once, if it is an object around one; else 1, which is none.
///
/// # Safety
/// `op` is a living object.
unsafe fn c_function(op: *mut PyObject) -> usize {
    // SAFETY: the caller keeps `op` alive, so it has a type to check; a C function is asked for only of an object that
    // was found to have one. Neither runs Python code.
    unsafe {
        if PyCFunction_Check(op) == 0 {
            return 1;
        }
        PyCFunction_GetFunction(op).map_or(1, |function| function as *const () as usize)
    }
}

/// Which way to hash goes with `hash_func`.
///
/// # Safety
/// `hash_func` is a living object.
pub(crate) unsafe fn hashed_by(hash_func: *mut PyObject) -> HashedBy {
    // SAFETY: the caller keeps `hash_func` alive, and only its C function is asked for, not what it answers.
    let function = unsafe { c_function(hash_func) };
    if function == BUILTIN.load(Relaxed) {
        HashedBy::Builtin
    } else if function == MIXED.load(Relaxed) {
        HashedBy::Mixed
    } else if function == LIBRARY.load(Relaxed) {
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
    // SAFETY: table and key are alive, says the caller, to the end of this call. Which way to go is read once; that the
    // table may be given another function meanwhile must be checked by the caller (`generation`).
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
    // SAFETY: `table` and `key` are kept alive by the caller. The function is owned by the table, and while it runs it
    // can make the table own another one: so the call needs a reference of its own. `answer` is ours until the DECREF.
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
    // SAFETY: `int` is an int, so this cannot fail except by overflow, which is told apart from a value of -1. The hash
    // is that of ints, also where a subclass has one of its own; ints always have one.
    unsafe {
        if let Some(value) = small_int(int) {
            return Ok(value);
        }
        let value = PyLong_AsLongLongAndOverflow(int, &mut overflow);
        if overflow == 0 {
            return Ok(value);
        }
        let hash_of_ints = tp_hash(&raw mut PyLong_Type).expect("ints can be hashed");
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
    // SAFETY: each branch has checked that the object is of the kind that its functions take. The int made for a large
    // float is ours until the DECREF.
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
    entry(|| {
        // SAFETY: the key is kept for the call, and hashing it this way runs no Python code.
        unsafe { give(new_reference(PyLong_FromLongLong(poor_hash_of(key)?))?) }
    })
}

/// `hashtable.mixed_hash(key)`. Returns a new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn mixed_hash(_module: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    entry(|| {
        // SAFETY: CPython passes a living object, and keeps it alive during the call.
        unsafe { give(new_reference(PyLong_FromLongLong(mix(builtin_hash_of(key)?)))?) }
    })
}
