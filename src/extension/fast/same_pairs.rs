//! Whether tables are equal, as far as that shows without running Python code.

use crate::fast::batch::{BATCH, Batch};
use crate::ffi::*;
use crate::object::{HashTable, HashedBy};

/// Are two tables of equal load certainly equal, since they hash alike and have the very same objects? Runs no Python
/// code.
///
/// # Safety
/// Both are living tables that the caller keeps alive. The same holds for all functions here.
pub(crate) unsafe fn same_content(one: *mut HashTable, other: *mut HashTable) -> bool {
    // SAFETY: both are living tables, says the caller, and of equal load, which `same_objects` asks for.
    unsafe { hashed_alike_by_builtins(one, other) && same_objects(one, other) }
}

/// Do both tables hash by the same function, one that needs no call to say that an object has the same hash as itself?
unsafe fn hashed_alike_by_builtins(one: *mut HashTable, other: *mut HashTable) -> bool {
    // SAFETY: two fields of living structs are read, and no reference is made to either.
    unsafe { (*one).hashed_by == (*other).hashed_by && (*one).hashed_by != HashedBy::Call }
}

/// Have two tables of equal load the very same keys and values in the same order, as a table and its copy have? An
/// object is equal to itself, as in all of Python's containers, so `==` is not called.
unsafe fn same_objects(one: *mut HashTable, other: *mut HashTable) -> bool {
    // SAFETY: both are living tables. They are borrowed for the length of the walk, and comparing pointers runs nothing
    // that could reach them.
    unsafe {
        let same = |one: Stored, other: Stored| one.borrowed() == other.borrowed();
        (*one)
            .pairs
            .iter()
            .zip((*other).pairs.iter())
            .all(|(one, other)| same(*one.0, *other.0) && same(*one.1, *other.1))
    }
}

/// How many pairs at the front of `walked` are in `asked` too, with the very same value, as far as that shows without
/// running Python code. Returns the position behind the last such pair.
pub(crate) unsafe fn position_behind_same_pairs(walked: *mut HashTable, asked: *mut HashTable) -> usize {
    let mut batch = Batch::default();
    let mut position = 0;
    // SAFETY: both are living tables. Nothing here runs Python code, so neither changes: the pairs in the batch stay
    // alive, and every position and index stays good.
    unsafe {
        loop {
            let mut places = [position; BATCH + 1];
            batch.clear();
            while batch.has_room() {
                let number = batch.pairs().len();
                let Some((at, key, value)) = (*walked).pairs.pair_from(places[number]) else { break };
                batch.put(key.borrowed(), value.borrowed());
                places[number + 1] = at + 1;
            }
            let same = batch.look_up_all(asked, |_, value, place| {
                place.at.is_some_and(|at| (*asked).pairs.value(at).borrowed() == value)
            });
            position = places[same];
            if same < BATCH {
                return position;
            }
        }
    }
}
