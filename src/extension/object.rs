//! The object: what is in its memory, and how references get into it and out of it.
//!
//! ```text
//!   a HashTable in memory
//!   +--------------------+
//!   | ob_base            |  reference count and type, as every Python object begins
//!   | pairs              |  the library's table; owns one reference to each key and each value
//!   | hash_func          |  owned; never NULL
//!   | generation         |  how often hash_func was replaced
//!   | hashed_by, typed   |
//!   | weakreflist        |  for weak references, kept by CPython
//!   +--------------------+
//! ```

use crate::errors::no_memory;
use crate::ffi::*;
use core::mem::offset_of;
use core::ptr;
use hashtable_core::{Pairs, Table, prefetch};

/// The object struct of `hashtable.HashTable`.
#[repr(C)]
pub(crate) struct HashTable {
    ob_base: Head,
    /// Who reads the table, and whether somebody changes it. It stands here, as ffi/readers.rs knows no more of a table.
    #[cfg(Py_GIL_DISABLED)]
    pub(crate) readers: Readers,
    /// The pairs, with one reference to each key and each value. No Rust reference to it may live where Python code can
    /// run.
    pub(crate) pairs: Table<Stored, Stored>,
    /// Owned. Never NULL.
    pub(crate) hash_func: *mut PyObject,
    /// How often the table has been given another hash function; a hash from an earlier generation is void.
    pub(crate) generation: usize,
    /// What `hash_func` means.
    pub(crate) hashed_by: HashedBy,
    /// Are int, float and str told apart?
    pub(crate) typed: bool,
    /// The first of the weak references to this object.
    pub(crate) weakreflist: *mut PyObject,
    /// Keeps the next table out of our last cache line.
    #[cfg(any(Py_GIL_DISABLED, opaque))]
    _apart: [usize; APART],
}

// A processor moves memory in lines of 64 bytes, and a thread that writes into one takes the whole of it away from the others.
// Without the GIL to take the lock of a table is such a write, even if the table is only read. So two tables must have no line in
// common, or two threads with a table each wait for each other. CPython's allocator then puts an object of 256 bytes at a
// multiple of 256.
#[cfg(any(Py_GIL_DISABLED, opaque))]
const APART: usize = 6 - 2 * cfg!(Py_GIL_DISABLED) as usize;
#[cfg(any(Py_GIL_DISABLED, opaque))]
const _: () = assert!(size_of::<usize>() != 8 || size_of::<HashTable>() == 256);

/// How a table gets a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashedBy {
    /// `hash_func` is the builtin `hash`: `PyObject_Hash` does the same.
    Builtin,
    /// `hash_func` is `mixed_hash`: the builtin hash, mixed.
    Mixed,
    /// `hash_func` is `library_hash`: no need to go through Python.
    Library,
    /// Anything else is called.
    Call,
}

impl HashedBy {
    /// Does the hash come from the key itself, as `hash` tells it?
    pub(crate) fn by_the_key(self) -> bool {
        matches!(self, HashedBy::Builtin | HashedBy::Mixed)
    }

    /// How `stats` puts it.
    pub(crate) fn in_words(self) -> &'static core::ffi::CStr {
        match self {
            HashedBy::Builtin => c"hash",
            HashedBy::Mixed => c"mixed_hash",
            HashedBy::Library => c"library_hash",
            HashedBy::Call => c"call",
        }
    }
}

/// Where CPython finds the weak references.
pub(crate) const WEAKREFS_AT: Py_ssize_t = offset_of!(HashTable, weakreflist) as Py_ssize_t;
/// Where the attribute `hash_func` lies.
pub(crate) const HASH_FUNC_AT: Py_ssize_t = offset_of!(HashTable, hash_func) as Py_ssize_t;
/// Where the attribute `typed` lies.
pub(crate) const TYPED_AT: Py_ssize_t = offset_of!(HashTable, typed) as Py_ssize_t;

// ---- what a table owns ----------------------------------------------------------------------------------------------

/// Adds a pair whose key was just found not to be there. Borrows both: the table takes references of its own.
///
/// # Safety
/// Table, key and value are living objects that the caller keeps alive.
pub(crate) unsafe fn add(
    table: *mut HashTable,
    hash: i64,
    key: *mut PyObject,
    value: *mut PyObject,
) -> Result<(), Raised> {
    // SAFETY: the caller keeps all three alive. What can fail comes before the references are taken, and nothing runs
    // Python code.
    unsafe {
        let room = (*table).pairs.make_room().map_err(|_| no_memory())?;
        let key = Stored::store(Py_NewRef(key), table.cast());
        let value = Stored::store(Py_NewRef(value), table.cast());
        room.add(hash, key, value);
    }
    Ok(())
}

/// When all pairs of a table are walked through, the objects of a pair are prefetched this many pairs ahead.
const AHEAD: usize = 32;

/// Takes a reference to every key and value for `table`, whose arrays are, or will be, `pairs`: they were copied bit by
/// bit. Runs no Python code.
///
/// # Safety
/// All keys and values are alive, and so far somebody else owns them.
pub(crate) unsafe fn own_all(pairs: &Table<Stored, Stored>, table: *mut PyObject) {
    let mut ahead = pairs.iter().skip(AHEAD);
    for (key, value) in pairs.iter() {
        if let Some((key, value)) = ahead.next() {
            prefetch(key.borrowed());
            prefetch(value.borrowed());
        }
        // SAFETY: they are alive, says the caller, since somebody owns them: so their counts can be raised. From here
        // on the table owns them too.
        unsafe {
            Stored::store(Py_NewRef(key.borrowed()), table);
            Stored::store(Py_NewRef(value.borrowed()), table);
        }
    }
}

/// Exchanges the contents of two tables: pairs, hash function and kind. No reference is taken or given up.
///
/// # Safety
/// Both are living tables, and not the same one.
pub(crate) unsafe fn exchange(one: *mut HashTable, other: *mut HashTable) {
    // SAFETY: no reference into either lives, and nothing here runs Python code.
    unsafe {
        (*one).pairs.exchange(&mut (*other).pairs);
        Stored::exchanged(one.cast(), other.cast());
        swap_fields(&raw mut (*one).hash_func, &raw mut (*other).hash_func);
        (*one).generation += 1;
        (*other).generation += 1;
        ptr::swap(&raw mut (*one).hashed_by, &raw mut (*other).hashed_by);
        ptr::swap(&raw mut (*one).typed, &raw mut (*other).typed);
    }
}

/// Releases the references that `table` owned. Steals them all. Can run any Python code.
///
/// # Safety
/// The pairs have been taken out of the table.
pub(crate) unsafe fn release(pairs: Pairs<Stored, Stored>, table: *mut PyObject) {
    // They are all ours before the first one is released: the code that runs then may fill the table again, or exchange
    // it with another.
    for (key, value) in pairs.iter() {
        key.take(table);
        value.take(table);
    }
    for (key, value) in pairs {
        // SAFETY: the table owned both and no longer has them: they are ours, once.
        unsafe {
            Py_DECREF(key.taken()); // [R7]
            Py_DECREF(value.taken()); // [R7]
        }
    }
}
