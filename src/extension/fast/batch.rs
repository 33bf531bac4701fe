//! Many lookups at once.
//!
//! A lookup misses the cache up to three times: for the key, for its bucket, and for the pair that is there. The
//! processor can wait for many things at once if it is told of them early enough. So many keys are gathered in a batch,
//! and each step is done for the whole batch before the next begins:
//!
//! ```text
//! put pairs into the batch                              prefetch each key and each value
//! for each pair: hash = the one its key has at hand     prefetch the bucket
//! for each pair                                         prefetch the first pair in the bucket's chain
//! for each pair: look the key up                        by now all of it is there
//! ```
//!
//! It works as long as Python code decides nothing, neither a hash nor `==`. The first pair for which it must, and all
//! behind it, are left to the caller.

use crate::fast::equality::{Place, look_up_without_asking};
use crate::fast::hash_at_hand::hash_at_hand;
use crate::ffi::*;
use crate::object::HashTable;
use hashtable_core::prefetch;

/// How many pairs are on their way at once.
pub(crate) const BATCH: usize = 32;

/// Pairs of a key and a value, all borrowed.
pub(crate) struct Batch {
    pairs: [(*mut PyObject, *mut PyObject); BATCH],
    length: usize,
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { pairs: [(core::ptr::null_mut(), core::ptr::null_mut()); BATCH], length: 0 }
    }
}

impl Batch {
    pub(crate) fn has_room(&self) -> bool {
        self.length < BATCH
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// What was put into it. It borrows them: the code that put them in knows how long they live.
    pub(crate) fn pairs(&self) -> &[(*mut PyObject, *mut PyObject)] {
        &self.pairs[..self.length]
    }

    /// Borrows both.
    ///
    /// # Panics
    /// If there is no room.
    pub(crate) fn put(&mut self, key: *mut PyObject, value: *mut PyObject) {
        prefetch(key);
        prefetch(place_of_hash(key)); // often on another cache line: small objects begin at multiples of 16 bytes
        prefetch(value);
        self.pairs[self.length] = (key, value);
        self.length += 1;
    }

    /// Clears it and puts in as many pairs of a dict, from `position` on, as there is room for. Moves `position` behind
    /// them.
    ///
    /// # Safety
    /// `dict` is a living dict. It keeps the pairs alive until it changes.
    pub(crate) unsafe fn refill_from_dict(&mut self, dict: *mut PyObject, position: &mut Py_ssize_t) {
        let (mut key, mut value) = (core::ptr::null_mut(), core::ptr::null_mut());
        self.clear();
        // SAFETY: the caller keeps the dict alive. `PyDict_Next` neither runs Python code nor changes the dict, so the
        // position stays good, and the pairs stay where the dict owns them.
        while self.has_room() && unsafe { PyDict_Next(dict, position, &mut key, &mut value) } != 0 {
            self.put(key, value);
        }
    }

    /// Looks all keys up in the table, in order, and has `visit` see each key and value with the place of the key,
    /// until it returns false or Python would have to be asked. Runs no Python code by itself.
    ///
    /// Returns:
    /// for how many `visit` has returned true.
    ///
    /// # Safety
    /// The table is alive, and so is everything in the batch. `visit` runs no Python code; it may add to the table.
    pub(crate) unsafe fn look_up_all(
        &self,
        table: *mut HashTable,
        mut visit: impl FnMut(*mut PyObject, *mut PyObject, Place) -> bool,
    ) -> usize {
        let mut hashes = [0; BATCH];
        let mut at_hand = 0;
        // SAFETY: table and keys are alive, says the caller, and nothing runs that could release a key: `hash_at_hand`
        // and `look_up_without_asking` run no Python code, nor does `visit`. Each access to the table ends with its
        // line, so `visit` may add to it in between; the hashes stay true whatever the table does.
        unsafe {
            for (&(key, _), hash) in self.pairs().iter().zip(&mut hashes) {
                let Some(known) = hash_at_hand(table, key) else { break };
                (*table).pairs.prefetch_bucket(known);
                (*hash, at_hand) = (known, at_hand + 1);
            }
            for &hash in &hashes[..at_hand] {
                (*table).pairs.prefetch_first_pair(hash);
            }
            for (number, &(key, value)) in self.pairs()[..at_hand].iter().enumerate() {
                let Some(place) = look_up_without_asking(table, key, hashes[number]) else { return number };
                if !visit(key, value, place) {
                    return number;
                }
            }
        }
        at_hand
    }
}
