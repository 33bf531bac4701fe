//! Reading and writing one pair: `h[k]`, `h[k] = v`, `del h[k]`, `k in h`, `len(h)`, and the functions behind them.
//!
//! Five functions, [`get_item`], [`set_item`], [`get_or_add_item`], [`take_item`] and [`contains`], are all there is to it; the slots here and the methods
//! in `methods.rs` only give them their many names.

use crate::errors::{Raised, entry, key_error, new_reference, no_memory};
use crate::ffi::*;
use crate::lookup::look_up;
use crate::object::HashTable;

/// The value for `key`, or None if it is not there. **Borrowed from the table**: whoever keeps it past the next moment at which
/// Python code can run needs a reference to it.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive. So it is for all functions here.
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
    // SAFETY: the caller keeps all three alive; no Python code runs between `look_up` and the use of what it said, and the old
    // value is released when the table has the new one.
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

/// Adds a pair whose key was just found not to be there. Borrows both: the table takes references of its own.
pub(crate) unsafe fn add(
    table: *mut HashTable,
    hash: i64,
    key: *mut PyObject,
    value: *mut PyObject,
) -> Result<(), Raised> {
    // SAFETY: the caller keeps all three alive. What can fail comes before the references are taken, and nothing runs Python code.
    unsafe {
        let room = (*table).pairs.make_room().map_err(|_| no_memory())?;
        let key = Stored::store(Py_NewRef(key), table.cast());
        let value = Stored::store(Py_NewRef(value), table.cast());
        room.add(hash, key, value);
    }
    Ok(())
}

/// The value for `key`; if there is none, `default`, which is then added. **Borrowed**, from the table or the caller.
pub(crate) unsafe fn get_or_add_item(
    table: *mut HashTable,
    key: *mut PyObject,
    default: *mut PyObject,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: as in `set_item`.
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
    // SAFETY: the caller keeps both alive. The pair leaves the table with its two references: the key's is given back, the
    // value's goes to the caller, and is owned here while the key's departure runs Python code.
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
    // SAFETY: the caller's promise; what is found is not used.
    unsafe { Ok(get_item(table, key)?.is_some()) }
}

/// `len(h)`.
///
/// # Safety
/// Called by CPython, with a `HashTable`. So are all slots here.
pub(crate) unsafe extern "C" fn mp_length(op: *mut PyObject) -> Py_ssize_t {
    entry(|| {
        announce!("len(h)");
        // SAFETY: `op` is a table.
        Ok::<_, Raised>(unsafe { (*op.cast::<HashTable>()).pairs.load() } as Py_ssize_t)
    })
}

/// `h[key]`: a new reference, or `KeyError`.
pub(crate) unsafe extern "C" fn mp_subscript(op: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    entry(|| {
        // SAFETY: CPython keeps table and key alive. The value is still borrowed from the table, and becomes a reference
        // before anything can run.
        unsafe {
            announce!("h[{}]", describe(key));
            match get_item(op.cast(), key)? {
                Some(value) => give(Py_NewRef(value)),
                None => give(missing(op, key)?),
            }
        }
    })
}

/// What `h[key]` is when the key is not there: what a subclass's `__missing__` returns, a new reference, or `KeyError`.
#[cold]
unsafe fn missing(op: *mut PyObject, key: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps both alive. The method is ours until its DECREF.
    unsafe {
        if Py_IS_TYPE(op, crate::type_object::hash_table_type()) {
            return Err(key_error(key));
        }
        let Some(method) = special_method(op, c"__missing__")? else { return Err(key_error(key)) };
        let value = PyObject_CallOneArg(method, key); // [R15]
        Py_DECREF(method);
        new_reference(value)
    }
}

/// The method of this name that the object's class has, bound to the object: a new reference, or None. As for all names with two
/// underscores, neither the object's own attributes count nor those of its metaclass. (CPython has `_PyObject_LookupSpecial` for
/// it, which is not for others to use.)
unsafe fn special_method(op: *mut PyObject, name: &core::ffi::CStr) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps the object alive, and that its class; the class keeps the classes in its `tp_mro`. What is found in a
    // class's dict is borrowed from it until the NewRef. `name` is ours until its DECREF.
    unsafe {
        let name = new_reference(PyUnicode_FromString(name.as_ptr()))?;
        let classes = (*Py_TYPE(op)).tp_mro;
        let found = (0..PyTuple_GET_SIZE(classes)).find_map(|place| {
            let dict = (*PyTuple_GET_ITEM(classes, place).cast::<PyTypeObject>()).tp_dict;
            // From 3.12 on, the classes that CPython itself brings along have theirs elsewhere. None of them has `__missing__`
            // and is a base of a table's class.
            let attribute = if dict.is_null() { core::ptr::null_mut() } else { PyDict_GetItemWithError(dict, name) };
            if !attribute.is_null() {
                Some(Ok(Py_NewRef(attribute)))
            } else if !PyErr_Occurred().is_null() {
                Some(Err(Raised))
            } else {
                None
            }
        });
        Py_DECREF(name);
        let Some(attribute) = found.transpose()? else { return Ok(None) };
        let Some(bind) = (*Py_TYPE(attribute)).tp_descr_get else { return Ok(Some(attribute)) };
        let method = received(bind(attribute, op, Py_TYPE(op).cast())); // [R15]
        Py_DECREF(attribute);
        new_reference(method).map(Some)
    }
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
                Some(value) => Py_DECREF(value), // [R6]
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
