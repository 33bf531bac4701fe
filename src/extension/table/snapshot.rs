//! A table as it was at one moment: what `buckets()` and the long picture work from.
//!
//! Both make lists. Making a list allocates memory, which can start the garbage collector, which can run any code. So
//! they do not look into the table while they work, but at a copy of its pairs that owns references of its own.

use crate::errors::no_memory;
use crate::ffi::*;
use crate::object::HashTable;

/// One pair of a [`Snapshot`].
pub(crate) struct Copied {
    pub(crate) bucket: usize,
    /// None if the table keeps only half of it.
    pub(crate) hash: Option<i64>,
    /// Both are references owned by the snapshot.
    pub(crate) key: *mut PyObject,
    pub(crate) value: *mut PyObject,
}

/// All pairs of a table at one moment, bucket by bucket in chain order, each with references of its own.
///
/// A snapshot does not change while lists are made from it. Give it back with [`Snapshot::release`].
pub(crate) struct Snapshot {
    pub(crate) size: usize,
    pub(crate) pairs: Vec<Copied>,
}

impl Snapshot {
    /// Takes a reference to every key and value of the table. Runs no Python code.
    ///
    /// # Safety
    /// `table` is a living table.
    pub(crate) unsafe fn of(table: *mut HashTable) -> Result<Snapshot, Raised> {
        // SAFETY: the table is alive, and owns what lies in it. Taking references runs nothing, so it stays borrowed
        // and unchanged to the end.
        unsafe {
            let table = &(*table).pairs;
            let mut pairs = Vec::new();
            reserve(&mut pairs, table.load())?;
            for bucket in 0..table.size() {
                for at in table.chain(bucket) {
                    let (key, value) = (table.key(at).borrowed(), table.value(at).borrowed());
                    pairs.push(Copied { bucket, hash: table.hash(at), key: Py_NewRef(key), value: Py_NewRef(value) });
                }
            }
            Ok(Snapshot { size: table.size(), pairs })
        }
    }

    /// Gives all references back. Can run any Python code.
    ///
    /// # Safety
    /// The GIL is held.
    pub(crate) unsafe fn release(self) {
        for pair in self.pairs {
            // SAFETY: both are references that `of` took, and `self` is consumed: they are given back once.
            unsafe {
                Py_DECREF(pair.key); // [R7]
                Py_DECREF(pair.value); // [R7]
            }
        }
    }
}

/// Room for so many more in a `Vec` of ours, or `MemoryError`. Rust's own allocator cannot be made to fail, so the
/// traced build fails here.
#[track_caller]
fn reserve<T>(items: &mut Vec<T>, number: usize) -> Result<(), Raised> {
    if refused() {
        return Err(Raised);
    }
    match items.try_reserve_exact(number) {
        Ok(()) => Ok(()),
        Err(_) => Err(no_memory()),
    }
}
