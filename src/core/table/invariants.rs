//! What is always true of a table.
//!
//! 1. There is at least one bucket, and `load / size <= max_load`.
//! 2. A bucket holds 0 or the number of an entry; an entry's number is its index plus 1.
//! 3. Every entry with a pair is in exactly one chain, that of bucket `hash mod size`. An entry without one, a *hole*
//!    left by a removal, is in none.
//! 4. Along a chain the numbers fall.
//! 5. `load` is the number of entries with a pair. No entry before `first` has one, and the last entry always has.
//! 6. The upper half of a hash is kept of every entry, or of none: as the caller and the size demand (see `hashes.rs`).
//!
//! In a debug build every change ends with this check.

use super::growth::limit_for;
use super::{Entry, Table};

impl<K, V> Table<K, V> {
    /// Checks everything that is always true of a table.
    ///
    /// # Panics
    /// If one of the invariants does not hold, with its number and a few words.
    pub fn check_invariants(&self) {
        assert!(self.size() >= 1, "1: there is a bucket");
        assert!(self.load as f64 / self.size() as f64 <= self.max_load, "1: the load is within its limit");
        assert_eq!(self.limit, limit_for(self.size(), self.max_load), "1: the limit is that of the size");
        let mut chained = 0;
        for bucket in 0..self.size() {
            let mut above = self.entries.len();
            let mut number = self.buckets[bucket];
            while number != 0 {
                let at = number as usize - 1;
                assert!(at < above, "2 and 4: numbers name entries and fall along the chain");
                let entry = &self.entries[at];
                assert!(entry.pair.is_some(), "3: no hole is in a chain");
                assert_eq!(self.bucket_of_entry(at), bucket, "3: the pair is in the bucket of its hash");
                (above, number, chained) = (at, entry.next, chained + 1);
            }
        }
        // The numbers fall, and each entry is in its own bucket: none was counted twice.
        assert_eq!(chained, self.load, "3: every pair is in a chain");
        let has_pair = |entry: &Entry<K, V>| entry.pair.is_some();
        assert_eq!(self.entries.iter().filter(|entry| has_pair(entry)).count(), self.load, "5: load counts the pairs");
        assert!(!self.entries[..self.first].iter().any(has_pair), "5: no pair before the first");
        assert!(self.entries.last().is_none_or(has_pair), "5: the last entry has a pair");
        let halves = if self.upper_halves.are_kept() { self.entries.len() } else { 0 };
        assert_eq!(self.upper_halves.len(), halves, "6: kept of every entry or of none");
        let needed = self.upper_halves.are_kept_at(self.size());
        assert_eq!(self.upper_halves.are_kept(), needed, "6: what is needed is kept");
    }
}
