//! Many pairs put into a table without running Python code for any of them.

use crate::errors::{no_memory, runtime_error};
use crate::fast::batch::{BATCH, Batch};
use crate::fast::hash_at_hand::hash_at_hand;
use crate::ffi::*;
use crate::object::{HashTable, HashedBy, add, own_all};
use hashtable_core::prefetch;

/// Copies all pairs of another table if this one is empty and no key needs a lookup. Returns whether it did. Runs no
/// Python code.
///
/// # Safety
/// Both are living tables that the caller keeps alive. The same holds for all functions here.
pub(crate) unsafe fn fill_from_table(table: *mut HashTable, source: *mut HashTable) -> Result<bool, Raised> {
    // SAFETY: two living tables, and not the same one where both are borrowed at once: that is asked before
    // `append_all`. Between the copying of the pointers and the taking of the references nothing runs, so for no moment
    // could anybody give up a reference that is not there yet.
    unsafe {
        // The keys of a table differ from one another, by this table's rules too if they are the same and call no
        // function of the user's. So nothing that comes into an empty table needs a lookup.
        let same_rules = (*table).typed == (*source).typed && (*table).hashed_by == (*source).hashed_by;
        let known = (*table).hashed_by != HashedBy::Call;
        let hashes_suffice = (*source).pairs.keeps_whole_hashes() || !(*table).pairs.keeps_whole_hashes();
        if (*table).pairs.load() == 0 && same_rules && known && hashes_suffice && table != source {
            (*table).pairs.append_all(&(*source).pairs).map_err(|_| no_memory())?;
            own_all(&(*table).pairs, table.cast());
            return Ok(true);
        }
        Ok(false)
    }
}

/// Adds the pairs of a dict, from `position` up to the first for which Python code must decide, and moves `position` to
/// that one. Can run any Python code, when a value is overwritten.
///
/// # Errors
/// `RuntimeError` if the dict has changed its size; `MemoryError`.
pub(crate) unsafe fn set_from_dict(
    table: *mut HashTable,
    source: *mut PyObject,
    position: &mut Py_ssize_t,
) -> Result<(), Raised> {
    // SAFETY: the dict is alive, and lends its pairs until Python code runs. That can only happen at the very end of
    // `set_all`, after which the batch is not looked at again: it is filled anew, from a dict whose size has been
    // compared.
    unsafe {
        let size = PyDict_Size(source);
        let (mut key, mut value) = (core::ptr::null_mut(), core::ptr::null_mut());
        if (*table).pairs.load() == 0 && (*table).hashed_by.by_the_key() {
            fill_from_dict(table, source, position)?;
        }
        let mut batch = Batch::default();
        loop {
            let mut behind_batch = *position;
            batch.refill_from_dict(source, &mut behind_batch);
            let Progress { set, asks } = set_all(table, &batch)?;
            for _ in 0..set {
                PyDict_Next(source, position, &mut key, &mut value);
            }
            if PyDict_Size(source) != size {
                return Err(runtime_error(c"dict mutated during update"));
            }
            if asks || set == 0 {
                return Ok(());
            }
        }
    }
}

/// Copies the pairs of a dict into an empty table, up to the first whose hash is not at hand, and moves `position`
/// behind them. The keys of a dict differ from one another, by our rules too, so nothing is looked up. Runs no Python
/// code.
unsafe fn fill_from_dict(
    table: *mut HashTable,
    source: *mut PyObject,
    position: &mut Py_ssize_t,
) -> Result<(), Raised> {
    let (op, mut batch, mut taken, mut behind_batch) = (table.cast(), Batch::default(), 0, *position);
    // SAFETY: the dict is alive and, as no Python code runs, unchanged: what `PyDict_Next` lent is alive. While `fill`
    // has the only Rust reference to the table's pairs, the closure that it calls reads only `hashed_by`, a field
    // beside them.
    unsafe {
        let next_pair = || {
            if taken == batch.pairs().len() {
                (*position, taken) = (behind_batch, 0);
                batch.refill_from_dict(source, &mut behind_batch);
            }
            let &(key, value) = batch.pairs().get(taken)?;
            let hash = hash_at_hand(table, key)?;
            taken += 1;
            Some((hash, Stored::store(Py_NewRef(key), op), Stored::store(Py_NewRef(value), op)))
        };
        let filled = (*table).pairs.fill(PyDict_Size(source) as usize, core::iter::from_fn(next_pair));
        let (mut key, mut value) = (core::ptr::null_mut(), core::ptr::null_mut());
        for _ in 0..taken {
            PyDict_Next(source, position, &mut key, &mut value);
        }
        filled.map_err(|_| no_memory())
    }
}

/// How far [`set_all`] came.
struct Progress {
    /// How many pairs it has set.
    set: usize,
    /// Must Python code decide about the next one?
    asks: bool,
}

/// Sets the pairs of the batch in the table, up to the first for which Python code must decide, or which overwrites a
/// value whose deallocation may run Python code. That value is released last. So nobody can tell that the pairs come in
/// batches: the code that runs then finds in the table what came before, and nothing of what comes after.
unsafe fn set_all(table: *mut HashTable, batch: &Batch) -> Result<Progress, Raised> {
    let op = table.cast::<PyObject>();
    let mut old_value = core::ptr::null_mut();
    let mut released = Released::<BATCH>::none();
    let (mut set, mut out_of_memory) = (0, false);
    // SAFETY: the batch is alive, says the caller, until Python code runs, and none does before the last DECREF: an old
    // value that could run some is kept until then, and nothing is looked up after it. So each index is used in the
    // state of the table in which it was found. The table takes references of its own before it gives up those that it
    // had.
    unsafe {
        batch.look_up_all(table, |key, value, place| {
            let Some(at) = place.at else {
                out_of_memory = add(table, place.hash, key, value).is_err();
                set += usize::from(!out_of_memory);
                return !out_of_memory;
            };
            let old = (*table).pairs.replace_value(at, Stored::store(Py_NewRef(value), op)).take(op);
            set += 1;
            if !dealloc_runs_no_python(old) {
                old_value = old;
                return false;
            }
            released.put(old);
            true
        });
        let asks = old_value.is_null() && set < batch.pairs().len();
        released.release();
        Py_XDECREF(old_value); // [R5]
        if out_of_memory { Err(Raised) } else { Ok(Progress { set, asks }) }
    }
}

/// Adds the pairs of a list, from the first up to one for which Python code must decide. Returns how many those were.
pub(crate) unsafe fn set_from_list(table: *mut HashTable, list: *mut PyObject) -> Result<usize, Raised> {
    let mut batch = Batch::default();
    let mut position = 0;
    // SAFETY: the caller keeps the list alive, the list its tuples and the tuples their items, as long as no Python
    // code runs. Some can, in `set_all`; when it has, the tuples are read anew from a list whose length is asked for
    // again.
    unsafe {
        loop {
            batch.clear();
            let mut tuples = [core::ptr::null_mut(); BATCH];
            let left = (PyList_GET_SIZE(list) as usize).saturating_sub(position).min(BATCH);
            for (ahead, tuple) in tuples[..left].iter_mut().enumerate() {
                *tuple = PyList_GET_ITEM(list, (position + ahead) as Py_ssize_t);
                prefetch(*tuple);
            }
            for &tuple in &tuples[..left] {
                if !Py_IS_TYPE(tuple, &raw mut PyTuple_Type) || PyTuple_GET_SIZE(tuple) != 2 {
                    break;
                }
                batch.put(PyTuple_GET_ITEM(tuple, 0), PyTuple_GET_ITEM(tuple, 1));
            }
            let Progress { set, asks } = set_all(table, &batch)?;
            position += set;
            // Otherwise there is a next batch, or a value was released and everything must be read again.
            if asks || set == batch.pairs().len() && set < BATCH {
                return Ok(position);
            }
        }
    }
}
