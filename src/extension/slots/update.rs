//! Many pairs at once: `h.update(...)`, `HashTable.fromkeys(...)`, and what `|` needs.
//!
//! A source of pairs can be another table or a dict, which are read directly; anything with a method `keys`, which is
//! asked for its keys and then for each value; or anything iterable that yields pairs. Reading from a source and adding
//! to a table both run Python code, and the source may be the table itself. So a pair is always owned here while it is
//! under way, and a source that changes meanwhile raises `RuntimeError`, as with `dict`.

use crate::errors::{check_count, entry, runtime_error};
use crate::fast::filling::{fill_from_table, set_from_dict, set_from_list};
use crate::ffi::*;
use crate::object::HashTable;
use crate::table::pairs::set_item;
use crate::type_object::is_plain_hash_table;

/// `h.update(other=(), /, **pairs)`: returns None, a new reference. If it fails half way, what came before is in the
/// table.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn update(
    op: *mut PyObject,
    args: *const *mut PyObject,
    nargs: Py_ssize_t,
    names: *mut PyObject,
) -> *mut PyObject {
    entry(|| {
        check_count(c"update", nargs, 0, 1)?;
        // SAFETY: CPython passes `nargs` arguments, then one for each of `names`, a tuple or NULL, and keeps them
        // alive.
        unsafe {
            let table = op.cast::<HashTable>();
            if nargs == 1 {
                merge(table, *args)?;
            }
            if !names.is_null() {
                for at in 0..PyTuple_GET_SIZE(names) {
                    let (name, value) = (PyTuple_GET_ITEM(names, at), *args.offset(nargs + at));
                    alone(op, || changing(op, || set_item(table, name, value)))?;
                }
            }
            give(Py_NewRef(Py_None()))
        }
    })
}

/// Adds all pairs of `source` to the table. Can run any Python code.
///
/// # Safety
/// `table` and `source` are living objects that the caller keeps alive. The same holds for all functions here.
pub(crate) unsafe fn merge(table: *mut HashTable, source: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps both alive, which is all that a section on them and the merging ask for.
    unsafe { alone_with(table.cast(), source, || changing(table.cast(), || merge_alone(table, source))) }
}

/// The same, alone with both.
unsafe fn merge_alone(table: *mut HashTable, source: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps both alive; `keys` is ours until the DECREF.
    unsafe {
        // A subclass may iterate in a way of its own, so only what iterates as we do is read directly.
        if is_plain_hash_table(source) {
            return merge_table(table, source.cast());
        }
        if Py_IS_TYPE(source, &raw mut PyDict_Type) {
            return merge_dict(table, source);
        }
        match optional_attribute(source, c"keys")? {
            // [R12]
            Some(keys) => {
                let merged = merge_mapping(table, source, keys);
                Py_DECREF(keys);
                merged
            }
            None => merge_pairs(table, source),
        }
    }
}

/// Adds all pairs of another table, or of the same one.
unsafe fn merge_table(table: *mut HashTable, source: *mut HashTable) -> Result<(), Raised> {
    // SAFETY: key and value are borrowed from the source, owned from NewRef to DECREF. Between two pairs the source is
    // asked for its version before it is asked for anything else.
    unsafe {
        if fill_from_table(table, source)? {
            return Ok(());
        }
        let version = (*source).pairs.version();
        let mut position = 0;
        while let Some(at) = (*source).pairs.next_pair(position) {
            position = at + 1;
            let key = Py_NewRef((*source).pairs.key(at).borrowed());
            let value = Py_NewRef((*source).pairs.value(at).borrowed());
            let set = set_item(table, key, value);
            Py_DECREF(key); // [R12]
            Py_DECREF(value); // [R12]
            set?;
            if (*source).pairs.version() != version {
                return Err(runtime_error(c"HashTable mutated during update"));
            }
        }
        Ok(())
    }
}

/// Adds all pairs of a dict.
unsafe fn merge_dict(table: *mut HashTable, source: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: `PyDict_Next` lends key and value until Python code can run; they are owned from NewRef to DECREF. It
    // tolerates mutation of the dict, which is refused here all the same.
    unsafe {
        let size = PyDict_Size(source);
        let (mut position, mut key, mut value) = (0, core::ptr::null_mut(), core::ptr::null_mut());
        set_from_dict(table, source, &mut position)?;
        while PyDict_Next(source, &mut position, &mut key, &mut value) != 0 {
            let (key, value) = (Py_NewRef(key), Py_NewRef(value));
            let set = set_item(table, key, value);
            Py_DECREF(key); // [R12]
            Py_DECREF(value); // [R12]
            set?;
            if PyDict_Size(source) != size {
                return Err(runtime_error(c"dict mutated during update"));
            }
        }
        Ok(())
    }
}

/// Adds `source[key]` for each key that `keys()` yields. `keys` is a method bound to the source.
unsafe fn merge_mapping(table: *mut HashTable, source: *mut PyObject, keys: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: each key is ours until the DECREF, and so is its value. The iterable is given up as soon as there is an
    // iterator.
    unsafe {
        let iterable = new_reference(PyObject_CallNoArgs(keys))?; // [R12]
        let iterator = PyObject_GetIter(iterable);
        Py_DECREF(iterable);
        for_each(new_reference(iterator)?, |key| {
            let value = new_reference(PyObject_GetItem(source, key))?; // [R12]
            let set = set_item(table, key, value);
            Py_DECREF(value);
            set
        })
    }
}

/// Adds the pairs that an iterable yields, each of them an iterable of exactly two.
unsafe fn merge_pairs(table: *mut HashTable, source: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: an item of a list is borrowed from it until Python code can run; here it is owned from NewRef to DECREF.
    unsafe {
        let mut number = 0;
        if Py_IS_TYPE(source, &raw mut PyList_Type) {
            number = set_from_list(table, source)?;
            while (number as Py_ssize_t) < PyList_GET_SIZE(source) {
                let element = Py_NewRef(PyList_GET_ITEM(source, number as Py_ssize_t));
                let set = set_element(table, element, number);
                Py_DECREF(element); // [R12]
                set?;
                number += 1;
            }
            return Ok(());
        }
        for_each(new_reference(PyObject_GetIter(source))?, |element| {
            number += 1;
            set_element(table, element, number - 1)
        })
    }
}

/// Adds the pair that `element` is, the one of this number in its sequence: an iterable of exactly two.
unsafe fn set_element(table: *mut HashTable, element: *mut PyObject, number: usize) -> Result<(), Raised> {
    // SAFETY: key and value are borrowed from the tuple `pair`, which is ours until the DECREF and which nobody else
    // can change.
    unsafe {
        let pair = PySequence_Tuple(element); // [R12]
        if pair.is_null() {
            if PyErr_ExceptionMatches(PyExc_TypeError) != 0 {
                let message = c"cannot convert HashTable update sequence element #%zd to a sequence";
                PyErr_Format(PyExc_TypeError, message.as_ptr(), number);
            }
            return Err(Raised);
        }
        let length = PyTuple_GET_SIZE(pair);
        let set = if length == 2 {
            set_item(table, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1))
        } else {
            let message = c"HashTable update sequence element #%zd has length %zd; 2 is required";
            PyErr_Format(PyExc_ValueError, message.as_ptr(), number, length);
            Err(Raised)
        };
        Py_DECREF(pair);
        set
    }
}

/// `HashTable.fromkeys(iterable, value=None, /)`: calls the class without arguments and gives each key the value. A new
/// reference.
///
/// # Safety
/// Called by CPython, with the class.
pub(crate) unsafe extern "C" fn fromkeys(
    class: *mut PyObject,
    args: *mut *mut PyObject,
    nargs: Py_ssize_t,
) -> *mut PyObject {
    entry(|| {
        check_count(c"fromkeys", nargs, 1, 2)?;
        // SAFETY: there are one or two arguments. The new object is ours until it is returned or given back; what a
        // class of the user's returns need not be a table, nor one that sets its items as ours does.
        unsafe {
            let value = if nargs == 2 { *args.add(1) } else { Py_None() };
            let made = new_reference(PyObject_CallNoArgs(class))?; // [R18]
            let plain = is_plain_hash_table(made);
            let filled = new_reference(PyObject_GetIter(*args)).and_then(|iterator| {
                for_each(iterator, |key| {
                    if plain {
                        alone(made, || changing(made, || set_item(made.cast(), key, value)))
                    } else {
                        status(PyObject_SetItem(made, key, value)).map(|_| ())
                    }
                })
            });
            give(or_give_back(made, filled)?)
        }
    })
}
