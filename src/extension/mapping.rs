//! Reading and writing one pair: `h[k]`, `h[k] = v`, `del h[k]`, `k in h`, `len(h)`, and the functions behind them.
//!
//! Four functions, [`get_item`], [`set_item`], [`take_item`] and [`contains`], are all there is to it; the slots here and the methods
//! in `methods.rs` only give them their many names.

use crate::errors::{Raised, entry, key_error, no_memory};
use crate::ffi::*;
use crate::hashing::hash_of;
use crate::lookup::find;
use crate::object::HashTable;

/// The value for `key`, or None if it is not there. **Borrowed from the table**: whoever keeps it past the next moment at which
/// Python code can run needs a reference to it.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive. So it is for all functions here.
#[inline]
pub(crate) unsafe fn get_item(table: *mut HashTable, key: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps both alive; no Python code runs between `find` and the use of its index.
    unsafe {
        let hash = hash_of(table, key)?;
        let found = find(table, key, hash)?;
        Ok(found.map(|at| (*table).pairs.value(at).borrowed()))
    }
}

/// Adds a pair, or overwrites the value of the key that is there (which stays the key). Borrows both: the table takes
/// references of its own.
///
/// # Errors
/// What hashing and comparing raise; `MemoryError`. The table is then as it was.
pub(crate) unsafe fn set_item(table: *mut HashTable, key: *mut PyObject, value: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps all three alive; no Python code runs between `find` and the use of what it said, and the old
    // value is released when the table has the new one.
    unsafe {
        let hash = hash_of(table, key)?;
        match find(table, key, hash)? {
            Some(at) => {
                let old_value = (*table).pairs.replace_value(at, Stored::store(Py_NewRef(value)));
                Py_DECREF(old_value.take());
            }
            None => {
                let room = (*table).pairs.make_room().map_err(|_| no_memory())?;
                room.add(hash, Stored::store(Py_NewRef(key)), Stored::store(Py_NewRef(value)));
            }
        }
        Ok(())
    }
}

/// Removes the pair of `key` and returns its value, a new reference, or None if it is not there.
pub(crate) unsafe fn take_item(table: *mut HashTable, key: *mut PyObject) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps both alive. The pair leaves the table with its two references: the key's is given back, the
    // value's goes to the caller, and is owned here while the key's departure runs Python code.
    unsafe {
        let hash = hash_of(table, key)?;
        let Some(at) = find(table, key, hash)? else { return Ok(None) };
        let (old_key, value) = (*table).pairs.remove(at);
        let value = value.take();
        Py_DECREF(old_key.take());
        Ok(Some(value))
    }
}

/// Is `key` in the table?
pub(crate) unsafe fn contains(table: *mut HashTable, key: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller's promise; what is found is not used.
    unsafe { Ok(get_item(table, key)?.is_some()) }
}

/// `len(h)`.
///
/// # Safety
/// Called by CPython, with a `HashTable`. So are all slots here.
pub(crate) unsafe extern "C" fn mp_length(op: *mut PyObject) -> Py_ssize_t {
    // SAFETY: `op` is a table.
    entry(|| Ok::<_, Raised>(unsafe { (*op.cast::<HashTable>()).pairs.load() } as Py_ssize_t))
}

/// `h[key]`: a new reference, or `KeyError`.
pub(crate) unsafe extern "C" fn mp_subscript(op: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    entry(|| {
        // SAFETY: CPython keeps table and key alive. The value is still borrowed from the table, and becomes a reference
        // before anything can run.
        unsafe {
            announce!("h[{}]", describe(key));
            match get_item(op.cast(), key)? {
                Some(value) => Ok(Py_NewRef(value)),
                None => Err(key_error(key)),
            }
        }
    })
}

/// `h[key] = value`, and with NULL for the value `del h[key]`: 0, or -1 with an exception set.
pub(crate) unsafe extern "C" fn mp_ass_subscript(op: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> c_int {
    entry(|| {
        // SAFETY: CPython keeps table, key and value alive. What `take_item` hands out is ours to give back.
        unsafe {
            if !value.is_null() {
                announce!("h[{}] = {}", describe(key), describe(value));
                return set_item(op.cast(), key, value);
            }
            announce!("del h[{}]", describe(key));
            match take_item(op.cast(), key)? {
                Some(value) => Py_DECREF(value),
                None => return Err(key_error(key)),
            }
            Ok(())
        }
    })
}

/// `key in h`: 1, 0, or -1 with an exception set.
pub(crate) unsafe extern "C" fn sq_contains(op: *mut PyObject, key: *mut PyObject) -> c_int {
    entry(|| {
        // SAFETY: CPython keeps table and key alive.
        unsafe {
            announce!("{} in h", describe(key));
            contains(op.cast(), key)
        }
    })
}
