//! Tables that the extension makes by itself, without a call of the class: copies, and what `|` and `__setstate__`
//! need.

use crate::errors::no_memory;
use crate::ffi::*;
use crate::object::{HashTable, HashedBy, own_all};
use crate::table::hashing::hashed_by;
use crate::type_object::hash_table_type;
use core::ptr;
use hashtable_core::Table;

/// Empty arrays for a table: made with `initial_size` buckets, and has `size` of them now.
///
/// A hash that can be asked for again at any time, and that is the same for all keys that are equal, need not be kept
/// whole. The two functions that are known answer so, a function of the user's may not.
pub(crate) fn empty(
    initial_size: usize,
    size: usize,
    max_load: f64,
    hashed_by: HashedBy,
) -> Result<Table<Stored, Stored>, Raised> {
    let pairs = Table::new_grown(initial_size, size, max_load).map_err(|_| no_memory())?;
    Ok(if hashed_by == HashedBy::Call { pairs } else { pairs.with_half_hashes() })
}

/// A new plain `HashTable` around this table, which is still empty: a new reference. Borrows `hash_func`, and `near`, from
/// which the type is found.
///
/// # Safety
/// `near` is a living table, `hash_func` a living callable.
pub(crate) unsafe fn make(
    near: *mut PyObject,
    empty: Table<Stored, Stored>,
    hash_func: *mut PyObject,
    typed: bool,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: the type is ready and made for this struct, and every field is written before anything can look at it, as
    // in `tp_new`. Allocating can run Python code, during which the function is kept by the reference taken first.
    unsafe {
        let class = hash_table_type(near)?;
        let hash_func = Py_NewRef(hash_func);
        let op = allocate(class); // [R10]
        if op.is_null() {
            Py_DECREF(hash_func);
            return Err(Raised);
        }
        let table = op.cast::<HashTable>();
        (&raw mut (*table).pairs).write(empty);
        fill_field(&raw mut (*table).hash_func, hash_func);
        (*table).generation = 0;
        (*table).hashed_by = hashed_by(hash_func);
        (*table).typed = typed;
        (*table).weakreflist = ptr::null_mut();
        Ok(op)
    }
}

/// An empty table with the parameters of `table`: a new reference.
///
/// # Safety
/// `table` is a living table that the caller keeps alive.
pub(crate) unsafe fn like(table: *mut HashTable) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps the table alive. Everything is read from it before `make` allocates, which is the first
    // that can run anything.
    unsafe {
        let size = (*table).pairs.initial_size();
        let pairs = empty(size, size, (*table).pairs.max_load(), (*table).hashed_by)?;
        make(table.cast(), pairs, (*table).hash_func, (*table).typed)
    }
}

/// A copy of `table`: a new reference.
///
/// # Safety
/// `table` is a living table that the caller keeps alive.
pub(crate) unsafe fn duplicate(table: *mut HashTable) -> Result<*mut PyObject, Raised> {
    // SAFETY: the object is made first, as that can run Python code. Nothing does between the copying of the pointers
    // and the taking of the references; from then on the copy owns them.
    unsafe {
        let empty = Table::new(1, (*table).pairs.max_load()).map_err(|_| no_memory())?;
        let op = make(table.cast(), empty, (*table).hash_func, (*table).typed)?;
        let copied = (*table).pairs.duplicate().map_err(|_| no_memory());
        or_give_back(
            op,
            copied.map(|mut pairs| {
                own_all(&pairs, op);
                (*op.cast::<HashTable>()).pairs.exchange(&mut pairs);
            }),
        )
    }
}
