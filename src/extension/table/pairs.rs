//! Reading and writing one pair.
//!
//! Five functions, [`get_item`], [`set_item`], [`get_or_add_item`], [`take_item`] and [`contains`], do all the work;
//! the slots and methods only give them their many names.

use crate::ffi::*;
use crate::object::{HashTable, add};
use crate::table::lookup::look_up;

/// The value for `key`, or None if it is not there. **Borrowed from the table**: to keep it past the next moment at
/// which Python code can run, take a reference to it.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive. The same holds for all functions here.
#[inline(always)]
pub(crate) unsafe fn get_item(table: *mut HashTable, key: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps both alive; no Python code runs between `look_up` and the use of its index.
    unsafe {
        let place = look_up(table, key)?;
        Ok(place.at.map(|at| (*table).pairs.value(at).borrowed()))
    }
}

/// Adds a pair, or overwrites the value of the key that is there (which stays the key). Borrows both: the table takes
/// references of its own.
///
/// # Errors
/// What hashing and comparing raise; `MemoryError`. The table is then as it was.
pub(crate) unsafe fn set_item(table: *mut HashTable, key: *mut PyObject, value: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps all three alive; no Python code runs between `look_up` and the use of what it said, and
    // the old value is released when the table has the new one.
    unsafe {
        let place = look_up(table, key)?;
        match place.at {
            Some(at) => {
                let old_value = (*table).pairs.replace_value(at, Stored::store(Py_NewRef(value), table.cast()));
                Py_DECREF(old_value.take(table.cast())); // [R5]
                Ok(())
            }
            None => add(table, place.hash, key, value),
        }
    }
}

/// The value for `key`; if there is none, `default`, which is then added. **Borrowed**, from the table or the caller.
pub(crate) unsafe fn get_or_add_item(
    table: *mut HashTable,
    key: *mut PyObject,
    default: *mut PyObject,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: as in [`set_item`]: no Python code runs between `look_up` and the use of what it said.
    unsafe {
        let place = look_up(table, key)?;
        match place.at {
            Some(at) => Ok((*table).pairs.value(at).borrowed()),
            None => add(table, place.hash, key, default).map(|()| default),
        }
    }
}

/// Removes the pair of `key` and returns its value, a new reference, or None if it is not there.
pub(crate) unsafe fn take_item(table: *mut HashTable, key: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps both alive. The pair leaves the table with its two references: the key's is given back,
    // the value's goes to the caller, and is owned here while the key's departure runs Python code.
    unsafe {
        let place = look_up(table, key)?;
        let Some(at) = place.at else { return Ok(None) };
        let (old_key, value) = (*table).pairs.remove_found(at, place.hash);
        let value = value.take(table.cast());
        Py_DECREF(old_key.take(table.cast())); // [R6]
        Ok(Some(value))
    }
}

/// Is `key` in the table?
pub(crate) unsafe fn contains(table: *mut HashTable, key: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps both alive, as [`get_item`] asks. The value that it finds is borrowed, and is not looked
    // at here: only whether there is one.
    unsafe { Ok(get_item(table, key)?.is_some()) }
}
