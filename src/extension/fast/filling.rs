//! Many pairs put into a table, where nobody need be asked about them.

use crate::errors::{no_memory, runtime_error};
use crate::fast::batch::{BATCH, Batch};
use crate::fast::hash_at_hand::hash_at_hand;
use crate::ffi::*;
use crate::object::{HashTable, HashedBy, add, own_all};
use hashtable_core::prefetch;

/// Copies all pairs of another table, if this one is empty and none of them need be looked up. Tells whether it did. Runs no Python
/// code.
///
/// # Safety
/// Both are living tables that the caller keeps alive. So it is for all functions here.
pub(crate) unsafe fn fill_from_table(table: *mut HashTable, source: *mut HashTable) -> Result<bool, Raised> {
    // SAFETY: the caller keeps both alive. Nothing runs between the copying of the pointers and the taking of the references.
    unsafe {
        // The keys of a table differ from one another, by this table's rules too if they are the same and call no function of the
        // user's. So what comes into an empty table need not be looked up.
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

/// Adds the pairs of a dict, from `position` up to one that Python must be asked about, and moves `position` to that one. Can run any
/// Python code, when a value is overwritten.
///
/// # Errors
/// `RuntimeError` if the dict has changed its size; `MemoryError`.
pub(crate) unsafe fn set_from_dict(
    table: *mut HashTable,
    source: *mut PyObject,
    position: &mut Py_ssize_t,
) -> Result<(), Raised> {
    // SAFETY: `PyDict_Next` lends key and value until Python code can run, which is when `set_all` gives up its last value; then the
    // batch is filled anew.
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

/// Moves the pairs of a dict into an empty table, up to the first whose hash is not at hand, and moves `position` behind them. The keys
/// of a dict differ from one another, by our rules too: nothing is looked up. Runs no Python code.
unsafe fn fill_from_dict(
    table: *mut HashTable,
    source: *mut PyObject,
    position: &mut Py_ssize_t,
) -> Result<(), Raised> {
    let (op, mut batch, mut taken, mut behind_batch) = (table.cast(), Batch::default(), 0, *position);
    // SAFETY: the caller keeps both alive. No Python code runs, so the dict does not change, and keeps alive what `PyDict_Next` lends.
    // `fill` has the table's pairs meanwhile; nothing else of the table is touched.
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
    /// Must Python be asked about the next one?
    asks: bool,
}

/// Sets the pairs of the batch in the table, up to the first for which Python would have to be asked, or which overwrites a value that
/// runs Python code as it goes. That value goes last. So nobody can tell that there are many on their way: whatever runs then finds
/// in the table what came before, and nothing of what comes behind.
unsafe fn set_all(table: *mut HashTable, batch: &Batch) -> Result<Progress, Raised> {
    let op = table.cast::<PyObject>();
    let mut old_value = core::ptr::null_mut();
    let (mut set, mut out_of_memory) = (0, false);
    // SAFETY: the caller keeps the table alive, and with it what was put into the batch. No Python code runs before the last DECREF, so what
    // a lookup says holds until it is used. The table takes references of its own; an old value is ours until it is given back.
    unsafe {
        batch.look_up_all(table, |key, value, place| {
            let Some(at) = place.at else {
                out_of_memory = add(table, place.hash, key, value).is_err();
                set += usize::from(!out_of_memory);
                return !out_of_memory;
            };
            let old = (*table).pairs.replace_value(at, Stored::store(Py_NewRef(value), op)).take(op);
            set += 1;
            if !goes_quietly(old) {
                old_value = old;
                return false;
            }
            Py_DECREF(old);
            true
        });
        let asks = old_value.is_null() && set < batch.pairs().len();
        Py_XDECREF(old_value); // [R5]
        if out_of_memory { Err(Raised) } else { Ok(Progress { set, asks }) }
    }
}

/// Adds the pairs of a list, from the first up to one that Python must be asked about. Returns how many those were.
pub(crate) unsafe fn set_from_list(table: *mut HashTable, list: *mut PyObject) -> Result<usize, Raised> {
    let mut batch = Batch::default();
    let mut position = 0;
    // SAFETY: the list keeps its tuples alive, and they their items, as long as no Python code runs; when it has, all is read anew.
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
            // Else there is a next one, or a value has gone and all must be read anew.
            if asks || set == batch.pairs().len() && set < BATCH {
                return Ok(position);
            }
        }
    }
}
