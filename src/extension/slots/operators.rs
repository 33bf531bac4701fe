//! `==`, `|` and `|=` between tables, and between a table and a dict.

use crate::errors::entry;
use crate::fast::same_pairs::{position_behind_same_pairs, same_content};
use crate::ffi::*;
use crate::object::HashTable;
use crate::slots::update::merge;
use crate::table::making::{duplicate, like};
use crate::table::pairs::get_item;
use crate::type_object::is_hash_table;

/// `h == other`, `h != other`; there is no order between tables. A new reference to True, False or NotImplemented.
///
/// # Safety
/// Called by CPython, with a `HashTable` first.
pub(crate) unsafe extern "C" fn tp_richcompare(
    op: *mut PyObject,
    other: *mut PyObject,
    operator: c_int,
) -> *mut PyObject {
    // SAFETY: the right object stands first; the other is asked what it is. Both are kept for the call.
    entry(|| unsafe {
        if !matches!(operator, Py_EQ | Py_NE) || !(is_hash_table(other) || PyDict_Check(other) != 0) {
            return give(not_implemented());
        }
        let equal = alone_with(op, other, || equal(op.cast(), other))?;
        give(Py_NewRef(if equal == (operator == Py_EQ) { Py_True() } else { Py_False() }))
    })
}

/// Have the table and `other`, a table or a dict, the same keys with equal values? If one of them is typed and the
/// other is not, it is the typed one that says which keys are equal, on whichever side it stands.
unsafe fn equal(table: *mut HashTable, other: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: both are kept for the call that we are in. `other` is cast only after `is_hash_table` has said that it is
    // one. What was read of either before Python code ran is not used after it.
    unsafe {
        let load = (*table).pairs.load();
        if !is_hash_table(other) {
            if load != PyDict_Size(other) as usize {
                return Ok(false);
            }
            return if (*table).typed {
                dict_is_in(other, table)
            } else {
                all_pairs(table, 0, |k, v| in_dict(other, k, v))
            };
        }
        let other = other.cast::<HashTable>();
        if load != (*other).pairs.load() {
            return Ok(false);
        }
        if same_content(table, other) {
            return Ok(true);
        }
        let (walked, asked) = if (*table).typed && !(*other).typed { (other, table) } else { (table, other) };
        let position = position_behind_same_pairs(walked, asked);
        all_pairs(walked, position, |key, value| in_table(asked, key, value))
    }
}

/// Does `test` say yes to each key and value of the table, from this position on? They are alive for the length of its
/// call.
unsafe fn all_pairs(
    table: *mut HashTable,
    mut position: usize,
    mut test: impl FnMut(*mut PyObject, *mut PyObject) -> Result<bool, Raised>,
) -> Result<bool, Raised> {
    // SAFETY: the caller keeps the table alive; each key and value is owned from NewRef to DECREF. If the table changes
    // meanwhile, the walk goes on with what is there: every index comes fresh from `next_pair`, and no Python code runs
    // before it is used. It ends after as many pairs as there were, since comparisons that add pairs to both tables
    // would otherwise keep the walk going for ever.
    unsafe {
        for _ in 0..(*table).pairs.load() {
            let Some(at) = (*table).pairs.next_pair(position) else { break };
            position = at + 1;
            let key = Py_NewRef((*table).pairs.key(at).borrowed());
            let value = Py_NewRef((*table).pairs.value(at).borrowed());
            let answer = test(key, value);
            Py_DECREF(key); // [R13]
            Py_DECREF(value); // [R13]
            if !answer? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Has the table each key of the dict, with an equal value?
unsafe fn dict_is_in(dict: *mut PyObject, table: *mut HashTable) -> Result<bool, Raised> {
    // SAFETY: the caller keeps both alive. `PyDict_Next` lends key and value until Python code can run; they are owned
    // from NewRef to DECREF. It tolerates mutation of the dict, and the walk ends after as many pairs as there were.
    unsafe {
        let (mut position, mut key, mut value) = (0, core::ptr::null_mut(), core::ptr::null_mut());
        for _ in 0..PyDict_Size(dict) {
            if PyDict_Next(dict, &mut position, &mut key, &mut value) == 0 {
                break;
            }
            let (key, value) = (Py_NewRef(key), Py_NewRef(value));
            let answer = in_table(table, key, value);
            Py_DECREF(key); // [R13]
            Py_DECREF(value); // [R13]
            if !answer? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Has the table this key with an equal value?
unsafe fn in_table(table: *mut HashTable, key: *mut PyObject, value: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps all three alive. What `get_item` lends goes to `equal_to_found` at once.
    unsafe { equal_to_found(value, get_item(table, key)?) }
}

/// Has the dict this key with an equal value?
#[cfg(not(Py_GIL_DISABLED))]
unsafe fn in_dict(dict: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps all three alive. The value that is found is owned by the dict, and nothing runs before
    // `equal_to_found` takes a reference to it.
    unsafe {
        let found = PyDict_GetItemWithError(dict, key); // [R13]
        if found.is_null() && !PyErr_Occurred().is_null() {
            return Err(Raised);
        }
        equal_to_found(value, (!found.is_null()).then_some(found))
    }
}

/// The same without the GIL, where nothing may be lent that another thread can take out of the dict.
#[cfg(Py_GIL_DISABLED)]
unsafe fn in_dict(dict: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the caller keeps all three alive. What is found in the dict is a new reference, ours until its DECREF.
    unsafe {
        let Some(found) = dict_item(dict, key)? else { return Ok(false) }; // [R13]
        let equal = equal_to_found(value, Some(found));
        Py_DECREF(found); // [R13]
        equal
    }
}

/// Is `value` equal to what was found? That is borrowed from where it was found, and owned during the comparison.
unsafe fn equal_to_found(value: *mut PyObject, found: Option<*mut PyObject>) -> Result<bool, Raised> {
    let Some(found) = found else { return Ok(false) };
    // SAFETY: the caller keeps `value` alive; `found` is alive now, and no Python code has run since it was found.
    unsafe {
        Py_INCREF(found);
        let equal = PyObject_RichCompareBool(value, found, Py_EQ); // [R13]
        Py_DECREF(found); // [R13]
        Ok(status(equal)? == 1)
    }
}

/// `one | other`, where either is a `HashTable` and the other a `HashTable` or a dict: a new table with the parameters
/// of the left one if that is a table, else of the right one. A new reference.
///
/// # Safety
/// Called by CPython; at least one of the two is a `HashTable`.
pub(crate) unsafe extern "C" fn nb_or(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps both alive. The union is ours until it is returned or given back.
    entry(|| unsafe {
        let union = if !is_hash_table(one) {
            if PyDict_Check(one) == 0 {
                return give(not_implemented());
            }
            let union = alone(other, || like(other.cast()))?;
            or_give_back(union, merge(union.cast(), one))?
        } else if is_hash_table(other) || PyDict_Check(other) != 0 {
            alone(one, || duplicate(one.cast()))?
        } else {
            return give(not_implemented());
        };
        give(or_give_back(union, merge(union.cast(), other))?)
    })
}

/// `h |= other`: as `h.update(other)`, for everything that `update` takes. Returns the table, a new reference.
///
/// # Safety
/// Called by CPython, with a `HashTable` first.
pub(crate) unsafe extern "C" fn nb_inplace_or(op: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object stands first: no other type has this slot. Both are kept for the call.
    entry(|| unsafe {
        merge(op.cast(), other)?;
        give(Py_NewRef(op))
    })
}
