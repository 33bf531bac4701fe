//! `==`, `|` and `|=` between tables, and between a table and a dict.

use crate::errors::{Raised, entry, status};
use crate::ffi::*;
use crate::mapping::get_item;
use crate::object::{HashTable, is_hash_table};
use crate::pickling::duplicate;
use crate::update::merge;
use hashtable_core::Table;

/// A new reference to `NotImplemented`: "ask the other operand".
unsafe fn not_implemented() -> *mut PyObject {
    // SAFETY: the object always exists.
    unsafe { Py_NewRef(Py_NotImplemented()) }
}

/// `h == other`, `h != other`; there is no order between tables. A new reference to True, False or NotImplemented.
///
/// # Safety
/// Called by CPython, with a `HashTable` first.
pub(crate) unsafe extern "C" fn tp_richcompare(
    op: *mut PyObject,
    other: *mut PyObject,
    operator: c_int,
) -> *mut PyObject {
    // SAFETY: CPython keeps both alive.
    entry(|| unsafe {
        if !matches!(operator, Py_EQ | Py_NE) || !(is_hash_table(other) || PyDict_Check(other) != 0) {
            return Ok(not_implemented());
        }
        let equal = equal(op.cast(), other)?;
        Ok::<_, Raised>(Py_NewRef(if equal == (operator == Py_EQ) { Py_True() } else { Py_False() }))
    })
}

/// Has `other`, a table or a dict, the same keys with equal values?
unsafe fn equal(table: *mut HashTable, other: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps both alive; each key and value is owned from NewRef to DECREF. If the table changes meanwhile, the
    // walk goes on with what is there: every index comes fresh from `next_pair`, and no Python code runs before it is used.
    unsafe {
        let other_length =
            if is_hash_table(other) { (*other.cast::<HashTable>()).pairs.load() } else { PyDict_Size(other) as usize };
        if (*table).pairs.load() != other_length {
            return Ok(false);
        }
        let mut position = 0;
        while let Some(at) = (*table).pairs.next_pair(position) {
            position = at + 1;
            let key = Py_NewRef((*table).pairs.key(at).borrowed());
            let value = Py_NewRef((*table).pairs.value(at).borrowed());
            let same = has_pair(other, key, value);
            Py_DECREF(key); // [R13]
            Py_DECREF(value); // [R13]
            if !same? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Has `other`, a table or a dict, this key with an equal value?
unsafe fn has_pair(other: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps all three alive. What is found is borrowed from `other`, and owned during the comparison.
    unsafe {
        let found = if is_hash_table(other) {
            get_item(other.cast(), key)?
        } else {
            let found = PyDict_GetItemWithError(other, key); // [R13]
            if found.is_null() && !PyErr_Occurred().is_null() {
                return Err(Raised);
            }
            (!found.is_null()).then_some(found)
        };
        let Some(found) = found else { return Ok(false) };
        Py_INCREF(found);
        let equal = PyObject_RichCompareBool(value, found, Py_EQ); // [R13]
        Py_DECREF(found); // [R13]
        Ok(status(equal)? == 1)
    }
}

/// `one | other`, where either is a `HashTable` and the other a `HashTable` or a dict: a new table with the parameters of the
/// left one if that is a table, else of the right one. A new reference.
///
/// # Safety
/// Called by CPython; at least one of the two is a `HashTable`.
pub(crate) unsafe extern "C" fn nb_or(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps both alive. The union is ours until it is returned or given back.
    entry(|| unsafe {
        let union = if !is_hash_table(one) {
            if PyDict_Check(one) == 0 {
                return Ok(not_implemented());
            }
            let union = like(other.cast())?;
            give_back_unless(union, merge(union.cast(), one))?
        } else if is_hash_table(other) || PyDict_Check(other) != 0 {
            duplicate(one.cast())?
        } else {
            return Ok(not_implemented());
        };
        give_back_unless(union, merge(union.cast(), other))
    })
}

/// `op` if all went well; else gives it back. Steals `op`, returns it.
unsafe fn give_back_unless(op: *mut PyObject, result: Result<(), Raised>) -> Result<*mut PyObject, Raised> {
    if result.is_err() {
        // SAFETY: the caller owns `op` and hands it over.
        unsafe { Py_DECREF(op) };
    }
    result.map(|()| op)
}

/// An empty table with the parameters of `table`: a new reference.
unsafe fn like(table: *mut HashTable) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps the table alive; it is read before anything can run.
    unsafe {
        let pairs = Table::new((*table).pairs.initial_size(), (*table).pairs.max_load());
        crate::object::make(pairs.map_err(|_| crate::errors::no_memory())?, (*table).hash_func, (*table).typed)
    }
}

/// `h |= other`: as `h.update(other)`, for everything that `update` takes. Returns the table, a new reference.
///
/// # Safety
/// Called by CPython, with a `HashTable` first.
pub(crate) unsafe extern "C" fn nb_inplace_or(op: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps both alive.
    entry(|| unsafe {
        merge(op.cast(), other)?;
        Ok::<_, Raised>(Py_NewRef(op))
    })
}
