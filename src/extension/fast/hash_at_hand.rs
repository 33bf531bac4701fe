//! The hash of a key that has it at hand.

use crate::ffi::*;
use crate::object::{HashTable, HashedBy};

/// The hash of a key that has it at hand: of an exact str or int, if the table hashes by the builtin `hash`. A str keeps its hash
/// in a field once it has been asked for. Runs no Python code.
///
/// # Safety
/// `table` and `key` are living objects.
#[inline(always)]
pub(crate) unsafe fn hash_at_hand(table: *mut HashTable, key: *mut PyObject) -> Option<i64> {
    // SAFETY: the caller has both alive, and each function is asked about objects of its type. An int always has a hash.
    unsafe {
        if cfg!(feature = "trace") || (*table).hashed_by != HashedBy::Builtin {
            return None;
        }
        if Py_IS_TYPE(key, &raw mut PyUnicode_Type) {
            hash_in_str(key)
        } else if Py_IS_TYPE(key, &raw mut PyLong_Type) {
            Some(hash_of_int(key))
        } else {
            None
        }
    }
}
