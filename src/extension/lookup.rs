//! From a key and its hash to its place in the table, while anything may happen.
//!
//! Comparing two keys can run a `__eq__` written in Python, and that can do anything with this very table: add keys until it
//! grows, clear it, let go of the key that is being compared. So the walk along the chain (see the library's `cursor.rs`)
//! touches the table only between two comparisons, and believes nothing it knew from before one:
//!
//! ```text
//! cursor = table.walk(hash)
//! for each candidate that table.step(cursor) comes upon:
//!     if it is the very same object as the key          -> found (as in dict, identity comes before equality)
//!     INCREF the candidate's key                           the table may let go of it during the comparison
//!     equal = candidate's key == key                       any Python code
//!     DECREF the candidate's key                           any Python code: this may have been the last reference
//!     if the comparison raised                          -> hand the exception on
//!     if the table's version is not the cursor's        -> start again from the first line
//!     if equal                                          -> found
//! ```
//!
//! A table that changes during every comparison would keep us here for ever, so the walk is started again only so many times.

use crate::announce;
use crate::errors::{Raised, runtime_error, status};
use crate::ffi::*;
use crate::object::HashTable;
use hashtable_core::Step;

/// How often a lookup begins anew because the table changed under it. A table that is merely busy settles long before.
const MOST_RESTARTS: usize = 1000;

/// Looks `key` up: the index of its pair, or None if it is not there. The index is good until Python code can run.
///
/// # Errors
/// What a comparison raises; `RuntimeError` if every comparison changes the table.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive.
#[inline]
pub(crate) unsafe fn find(table: *mut HashTable, key: *mut PyObject, hash: i64) -> Result<Option<usize>, Raised> {
    for _ in 0..=MOST_RESTARTS {
        // SAFETY: the caller keeps both alive. No reference into the table lives during a comparison, since a cursor
        // borrows nothing and each access through the pointer ends with its line.
        unsafe {
            let mut cursor = (*table).pairs.walk(hash);
            loop {
                match (*table).pairs.step(&mut cursor) {
                    Step::End => return Ok(None),
                    Step::Moved => break,
                    Step::Candidate(at) => {
                        let candidate = (*table).pairs.key(at).borrowed();
                        if candidate == key {
                            announce!("it is the same object: found");
                            return Ok(Some(at));
                        }
                        let equal = equal_keys(candidate, key, (*table).typed)?;
                        if equal && (*table).pairs.version() == cursor.version() {
                            announce!("the keys are equal: found");
                            return Ok(Some(at));
                        }
                    }
                }
            }
        }
    }
    Err(runtime_error(c"HashTable changed during every comparison of a lookup"))
}

/// Are two keys equal? Can run any Python code; holds a reference to `candidate`, which is borrowed from the table, meanwhile.
unsafe fn equal_keys(candidate: *mut PyObject, key: *mut PyObject, typed: bool) -> Result<bool, Raised> {
    // SAFETY: `key` is kept alive by the caller of the lookup; `candidate` is alive now, as it lies in the table, and from here
    // to the DECREF because we own a reference.
    unsafe {
        if typed && !may_be_equal(Kind::of(candidate), Kind::of(key)) {
            announce!("{} and {} are of different kinds", describe(candidate), describe(key));
            return Ok(false);
        }
        announce!("comparing {} with {}", describe(candidate), describe(key));
        announce::flush();
        Py_INCREF(candidate);
        let equal = PyObject_RichCompareBool(candidate, key, Py_EQ);
        Py_DECREF(candidate);
        Ok(status(equal)? == 1)
    }
}

/// The kinds of key that a typed table tells apart. A subclass is of the kind of its base, so `True` is the int 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Str,
    Other,
}

impl Kind {
    unsafe fn of(key: *mut PyObject) -> Kind {
        // SAFETY: the caller has the key alive.
        unsafe {
            if PyLong_Check(key) != 0 {
                Kind::Int
            } else if PyUnicode_Check(key) != 0 {
                Kind::Str
            } else if PyFloat_Check(key) != 0 {
                Kind::Float
            } else {
                Kind::Other
            }
        }
    }
}

/// Can keys of these two kinds be equal in a typed table? Everything that is not int, float or str is left to `==`.
fn may_be_equal(one: Kind, other: Kind) -> bool {
    one == other || one == Kind::Other || other == Kind::Other
}
