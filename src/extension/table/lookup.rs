//! From a key and its hash to its place in the table, while anything may happen.
//!
//! Comparing two keys can run a `__eq__` written in Python, and that can do anything with this very table: add keys
//! until it grows, clear it, release the key that is being compared. So the walk along the chain (see the library's
//! `cursor.rs`) touches the table only between two comparisons, and relies on nothing that it knew before one:
//!
//! ```text
//! hash = hash of the key                                     any Python code
//! cursor = table.walk(hash)
//! for each candidate that table.step(cursor) finds:
//!     if it is the very same object as the key          -> found (as in dict, identity comes before equality)
//!     INCREF the candidate's key                           the table may release it during the comparison
//!     equal = candidate's key == key                       any Python code
//!     DECREF the candidate's key                           any Python code: this may have been the last reference
//!     if the comparison raised                          -> hand the exception on
//!     if the table's version is not the cursor's        -> walk again
//!     if equal                                          -> found
//! ```
//!
//! If the table was given another hash function meanwhile (`__init__` on a live table), the hash is void, and is
//! computed again. A table that changes during every comparison would keep the lookup going for ever, so the number of
//! restarts is limited.

use crate::announce;
use crate::errors::runtime_error;
use crate::fast::equality::{Place, equal_without_asking, look_up_without_asking, seldom};
use crate::fast::hash_at_hand::builtin_hash_at_hand;
use crate::ffi::*;
use crate::object::{HashTable, HashedBy};
use crate::table::hashing::{builtin_hash_of, hash_of};
use hashtable_core::mix::mix;
use hashtable_core::{MOST_RESTARTS, Step};

/// Looks `key` up. Can run any Python code.
///
/// # Errors
/// What the hash function and the comparisons raise; `RuntimeError` if the table never stops changing.
///
/// # Safety
/// `table` and `key` are living objects that the caller keeps alive.
#[inline(always)]
pub(crate) unsafe fn look_up(table: *mut HashTable, key: *mut PyObject) -> Result<Place, Raised> {
    // SAFETY: the caller keeps table and key alive, whatever runs. No Rust reference into the table is alive at any
    // call here: each access through the pointer ends with its expression, and what is kept are numbers. The hash is
    // only good as long as the table has the function that it comes from: a hash that is at hand is found without
    // running anything, and where `__hash__` may have run, the generation is compared before the hash is used.
    // `look_up_without_asking` runs nothing either, so the index that it returns is one of this moment.
    unsafe {
        // Each step is announced if anyone listens, and the quick ways have no steps.
        if announce::is_heard() {
            return look_up_asking(table, key);
        }
        let mut hash = match builtin_hash_at_hand(key) {
            Some(hash) => hash,
            None => {
                if !(*table).hashed_by.by_the_key() {
                    seldom();
                    return look_up_asking(table, key);
                }
                let generation = (*table).generation;
                let hash = builtin_hash_of(key)?;
                // What the table hashes by is looked at below, after `__hash__`, so no wrong hash could be used without this
                // test. It is here because the way through without it takes two instructions more (make bench-instructions).
                if (*table).generation != generation {
                    seldom();
                    return look_up_asking(table, key);
                }
                hash
            }
        };
        // The default compares one byte here, and what the others do lies apart from its way.
        if (*table).hashed_by != HashedBy::Builtin {
            seldom();
            if (*table).hashed_by != HashedBy::Mixed {
                return look_up_asking(table, key);
            }
            hash = mix(hash);
        }
        if let Some(place) = look_up_without_asking(table, key, hash) {
            return Ok(place);
        }
        seldom();
        look_up_comparing(table, key, hash, (*table).generation)
    }
}

/// The general way: the table's hash function is called for the hash and, where the hash does not decide, `__eq__` for
/// whether two keys are equal.
#[inline(never)]
unsafe fn look_up_asking(table: *mut HashTable, key: *mut PyObject) -> Result<Place, Raised> {
    // SAFETY: as in [`look_up`]: the two are kept by the caller, no borrow is alive while the hash function runs, and
    // its answer is used without asking only if the generation is still the one from before.
    unsafe {
        let generation = (*table).generation;
        let hash = hash_of(table, key)?;
        if (*table).generation == generation
            && let Some(place) = look_up_without_asking(table, key, hash)
        {
            return Ok(place);
        }
        look_up_comparing(table, key, hash, generation)
    }
}

/// The long way: calls `__eq__`, and starts over when the table has changed. `hash` is what the table's hash function
/// of that generation returned.
#[inline(never)]
unsafe fn look_up_comparing(
    table: *mut HashTable,
    key: *mut PyObject,
    mut hash: i64,
    mut generation: usize,
) -> Result<Place, Raised> {
    // SAFETY: as in [`look_up`]. Before each walk the generation is compared, so a walk never begins with a hash of
    // another function; during it, the version decides (see `walk`).
    unsafe {
        for _ in 0..=MOST_RESTARTS {
            if (*table).generation != generation {
                generation = (*table).generation;
                hash = hash_of(table, key)?;
                continue;
            }
            match walk(table, key, hash)? {
                Walked::Found(at) => return Ok(Place { hash, at: Some(at) }),
                Walked::ToTheEnd => return Ok(Place { hash, at: None }),
                Walked::Moved => {}
            }
        }
    }
    Err(runtime_error(c"HashTable kept changing during a lookup"))
}

/// How a walk along a chain ended.
enum Walked {
    /// At the key, whose pair is at this index.
    Found(usize),
    /// At the end of the chain: the key is not there.
    ToTheEnd,
    /// Before it had an answer, since the table changed.
    Moved,
}

/// Walks once along the chain of `hash`, comparing `key` with what could be it.
#[inline]
unsafe fn walk(table: *mut HashTable, key: *mut PyObject, hash: i64) -> Result<Walked, Raised> {
    // SAFETY: the caller keeps table and key alive. No Rust reference into the table lives during a comparison: a
    // cursor borrows nothing, and each access through the pointer ends with its line. `at` is used before the
    // comparison, and after it only if the version says that nothing has moved.
    unsafe {
        let mut cursor = (*table).pairs.walk(hash);
        loop {
            match (*table).pairs.step(&mut cursor) {
                Step::End => return Ok(Walked::ToTheEnd),
                Step::Moved => return Ok(Walked::Moved),
                Step::Candidate(at) => {
                    let candidate = (*table).pairs.key(at).borrowed();
                    if candidate == key {
                        announce!("it is the same object: found");
                        return Ok(Walked::Found(at));
                    }
                    let equal = equal_keys(candidate, key, (*table).typed)?;
                    // If the table changed, `at` means nothing any more, and the next step says so.
                    if equal && (*table).pairs.version() == cursor.version() {
                        announce!("found");
                        return Ok(Walked::Found(at));
                    }
                }
            }
        }
    }
}

/// Are two keys equal? Can run any Python code; holds a reference to `candidate`, which is borrowed from the table,
/// meanwhile.
unsafe fn equal_keys(candidate: *mut PyObject, key: *mut PyObject, typed: bool) -> Result<bool, Raised> {
    // SAFETY: `key` is kept alive by the caller of the lookup; `candidate` is alive now, as it lies in the table, and
    // from here to the DECREF because we own a reference.
    unsafe {
        let same_type = Py_TYPE(candidate) == Py_TYPE(key);
        if typed && !same_type && !may_be_equal(Kind::of(candidate), Kind::of(key)) {
            announce!("{} and {} are of different kinds", describe(candidate), describe(key));
            return Ok(false);
        }
        announce!("comparing {} with {}", describe(candidate), describe(key));
        if let Some(equal) = equal_without_asking(candidate, key) {
            announce!("they are {}", if equal { "equal" } else { "not equal" });
            return Ok(equal);
        }
        Py_INCREF(candidate);
        announce::flush();
        let equal = PyObject_RichCompareBool(candidate, key, Py_EQ); // [R3]
        Py_DECREF(candidate); // [R4]
        let equal = status(equal)? == 1;
        announce!("they are {}", if equal { "equal" } else { "not equal" });
        Ok(equal)
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
        // SAFETY: the caller has the key alive, so it has a type, and nobody is asked but that.
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
