//! Keys that can be compared without running Python code, and a lookup that goes as far as that.

use crate::announce::is_heard;
use crate::ffi::*;
use crate::object::HashTable;

/// The result of a lookup.
pub(crate) struct Place {
    /// The hash of the key.
    pub(crate) hash: i64,
    /// The index of its pair, or None if it is not there. Good until Python code can run.
    pub(crate) at: Option<usize>,
}

/// The quick way, in which no Python code can run. None if only Python code can decide.
///
/// ```text
/// candidate = first in the chain whose hash is that of the key
/// none                                                  -> not in the table
/// the very same object as the key                       -> found
/// both exactly str, or exactly int, and equal           -> found
/// both exactly str, or exactly int, and not equal       -> the same with the next candidate
/// anything else                                         -> Python must be asked
/// ```
///
/// # Safety
/// `table` and `key` are living objects.
#[inline(always)]
pub(crate) unsafe fn look_up_without_asking(table: *mut HashTable, key: *mut PyObject, hash: i64) -> Option<Place> {
    if is_heard() {
        return None;
    }
    // SAFETY: the caller has table and key alive. The candidate is owned by the table, and nothing that could take it
    // out runs before the last use of it: what decides here looks at memory and calls nobody. `at` was found in this
    // very state of the table.
    unsafe {
        let Some(at) = (*table).pairs.first_candidate(hash) else { return Some(Place { hash, at: None }) };
        let candidate = (*table).pairs.key(at).borrowed();
        if candidate == key {
            return Some(Place { hash, at: Some(at) });
        }
        seldom();
        if equal_without_asking(candidate, key)? {
            return Some(Place { hash, at: Some(at) });
        }
        look_further(table, key, hash, at).map(|at| Place { hash, at })
    }
}

/// The same from the candidate on that comes behind this one. Returns only the index of the pair: that fits into registers, and
/// so costs those nothing who do not come here.
///
/// Two different keys of the same hash are rare. But half a hash, which is all that most tables keep, is the same for some two
/// among a hundred thousand strs.
///
/// # Safety
/// `table` and `key` are living objects, and `at` is the index of a candidate.
#[cold]
#[inline(never)]
unsafe fn look_further(table: *mut HashTable, key: *mut PyObject, hash: i64, mut at: usize) -> Option<Option<usize>> {
    // SAFETY: as above. Nothing that runs here changes the table, so an index stays good for as long as the walk.
    unsafe {
        while let Some(next) = (*table).pairs.next_candidate(at, hash) {
            at = next;
            let candidate = (*table).pairs.key(at).borrowed();
            if candidate == key || equal_without_asking(candidate, key)? {
                return Some(Some(at));
            }
        }
    }
    Some(None)
}

/// Are they equal? None if only Python code can decide. Two exact ints or two exact strs are compared here; all else is
/// for `==` to decide.
///
/// # Safety
/// Both are living objects.
#[inline(never)]
pub(crate) unsafe fn equal_without_asking(one: *mut PyObject, other: *mut PyObject) -> Option<bool> {
    // SAFETY: the caller has both alive. The two have the same type, and each branch asks which one before it calls a
    // function of that type.
    unsafe {
        if Py_TYPE(one) != Py_TYPE(other) {
            return None;
        }
        if Py_IS_TYPE(one, &raw mut PyUnicode_Type) {
            equal_strs(one, other)
        } else if Py_IS_TYPE(one, &raw mut PyLong_Type) {
            if let (Some(value), Some(other_value)) = (small_int(one), small_int(other)) {
                return Some(value == other_value);
            }
            let (mut too_long, mut other_too_long) = (0, 0);
            let value = PyLong_AsLongLongAndOverflow(one, &mut too_long);
            let other_value = PyLong_AsLongLongAndOverflow(other, &mut other_too_long);
            // Too long for 64 bits, both of them: only then the values say nothing.
            if too_long != 0 && too_long == other_too_long {
                return None;
            }
            Some(too_long == other_too_long && value == other_value)
        } else {
            None
        }
    }
}

/// Says that the branch in which it is called is seldom taken. The compiler then puts the instructions of that branch
/// apart, and gives the registers to the others. Does nothing at run time.
#[cold]
#[inline]
pub(crate) fn seldom() {}
