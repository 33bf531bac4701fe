//! Keys that have their hash at hand.

use crate::announce::is_heard;
use crate::ffi::*;
use crate::object::{HashTable, HashedBy};
use hashtable_core::mix::mix;

/// The hash of a key that has it at hand: of an exact str or int, if the table hashes by the builtin `hash` or mixes
/// that. A str keeps its hash in a field once it has been asked for. Runs no Python code.
///
/// # Safety
/// `table` and `key` are living objects.
#[inline(always)]
pub(crate) unsafe fn hash_at_hand(table: *mut HashTable, key: *mut PyObject) -> Option<i64> {
    // SAFETY: the caller keeps both alive; the table is only read.
    unsafe {
        if is_heard() {
            return None;
        }
        match (*table).hashed_by {
            HashedBy::Builtin => builtin_hash_at_hand(key),
            HashedBy::Mixed => builtin_hash_at_hand(key).map(mix),
            _ => None,
        }
    }
}

/// The builtin hash of an exact int, or of an exact str that has been asked for it. Runs no Python code.
///
/// # Safety
/// `key` is a living object.
#[inline(always)]
pub(crate) unsafe fn builtin_hash_at_hand(key: *mut PyObject) -> Option<i64> {
    // SAFETY: the key is alive, and each function is asked about objects of its type. An int always has a hash.
    unsafe {
        if Py_IS_TYPE(key, &raw mut PyUnicode_Type) {
            hash_in_str(key)
        } else if Py_IS_TYPE(key, &raw mut PyLong_Type) {
            Some(hash_of_int(key))
        } else {
            None
        }
    }
}
