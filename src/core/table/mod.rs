//! The table itself. See the picture at the head of the crate.
//!
//! ```text
//! mod.rs          the table: what it holds, its figures, its pairs, adding, replacing and removing one
//! chains.rs       from a hash to its bucket, and along the bucket's chain
//! growth.rs       how room is made
//! hashes.rs       how much of each hash is kept
//! bulk.rs         many pairs at once: filling an empty table, copying one
//! invariants.rs   what is always true, and the check of it
//! ```

mod bulk;
mod chains;
mod growth;
mod hashes;
mod invariants;

pub use chains::Chain;
pub use growth::{NoRoom, Room};

use crate::arrays::{self, OutOfMemory};
use chains::reciprocal_of;
use growth::limit_for;
use hashes::{UpperHalves, lower_half};

/// A chained hash table from `K` to `V` that hashes nothing and compares nothing by itself.
///
/// A pair is named by its index, a number that remains valid until [`Table::version`] changes.
pub struct Table<K, V> {
    /// For each bucket the number of the newest entry in its chain, or 0.
    buckets: Vec<u32>,
    /// Pairs in insertion order, and holes.
    entries: Vec<Entry<K, V>>,
    /// The other halves of the hashes.
    upper_halves: UpperHalves,
    /// What the remainder by the size is computed with; see [`reciprocal_of`].
    reciprocal: u64,
    /// Number of pairs.
    load: usize,
    /// How many pairs fit into the present buckets: the most for which `load / size <= max_load`.
    limit: usize,
    /// No entry before this index has a pair.
    first: usize,
    max_load: f64,
    initial_size: usize,
    resizes: usize,
    version: u64,
}

#[derive(Clone, Copy)]
struct Entry<K, V> {
    /// The lower half of the hash.
    hash: u32,
    /// Number of the next (older) entry in the chain; 0 ends it.
    next: u32,
    /// None is a hole.
    pair: Option<(K, V)>,
}

/// The number by which buckets and chains refer to the entry at `index`.
fn number_of(index: usize) -> u32 {
    // No table has more than u32::MAX entries: see `growth.rs`.
    (index + 1) as u32
}

impl<K, V> Table<K, V> {
    /// Makes an empty table of `size` buckets that doubles when a new pair would make `load / size` exceed `max_load`.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for that many buckets.
    ///
    /// # Panics
    /// If `size` is 0, or `max_load` is not within `0 < max_load <= 1`.
    pub fn new(size: usize, max_load: f64) -> Result<Self, OutOfMemory> {
        assert!(size >= 1, "a table has at least one bucket");
        assert!(max_load > 0.0 && max_load <= 1.0, "the maximum load lies between 0 and 1");
        let table = Table {
            buckets: arrays::empty_buckets(size)?,
            entries: Vec::new(),
            upper_halves: UpperHalves::always(),
            reciprocal: reciprocal_of(size),
            load: 0,
            limit: limit_for(size, max_load),
            first: 0,
            max_load,
            initial_size: size,
            resizes: 0,
            version: 0,
        };
        announce!("a table of {size} buckets, at most {max_load} full");
        Ok(table)
    }

    /// Makes an empty table that has `size` buckets now, as if it had grown, but goes back to `initial_size` when it is
    /// cleared.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for that many buckets.
    ///
    /// # Panics
    /// As [`Table::new`], and if `size` is less than `initial_size`.
    pub fn new_grown(initial_size: usize, size: usize, max_load: f64) -> Result<Self, OutOfMemory> {
        assert!(1 <= initial_size && initial_size <= size, "a table never has fewer buckets than it was made with");
        let mut table = Self::new(size, max_load)?;
        table.initial_size = initial_size;
        Ok(table)
    }

    /// The same table, which from now on keeps only the lower half of each hash where that is enough to find the
    /// bucket. [`Table::hash`] is then unknown. A lookup yields every pair whose hash has the same lower half, also at
    /// a size at which the upper one is kept.
    ///
    /// # Panics
    /// If there is a pair in it.
    #[must_use]
    pub fn with_half_hashes(mut self) -> Self {
        assert!(self.load == 0, "the upper halves of its pairs would be dropped");
        self.upper_halves = UpperHalves::where_needed(self.size());
        self
    }

    /// Does the table keep only half of each hash where that is enough?
    pub fn has_half_hashes(&self) -> bool {
        self.upper_halves.are_optional()
    }

    /// Number of buckets.
    pub fn size(&self) -> usize {
        self.buckets.len()
    }

    /// Number of pairs.
    pub fn load(&self) -> usize {
        self.load
    }

    /// The most that `load / size` may be.
    pub fn max_load(&self) -> f64 {
        self.max_load
    }

    /// The number of buckets that the table was made with, and that [`Table::clear`] goes back to.
    pub fn initial_size(&self) -> usize {
        self.initial_size
    }

    /// How often the table has grown since it was made or cleared.
    pub fn resizes(&self) -> usize {
        self.resizes
    }

    /// A number that rises with every change that adds, removes or moves a pair, and never falls. Overwriting a value
    /// is no such change. While it stays the same, an index names the same pair.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Memory in the arrays, in bytes.
    pub fn bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<u32>()
            + self.entries.capacity() * size_of::<Entry<K, V>>()
            + self.upper_halves.bytes()
    }

    /// Works out what follows from the size.
    fn size_has_changed(&mut self) {
        let size = self.size();
        self.limit = limit_for(size, self.max_load);
        self.reciprocal = reciprocal_of(size);
        self.upper_halves.adapt_to(size);
    }

    // ---- one pair --------------------------------------------------------------------------------------------------

    /// The pair at `at`.
    ///
    /// # Panics
    /// This and all that follow, if there is no pair at `at`: the index is from another version of the table.
    pub fn pair(&self, at: usize) -> (&K, &V) {
        let (key, value) = self.entries[at].pair.as_ref().expect("an index of this version");
        (key, value)
    }

    /// The key at `at`.
    pub fn key(&self, at: usize) -> &K {
        self.pair(at).0
    }

    /// The value at `at`.
    pub fn value(&self, at: usize) -> &V {
        self.pair(at).1
    }

    /// The value at `at`, to be changed in place.
    pub fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.entries[at].pair.as_mut().expect("an index of this version").1
    }

    /// Does the table know the hash of every pair?
    pub fn keeps_whole_hashes(&self) -> bool {
        self.upper_halves.are_kept()
    }

    /// The hash that the pair at `at` was added with; None if only the lower half of it is kept.
    pub fn hash(&self, at: usize) -> Option<i64> {
        self.upper_halves.whole(at, self.entries[at].hash)
    }

    /// Adds a pair at the front of its chain and at the end of the order. Room for it was made.
    #[inline(always)]
    fn push(&mut self, hash: i64, key: K, value: V) -> usize {
        let bucket = self.bucket_of(hash);
        let at = self.entries.len();
        self.entries.push(Entry { hash: lower_half(hash), next: self.buckets[bucket], pair: Some((key, value)) });
        self.upper_halves.push(hash);
        self.buckets[bucket] = number_of(at);
        self.load += 1;
        announce!(
            self, Added(at, hash); "pair added to bucket {bucket}, load is now {} of at most {}", self.load, self.limit
        );
        self.changed_in_one_place();
        at
    }

    /// Puts a value in the place of another, which is handed out. The pair keeps its place in the order.
    pub fn replace_value(&mut self, at: usize, value: V) -> V {
        let old_value = core::mem::replace(self.value_mut(at), value);
        announce!(self, Replaced(at); "value replaced in bucket {}", self.bucket_of_entry(at));
        old_value
    }

    /// Takes the pair at `at` out of its chain and hands it out. The table does not shrink.
    pub fn remove(&mut self, at: usize) -> (K, V) {
        self.take_out(at, self.bucket_of_entry(at))
    }

    /// The same, for a caller who has just looked the pair up and knows its hash.
    #[inline]
    pub fn remove_found(&mut self, at: usize, hash: i64) -> (K, V) {
        self.take_out(at, self.bucket_of(hash))
    }

    /// Takes the pair at `at` out of the chain of `bucket`, which it is in, and hands it out.
    #[inline]
    fn take_out(&mut self, at: usize, bucket: usize) -> (K, V) {
        let pair = self.entries[at].pair.take().expect("an index of this version");
        self.unlink(at, bucket);
        self.load -= 1;
        if at + 1 == self.entries.len() {
            while self.entries.last().is_some_and(|entry| entry.pair.is_none()) {
                self.entries.pop();
                self.upper_halves.pop();
            }
            self.first = self.first.min(self.entries.len());
        } else if at == self.first {
            // The last entry has a pair, so the loop ends there at the latest.
            while self.entries[self.first].pair.is_none() {
                self.first += 1;
            }
        }
        announce!(
            self, Removed(at); "pair removed from bucket {bucket}, load is now {} of at most {}", self.load, self.limit
        );
        self.changed_in_one_place();
        pair
    }

    // ---- all of them -----------------------------------------------------------------------------------------------

    /// Empties the table, which goes back to the size that it was made with, and hands out what was in it. Cannot fail.
    pub fn clear(&mut self) -> Pairs<K, V> {
        let size = self.initial_size;
        let old_size = self.size();
        let smaller = if old_size == size { None } else { arrays::empty_buckets(size).ok() };
        if let Some(buckets) = smaller {
            self.buckets = buckets;
        } else {
            // The array has this size already, or there is no memory for the smaller one: the front of the old one will do.
            self.buckets.truncate(size);
            if self.load > 0 {
                self.buckets.fill(0);
            }
        }
        self.resizes = 0;
        announce!("cleared {} pairs, from {old_size} to {size} buckets", self.load);
        let pairs = self.take_entries();
        self.size_has_changed();
        self.changed();
        pairs
    }

    /// Hands out all pairs and leaves the table empty at its present size. Allocates nothing, so it can be used while
    /// an object is deallocated.
    pub fn take_pairs(&mut self) -> Pairs<K, V> {
        if self.load > 0 {
            self.buckets.fill(0);
        }
        let pairs = self.take_entries();
        self.changed();
        pairs
    }

    /// The buckets are empty already.
    fn take_entries(&mut self) -> Pairs<K, V> {
        self.load = 0;
        self.first = 0;
        self.upper_halves.clear();
        Pairs(core::mem::take(&mut self.entries).into_iter())
    }

    /// Exchanges the contents of two tables. Both get a version that neither has had, so that no cursor and no index
    /// from before passes for a current one.
    pub fn exchange(&mut self, other: &mut Table<K, V>) {
        let version = self.version.max(other.version);
        core::mem::swap(self, other);
        (self.version, other.version) = (version, version);
        self.changed();
        other.changed();
    }

    /// Every change that moves more than one pair ends here.
    fn changed(&mut self) {
        #[cfg(feature = "trace")]
        crate::announce::stepped(self, crate::announce::TableStep::Rebuilt);
        self.changed_in_one_place();
    }

    /// Every change ends here.
    fn changed_in_one_place(&mut self) {
        self.version += 1;
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }

    /// The index of the first pair at or after `from`, in insertion order. To visit all pairs without borrowing the
    /// table, begin with 0 and go on with the index plus 1, as long as the version stays the same.
    pub fn next_pair(&self, from: usize) -> Option<usize> {
        self.pair_from(from).map(|(at, _, _)| at)
    }

    /// The same, with the pair itself.
    #[inline]
    pub fn pair_from(&self, from: usize) -> Option<(usize, &K, &V)> {
        let mut at = from.max(self.first);
        loop {
            if let Some((key, value)) = &self.entries.get(at)?.pair {
                return Some((at, key, value));
            }
            at += 1;
        }
    }

    /// The pair at `at`, if there is one. For an index that no lookup returned, such as one a little ahead of an
    /// iteration.
    #[inline]
    pub fn pair_if_any(&self, at: usize) -> Option<(&K, &V)> {
        self.entries.get(at)?.pair.as_ref().map(|(key, value)| (key, value))
    }

    /// The index of the last pair before `before`, in insertion order. `usize::MAX` begins at the end.
    pub fn previous_pair(&self, before: usize) -> Option<usize> {
        self.pair_before(before).map(|(at, _, _)| at)
    }

    /// The same, with the pair itself.
    #[inline]
    pub fn pair_before(&self, before: usize) -> Option<(usize, &K, &V)> {
        let mut at = before.min(self.entries.len());
        while at > self.first {
            at -= 1;
            if let Some((key, value)) = &self.entries.get(at)?.pair {
                return Some((at, key, value));
            }
        }
        None
    }

    /// All pairs in insertion order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().filter_map(|entry| entry.pair.as_ref()).map(|(key, value)| (key, value))
    }
}

#[cfg(feature = "trace")]
impl<K, V> crate::announce::Anatomy for Table<K, V> {
    fn size(&self) -> usize {
        self.size()
    }
    fn entries(&self) -> usize {
        self.entries.len()
    }
    fn entry(&self, at: usize) -> Option<(usize, Option<i64>, *const (), *const ())> {
        let (key, value) = self.entries.get(at)?.pair.as_ref()?;
        Some((self.bucket_of_entry(at), self.hash(at), (&raw const *key).cast(), (&raw const *value).cast()))
    }
}

#[cfg(feature = "trace")]
impl<K, V> Drop for Table<K, V> {
    fn drop(&mut self) {
        announce!(self, Freed; "freed a table of {} buckets", self.size());
    }
}

/// The pairs of a table that has been emptied, in insertion order, no longer part of any table.
pub struct Pairs<K, V>(std::vec::IntoIter<Entry<K, V>>);

impl<K, V> Pairs<K, V> {
    /// The pairs that are still to come, without taking them out.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.as_slice().iter().filter_map(|entry| entry.pair.as_ref().map(|(key, value)| (key, value)))
    }
}

impl<K, V> Iterator for Pairs<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.0.find_map(|entry| entry.pair)
    }
}
