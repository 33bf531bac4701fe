//! Copies: `h.copy()`, `copy.copy(h)`, `copy.deepcopy(h)`, `pickle`.
//!
//! `copy` duplicates the arrays and takes a reference to everything in them; no key is hashed and no two are compared.
//! The others take a table apart into a state, a tuple that `__reduce__` returns, and have `__setstate__` of an empty
//! table put it together again:
//!
//! ```text
//! (size it was made with, size now, max_load, hash_func, typed, [(key, value), ...],
//!  attributes or None, slots or None)
//! ```
//!
//! The last two are what a subclass has added: its `__dict__`, and a dict of what is in its `__slots__`.

use crate::errors::{entry, entry_alone, type_error};
use crate::ffi::*;
use crate::object::{HashTable, exchange};
use crate::slots::update::merge;
use crate::table::hashing::hashed_by;
use crate::table::making::{duplicate, empty, make};
use crate::views::iterators::{Direction, Yields, iterate};
use core::ptr::null_mut;

/// `h.copy()`: a new reference to a `HashTable` that is like this one in everything. (Of a subclass too it is a plain
/// `HashTable`, as with `dict`.)
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn copy(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a table, kept for the call: so also while the copy is allocated, which can run Python
    // code.
    entry_alone(op, || unsafe { give(duplicate(op.cast())?) })
}

/// `h.__reduce__()`: `(copyreg.__newobj__, (class,), state)`, a new reference.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn reduce(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: `op` is alive during the call, and so is its type. Each new reference is stolen by a tuple or given back.
    entry(|| unsafe {
        let copyreg = new_reference(PyImport_ImportModule(c"copyreg".as_ptr()))?; // [R19]
        let reduced = (|| {
            let state = state_of(op, copyreg)?;
            let class = Py_TYPE(op).cast::<PyObject>();
            let make = PyObject_GetAttrString(copyreg, c"__newobj__".as_ptr());
            tuple_of_stolen([make, received(PyTuple_Pack(1, class)), state])
        })();
        Py_DECREF(copyreg);
        give(reduced?)
    })
}

/// The state of a table, as the head of this file shows it: a new reference.
unsafe fn state_of(op: *mut PyObject, copyreg: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the object is kept for the call, `copyreg` by `reduce`. Making the list of pairs can run Python code, so
    // that comes first, and the fields are read after it. Each new reference is stolen by the tuple or given back.
    unsafe {
        let table = op.cast::<HashTable>();
        let items = alone(op, || iterate(table, Yields::Items, Direction::Forwards))?;
        let pairs = PySequence_List(items); // [R10]
        Py_DECREF(items);
        let pairs = new_reference(pairs)?;
        let extra = attributes_of(op).and_then(|attributes| match slots_of(op, copyreg) {
            Ok(slots) => Ok((attributes, slots)),
            Err(Raised) => {
                Py_DECREF(attributes);
                Err(Raised)
            }
        });
        let Ok((attributes, slots)) = extra else {
            Py_DECREF(pairs);
            return Err(Raised);
        };
        alone(op, || {
            tuple_of_stolen([
                PyLong_FromSsize_t((*table).pairs.initial_size() as Py_ssize_t),
                PyLong_FromSsize_t((*table).pairs.size() as Py_ssize_t),
                PyFloat_FromDouble((*table).pairs.max_load()),
                Py_NewRef((*table).hash_func),
                PyBool_FromLong((*table).typed.into()),
                pairs,
                attributes,
                slots,
            ])
        })
    }
}

/// What a subclass keeps in the object's `__dict__`: a new reference to it, or to None.
unsafe fn attributes_of(op: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the object is kept for the call that `reduce` is in, so also while a `__getattribute__` of its class
    // runs. What is found is a new reference, and None gets one, so the caller owns either. [R19]
    unsafe { Ok(optional_attribute(op, c"__dict__")?.unwrap_or_else(|| Py_NewRef(Py_None()))) }
}

/// What a subclass keeps in slots: a new reference to a dict of them, or to None if there are none.
unsafe fn slots_of(op: *mut PyObject, copyreg: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps both alive, and the object its type. Each new reference is given back, the dict is
    // returned or given back.
    unsafe {
        let slotnames = new_reference(PyObject_GetAttrString(copyreg, c"_slotnames".as_ptr()))?;
        let names = PyObject_CallOneArg(slotnames, Py_TYPE(op).cast());
        Py_DECREF(slotnames);
        let names = new_reference(names)?;
        let iterator = PyObject_GetIter(names);
        Py_DECREF(names);
        let iterator = new_reference(iterator)?;
        let slots = PyDict_New();
        if slots.is_null() {
            Py_DECREF(iterator);
            return Err(Raised);
        }
        let filled = for_each(iterator, |name| {
            // A slot that was never written is no attribute.
            // [R19]
            let Some(value) = optional_attribute_named(op, name)? else { return Ok(()) };
            let result = status(PyDict_SetItem(slots, name, value));
            Py_DECREF(value);
            result.map(|_| ())
        });
        if filled.is_ok() && PyDict_Size(slots) > 0 {
            return Ok(slots);
        }
        Py_DECREF(slots);
        filled.map(|()| Py_NewRef(Py_None()))
    }
}

/// `h.__setstate__(state)`: makes of the table what the state says. Returns None, a new reference; if it fails, the
/// table is as it was. Runs the hash function for every key.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn setstate(op: *mut PyObject, state: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps both alive, the state all that is parsed from it. The new table is built apart and ours
    // until the DECREF, with which, after the exchange, the old content goes.
    entry(|| unsafe {
        let (mut initial_size, mut size, mut max_load): (Py_ssize_t, Py_ssize_t, f64) = (0, 0, 0.0);
        let mut typed: c_int = 0;
        let [mut hash_func, mut pairs, mut attributes, mut slots] = [null_mut::<PyObject>(); 4];
        if PyTuple_Check(state) == 0 {
            return Err(type_error(c"__setstate__ takes a tuple, as __reduce__ makes it."));
        }
        // [R8]
        parsed(PyArg_ParseTuple(
            state,
            c"nndOpO!OO:__setstate__".as_ptr(),
            &raw mut initial_size,
            &raw mut size,
            &raw mut max_load,
            &raw mut hash_func,
            &raw mut typed,
            &raw mut PyList_Type,
            &raw mut pairs,
            &raw mut attributes,
            &raw mut slots,
        ))?;
        let sizes_fit = 1 <= initial_size && initial_size <= size;
        if !(sizes_fit && max_load > 0.0 && max_load <= 1.0) || PyCallable_Check(hash_func) == 0 {
            return Err(type_error(c"__setstate__ takes a tuple, as __reduce__ makes it."));
        }
        let pairs_to_be = empty(initial_size as usize, size as usize, max_load, hashed_by(hash_func))?;
        let made = make(op, pairs_to_be, hash_func, typed != 0)?;
        let restored = merge(made.cast(), pairs).and_then(|()| restore_attributes(op, attributes, slots));
        if restored.is_ok() {
            alone_with(op, made, || changing(op, || changing(made, || exchange(op.cast(), made.cast()))));
        }
        Py_DECREF(made); // [R7]
        restored?;
        give(Py_NewRef(Py_None()))
    })
}

/// Gives the object of a subclass its attributes and slots back. Each may be None.
unsafe fn restore_attributes(op: *mut PyObject, attributes: *mut PyObject, slots: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps all three alive. `PyDict_Next` lends name and value; they are owned while the attribute
    // is set.
    unsafe {
        if attributes != Py_None() {
            let own = new_reference(PyObject_GetAttrString(op, c"__dict__".as_ptr()))?;
            let result = status(PyDict_Update(own, attributes));
            Py_DECREF(own);
            result?;
        }
        if PyDict_Check(slots) == 0 {
            return Ok(());
        }
        alone(slots, || {
            let (mut position, mut name, mut value) = (0, null_mut(), null_mut());
            while PyDict_Next(slots, &mut position, &mut name, &mut value) != 0 {
                let (name, value) = (Py_NewRef(name), Py_NewRef(value));
                let result = status(PyObject_SetAttr(op, name, value)); // [R19]
                Py_DECREF(name);
                Py_DECREF(value);
                result?;
            }
            Ok(())
        })
    }
}
