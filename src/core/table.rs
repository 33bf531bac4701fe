//! The table itself. See the picture at the head of the crate.
//!
//! # What is always true
//!
//! 1. There is at least one bucket, and `load / size <= max_load`.
//! 2. A bucket holds 0 or the number of an entry; an entry's number is its index plus 1.
//! 3. Every entry with a pair is in exactly one chain, that of bucket `hash mod size`; an entry without one, a *hole* left by
//!    a removal, is in none.
//! 4. Along a chain the numbers fall.
//! 5. `load` is the number of entries with a pair. No entry before `first` has one, and the last entry always has.
//!
//! 6. There is an upper half of a hash beside every entry, or beside none (see below).
//!
//! [`Table::check_invariants`] checks all of it, and in a debug build every change ends with that check.
//!
//! # Time and holes
//!
//! Removing leaves a hole, so that the pairs behind it keep their order without being moved. Holes are squeezed out when the
//! entries have to grow anyway, or in place when they are at least a quarter of all: then each squeeze is paid for by the
//! removals before it, and a table that takes and gives one pair at a time for ever does not grow.
//!
//! # Half a hash
//!
//! A hash has 64 bits, an entry has room for 32 of them. Where the size is a power of two, `hash mod size` is the low bits of
//! the hash, so the lower half is enough to find the bucket, of now and of every doubling to come. It is also enough to pass by
//! nearly every pair that is not the one looked for. An entry then takes 24 bytes where a key and a value take 16.
//!
//! For any other size the remainder depends on all 64 bits. The upper halves then lie in an array of their own beside the
//! entries, and so they do for a caller who wants to be told the hash again, or for whom two hashes that differ in the upper
//! half are different keys, always. [`Table::with_half_hashes`] says that neither is wanted. A lookup in such a table never goes to
//! that array, which in a large table would be one more wait for memory.

use crate::arrays::{self, OutOfMemory};
use crate::cursor::{Cursor, Step};

/// A chained hash table from `K` to `V` that hashes nothing and compares nothing by itself.
///
/// A pair is named by its index, a number that stays good until [`Table::version`] changes.
pub struct Table<K, V> {
    /// For each bucket the number of the newest entry in its chain, or 0.
    buckets: Vec<u32>,
    /// Pairs in the order in which they came, and holes.
    entries: Vec<Entry<K, V>>,
    /// The upper half of each entry's hash; empty if the table does without.
    upper_halves: Vec<u32>,
    /// Does it do with half of each hash where that is enough? Then, has it `upper_halves` now?
    half_hashes: bool,
    whole: bool,
    /// What `remainder` needs to know of the size; 0 if the size is a power of two.
    reciprocal: u64,
    /// Number of pairs.
    load: usize,
    /// How many pairs the buckets of now may hold: the most for which `load / size <= max_load`.
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

/// For how many entries at once a loop over all of them has the memory of their buckets fetched.
const AT_ONCE: usize = 32;

/// The lower half of a hash.
fn lower_half(hash: i64) -> u32 {
    hash as u32
}

/// The upper half of a hash.
fn upper_half(hash: i64) -> u32 {
    (hash >> 32) as u32
}

/// The number by which buckets and chains call the entry at `index`.
fn number_of(index: usize) -> u32 {
    // `make_room` lets no table have more than u32::MAX entries.
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
        let mut table = Table {
            buckets: arrays::empty_buckets(size)?,
            entries: Vec::new(),
            upper_halves: Vec::new(),
            half_hashes: false,
            whole: true,
            reciprocal: 0,
            load: 0,
            limit: 0,
            first: 0,
            max_load,
            initial_size: size,
            resizes: 0,
            version: 0,
        };
        table.size_has_changed();
        announce!("a table of {size} buckets, at most {max_load} full");
        Ok(table)
    }

    /// Makes an empty table that has `size` buckets now, as if it had grown, but goes back to `initial_size` when it is cleared.
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

    /// The same table, which from now on keeps only half of each hash where that is enough to find the bucket. It then
    /// cannot tell [`Table::hash`]. A lookup comes upon every pair whose hash has the same lower half, also where the other one is kept.
    ///
    /// # Panics
    /// If there is a pair in it.
    #[must_use]
    pub fn with_half_hashes(mut self) -> Self {
        assert!(self.load == 0, "what is thrown away must not be there yet");
        self.half_hashes = true;
        self.size_has_changed();
        self
    }

    /// Is half of each hash all that is kept where that is enough?
    pub fn has_half_hashes(&self) -> bool {
        self.half_hashes
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

    /// A number that rises with every change that adds, removes or moves a pair, and never falls. Overwriting a value is no
    /// such change. While it stays the same, an index names the same pair.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Memory in the two arrays, in bytes.
    pub fn bytes(&self) -> usize {
        (self.buckets.capacity() + self.upper_halves.capacity()) * size_of::<u32>()
            + self.entries.capacity() * size_of::<Entry<K, V>>()
    }

    /// The bucket for a hash: `hash mod size` as mathematicians have it, so never negative.
    #[inline(always)]
    pub fn bucket_of(&self, hash: i64) -> usize {
        if self.reciprocal == 0 {
            // The low bits of a number are its remainder by a power of two. In two's complement that holds below zero too.
            hash as usize & (self.size() - 1)
        } else {
            remainder(hash, self.size() as u64, self.reciprocal) as usize
        }
    }

    /// The bucket that the entry at `at` belongs to.
    #[inline(always)]
    fn bucket_of_entry(&self, at: usize) -> usize {
        if self.whole {
            self.bucket_of(self.whole_hash(at))
        } else {
            self.entries[at].hash as usize & (self.size() - 1)
        }
    }

    /// The hash of the entry at `at`, put together from its halves.
    fn whole_hash(&self, at: usize) -> i64 {
        (i64::from(self.upper_halves[at]) << 32) | i64::from(self.entries[at].hash)
    }

    /// Has the entry at `at` this hash, as far as the table looks?
    #[inline(always)]
    fn may_have_hash(&self, at: usize, hash: i64) -> bool {
        self.entries[at].hash == lower_half(hash) && (self.half_hashes || self.upper_halves[at] == upper_half(hash))
    }

    /// Works out what follows from the size.
    fn size_has_changed(&mut self) {
        let size = self.size();
        self.limit = limit_for(size, self.max_load);
        self.reciprocal = if size.is_power_of_two() { 0 } else { u64::MAX / size as u64 };
        self.whole = self.is_whole_at(size);
    }

    /// Does it keep whole hashes when it has this many buckets?
    fn is_whole_at(&self, size: usize) -> bool {
        !(self.half_hashes && half_is_enough(size))
    }

    // ---- looking up ------------------------------------------------------------------------------------------------

    /// The first pair in the chain of `hash` that can be the one looked for: the whole of a lookup, as long as nothing but the
    /// first comparison decides.
    #[inline(always)]
    pub fn first_candidate(&self, hash: i64) -> Option<usize> {
        let mut number = self.buckets[self.bucket_of(hash)];
        while number != 0 {
            let at = number as usize - 1;
            if self.may_have_hash(at, hash) {
                return Some(at);
            }
            number = self.entries[at].next;
        }
        None
    }

    /// Fetches ahead the bucket of a hash that will soon be looked up. Whoever has many lookups to make can ask for the memory of
    /// a few dozen of them at once, and need not wait for each in turn.
    #[inline]
    pub fn prefetch_bucket(&self, hash: i64) {
        arrays::prefetch(&self.buckets[self.bucket_of(hash)]);
    }

    /// Fetches ahead the first pair in the chain of a hash, when its bucket has come.
    #[inline]
    pub fn prefetch_first_pair(&self, hash: i64) {
        let number = self.buckets[self.bucket_of(hash)] as usize;
        arrays::prefetch(self.entries.as_ptr().wrapping_add(number.wrapping_sub(1)));
    }

    /// Begins a walk along the chain of `hash`. See [`Cursor`].
    pub fn walk(&self, hash: i64) -> Cursor {
        let bucket = self.bucket_of(hash);
        announce!(self, Walk(hash, bucket); "hash {hash} mod {} is bucket {bucket}", self.size());
        Cursor { hash, next: self.buckets[bucket], seen: 0, version: self.version }
    }

    /// Goes on to the next pair whose hash is the one looked for, passing those that cannot be it.
    pub fn step(&self, cursor: &mut Cursor) -> Step {
        if cursor.version != self.version {
            announce!("the table changed during the walk: start again");
            return Step::Moved;
        }
        while cursor.next != 0 {
            let at = cursor.next as usize - 1;
            let entry = &self.entries[at];
            cursor.next = entry.next;
            cursor.seen += 1;
            if self.may_have_hash(at, cursor.hash) {
                announce!(self, Candidate(at); "pair {} of the chain has this hash: are the keys equal?", cursor.seen);
                return Step::Candidate(at);
            }
            announce!(self, Passed(at); "pair {} of the chain has another hash{}", cursor.seen, self.hash_in_words(at));
        }
        announce!(self, End; "the chain ends after {} pairs: not found", cursor.seen);
        Step::End
    }

    /// For an announcement: the hash of the pair at `at`, if the table can tell it.
    #[cfg(feature = "trace")]
    fn hash_in_words(&self, at: usize) -> String {
        self.hash(at).map(|hash| format!(", {hash}")).unwrap_or_default()
    }

    /// Looks a key up: the index of the pair whose hash is `hash` and whose key `equal` accepts.
    ///
    /// The table is borrowed meanwhile, so `equal` cannot touch it. Where it must be able to, use [`Table::walk`].
    ///
    /// # Errors
    /// The first error that `equal` returns.
    pub fn find<E>(&self, hash: i64, mut equal: impl FnMut(&K) -> Result<bool, E>) -> Result<Option<usize>, E> {
        let mut cursor = self.walk(hash);
        while let Step::Candidate(at) = self.step(&mut cursor) {
            if equal(self.key(at))? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

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

    /// Can it tell the hash of every pair?
    pub fn keeps_whole_hashes(&self) -> bool {
        self.whole
    }

    /// The hash that the pair at `at` was added with; None if the table keeps only half of it.
    pub fn hash(&self, at: usize) -> Option<i64> {
        self.whole.then(|| self.whole_hash(at))
    }

    // ---- changing --------------------------------------------------------------------------------------------------

    /// Makes sure that one more pair fits, growing if need be. All that can fail about adding a pair fails here, with the
    /// table unchanged; adding it, through the [`Room`] that is returned, then cannot.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the table is as it was, but may have more memory to spare.
    pub fn make_room(&mut self) -> Result<Room<'_, K, V>, OutOfMemory> {
        if self.load == self.limit {
            self.grow(self.load + 1)?;
        } else if self.entries.len() == self.entries.capacity() {
            let holes = self.entries.len() - self.load;
            if holes > 0 && holes >= self.entries.len() / 4 {
                self.squeeze();
            } else {
                self.reserve_entries(self.entries.len() / 5, self.limit, self.whole)?;
            }
        }
        Ok(Room(self))
    }

    /// Makes room for `more` entries behind those that there are, with or without the upper halves of their hashes, but not
    /// for more than `limit` pairs. (Where there are holes, the array must be able to outgrow the limit, and not one by one.)
    fn reserve_entries(&mut self, more: usize, limit: usize, whole: bool) -> Result<(), OutOfMemory> {
        let length = self.entries.len();
        let more = more.max(4);
        let more = if length == self.load { more.min(limit - self.load) } else { more };
        // Buckets and chains have 32 bits for the number of an entry.
        let more = more.min(u32::MAX as usize - length);
        if more == 0 {
            return Err(OutOfMemory);
        }
        // The entries come last, because it is their capacity that is looked at to see whether a pair fits.
        if whole {
            arrays::reserve(&mut self.upper_halves, more)?;
        }
        arrays::reserve(&mut self.entries, more)
    }

    /// Makes sure that `more` pairs fit, as [`Table::make_room`] does for one. The table has then the size and the number of resizes
    /// that it would have if they had been added one by one.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the table is as it was.
    pub fn reserve(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let length = self.entries.len();
        if more > u32::MAX as usize - length {
            return Err(OutOfMemory);
        }
        if self.load + more > self.limit {
            self.grow(self.load + more)
        } else if self.entries.capacity() - length < more {
            self.reserve_entries(more, self.limit, self.whole)
        } else {
            Ok(())
        }
    }

    /// Puts up to `most` pairs, each after its hash, into the empty table. That all keys differ is for the caller to know: no pair is
    /// looked up before it is added. They are linked into their chains AT_ONCE together. `pairs` must neither reach the table nor panic.
    ///
    /// # Errors
    /// [`OutOfMemory`] if `most` pairs do not fit; nothing has then been taken from `pairs`.
    ///
    /// # Panics
    /// If there is a pair in the table.
    pub fn fill(&mut self, most: usize, pairs: impl Iterator<Item = (i64, K, V)>) -> Result<(), OutOfMemory> {
        assert!(self.load == 0, "the pairs might be there already");
        self.reserve(most)?;
        let mut pairs = pairs.take(most);
        loop {
            let start = self.entries.len();
            for (hash, key, value) in pairs.by_ref().take(AT_ONCE) {
                self.entries.push(Entry { hash: lower_half(hash), next: 0, pair: Some((key, value)) });
                if self.whole {
                    self.upper_halves.push(upper_half(hash));
                }
            }
            self.link(start, self.entries.len());
            if self.entries.len() - start < AT_ONCE {
                break;
            }
        }
        self.load = self.entries.len();
        announce!("{} pairs added, of at most {}", self.load, self.limit);
        self.changed();
        Ok(())
    }

    /// Doubles the buckets until `load` pairs fit, and deals the pairs out anew. Allocates first, publishes then.
    fn grow(&mut self, load: usize) -> Result<(), OutOfMemory> {
        let (mut size, mut limit, mut resizes) = (self.size(), self.limit, self.resizes);
        while limit < load {
            // One growth: what the pair after the last that fits would cause.
            let full = limit;
            while limit <= full {
                size = size.checked_mul(2).ok_or(OutOfMemory)?;
                limit = limit_for(size, self.max_load);
            }
            resizes += 1;
        }
        let whole = self.is_whole_at(size);
        if whole && !self.whole && self.load > 0 {
            // Upper halves that nobody has would be needed now.
            return Err(OutOfMemory);
        }
        let buckets = arrays::empty_buckets(size)?;
        // Holes, if there are any, are about to make room. An eighth, since just after a doubling the buckets are large for what is
        // in them.
        if load > self.entries.capacity() {
            self.reserve_entries((load - self.load).max(self.entries.len() / 8), limit, whole)?;
        }
        announce!("resize from {} to {size} buckets", self.size());
        self.buckets = buckets;
        self.size_has_changed();
        self.resizes = resizes;
        self.relink();
        Ok(())
    }

    /// Squeezes the holes out in place, keeping the order.
    fn squeeze(&mut self) {
        announce!("{} holes squeezed out of the entries", self.entries.len() - self.load);
        self.buckets.fill(0);
        self.relink();
    }

    /// Drops all holes and builds every chain anew. The buckets are empty.
    fn relink(&mut self) {
        if self.entries.len() > self.load {
            let mut with_pair = self.entries.iter().map(|entry| entry.pair.is_some());
            self.upper_halves.retain(|_| with_pair.next() == Some(true));
            self.entries.retain(|entry| entry.pair.is_some());
        }
        for start in (0..self.entries.len()).step_by(AT_ONCE) {
            self.link(start, self.entries.len().min(start + AT_ONCE));
        }
        self.first = 0;
        self.changed();
    }

    /// Puts the entries from `start` to before `end`, at most AT_ONCE, at the front of their chains. None is a hole.
    fn link(&mut self, start: usize, end: usize) {
        let mut buckets = [0; AT_ONCE];
        for (bucket, at) in buckets.iter_mut().zip(start..end) {
            *bucket = self.bucket_of_entry(at);
            arrays::prefetch(&self.buckets[*bucket]);
        }
        for (bucket, at) in buckets.into_iter().zip(start..end) {
            self.entries[at].next = core::mem::replace(&mut self.buckets[bucket], number_of(at));
        }
    }

    /// Puts a value in the place of another, which is handed out. The pair keeps its place in the order.
    pub fn replace_value(&mut self, at: usize, value: V) -> V {
        let old_value = core::mem::replace(self.value_mut(at), value);
        announce!(self, Replaced(at); "value replaced in bucket {}", self.bucket_of_entry(at));
        old_value
    }

    /// Takes the pair at `at` out of its chain and hands it out. The table never shrinks for it.
    pub fn remove(&mut self, at: usize) -> (K, V) {
        self.take_out(at, self.bucket_of_entry(at))
    }

    /// The same, for who has just looked the pair up and knows its hash.
    #[inline]
    pub fn remove_found(&mut self, at: usize, hash: i64) -> (K, V) {
        self.take_out(at, self.bucket_of(hash))
    }

    /// Takes the pair at `at` out of the chain of `bucket`, in which it is, and hands it out.
    #[inline]
    fn take_out(&mut self, at: usize, bucket: usize) -> (K, V) {
        let pair = self.entries[at].pair.take().expect("an index of this version");
        // Who leads here: the bucket or the entry before? That one now leads to the entry behind.
        let behind = self.entries[at].next;
        let mut number = self.buckets[bucket];
        if number == number_of(at) {
            self.buckets[bucket] = behind;
        } else {
            while self.entries[number as usize - 1].next != number_of(at) {
                number = self.entries[number as usize - 1].next;
            }
            self.entries[number as usize - 1].next = behind;
        }
        self.load -= 1;
        if at + 1 == self.entries.len() {
            while self.entries.last().is_some_and(|entry| entry.pair.is_none()) {
                self.entries.pop();
                self.upper_halves.pop();
            }
            self.first = self.first.min(self.entries.len());
        } else if at == self.first {
            // The last entry has a pair, so there is one to stop at.
            while self.entries[self.first].pair.is_none() {
                self.first += 1;
            }
        }
        announce!(self, Removed(at); "pair removed from bucket {bucket}, load is now {} of at most {}", self.load, self.limit);
        self.changed_in_one_place();
        pair
    }

    /// Empties the table, which goes back to the size that it was made with, and hands out what was in it. Cannot fail.
    pub fn clear(&mut self) -> Pairs<K, V> {
        let size = self.initial_size;
        let old_size = self.size();
        let smaller = if old_size == size { None } else { arrays::empty_buckets(size).ok() };
        if let Some(buckets) = smaller {
            self.buckets = buckets;
        } else {
            // The array has its size already, or there is no memory for less memory: the front of it will do.
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

    /// Hands out all pairs and leaves the table empty at its present size. Asks for no memory, so it serves where an object
    /// is taken apart.
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
        self.upper_halves = Vec::new();
        Pairs(core::mem::take(&mut self.entries).into_iter())
    }

    /// Exchanges the contents of two tables. Both get a version that neither has had, so that no cursor and no index from before is
    /// taken for one of now.
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

    // ---- looking at it all -----------------------------------------------------------------------------------------

    /// The index of the first pair at or behind `from`, in insertion order. To walk all pairs without borrowing the table:
    /// begin with 0 and go on with the index plus 1, as long as the version stays the same.
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

    /// The pair at `at`, if there is one: an index that nobody has found, such as one a little ahead of where a walk is.
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

    /// The indexes of the pairs in one bucket, in chain order: newest first.
    ///
    /// # Panics
    /// If there is no such bucket.
    pub fn chain(&self, bucket: usize) -> Chain<'_, K, V> {
        Chain { table: self, next: self.buckets[bucket] }
    }

    /// Checks everything that is always true of a table (the list at the head of this file).
    ///
    /// # Panics
    /// If one of them is not, naming it.
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
        // Falling numbers in buckets of their own: no entry was counted twice.
        assert_eq!(chained, self.load, "3: every pair is in a chain");
        let has_pair = |entry: &Entry<K, V>| entry.pair.is_some();
        assert_eq!(self.entries.iter().filter(|entry| has_pair(entry)).count(), self.load, "5: load counts the pairs");
        assert!(!self.entries[..self.first].iter().any(has_pair), "5: no pair before the first");
        assert!(self.entries.last().is_none_or(has_pair), "5: the last entry has a pair");
        let halves = if self.whole { self.entries.len() } else { 0 };
        assert_eq!(self.upper_halves.len(), halves, "6: beside every entry or none");
        assert_eq!(self.whole, self.is_whole_at(self.size()), "6: what is needed is there");
    }
}

/// Does the bucket of a hash follow from its lower half?
fn half_is_enough(size: usize) -> bool {
    size.is_power_of_two() && u32::try_from(size - 1).is_ok()
}

/// `hash mod size`, where `reciprocal` is `u64::MAX / size`. Two multiplications in place of a division.
///
/// Why it is exact: `reciprocal` is less than `2^64 / size` by at most 1, so `n * reciprocal / 2^64` is less than `n / size` by
/// less than 1. Rounded down it is the quotient or one below it, and what is then left over is the remainder or `size` too much.
///
/// Below zero the remainders run backwards: -1 has the last one, -2 that before it. A hash has either sign as often as not, and a
/// processor that guesses wrong about a branch loses the time of the whole function; so there is none. `below` is all ones
/// below zero and else nothing; `n ^ below` is then `!n`, which is -1 - n, and else n.
#[inline]
fn remainder(hash: i64, size: u64, reciprocal: u64) -> u64 {
    let below = (hash >> 63) as u64;
    let n = hash as u64 ^ below;
    let quotient = ((u128::from(n) * u128::from(reciprocal)) >> 64) as u64;
    let left_over = n - quotient * size;
    let remainder = left_over - if left_over >= size { size } else { 0 };
    (remainder ^ below).wrapping_add(size & below)
}

/// The most pairs for which `pairs / size <= max_load`.
fn limit_for(size: usize, max_load: f64) -> usize {
    let within = |pairs: usize| pairs as f64 / size as f64 <= max_load;
    // The product is rounded and may be one off, and what counts is the quotient.
    let mut limit = (size as f64 * max_load) as usize;
    while !within(limit) {
        limit -= 1;
    }
    while limit < size && within(limit + 1) {
        limit += 1;
    }
    limit
}

impl<K: Copy, V: Copy> Table<K, V> {
    /// Makes a table that is like this one in everything: size, limits, content, order. Keys and values are copied bit by bit;
    /// what that means for whoever owns them is the caller's business.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub fn duplicate(&self) -> Result<Self, OutOfMemory> {
        let mut copy = Self::new_grown(self.initial_size, self.size(), self.max_load)?;
        copy.half_hashes = self.half_hashes;
        copy.size_has_changed();
        copy.resizes = self.resizes;
        copy.append_all(self)?;
        announce!("copied {} pairs into a table of {} buckets", copy.load, copy.size());
        Ok(copy)
    }

    /// Adds all pairs of `other`, in its order, to this table, which is empty. Keys and values are copied bit by bit.
    ///
    /// # Errors
    /// [`OutOfMemory`], also if the upper halves of hashes are needed here and `other` does without; the table is then empty.
    ///
    /// # Panics
    /// If there is a pair in it.
    pub fn append_all(&mut self, other: &Self) -> Result<(), OutOfMemory> {
        assert!(self.load == 0, "the pairs might be there already");
        if other.load == 0 {
            return Ok(());
        }
        self.reserve(other.load)?;
        if self.whole && !other.whole {
            return Err(OutOfMemory);
        }
        if self.size() == other.size() && other.load == other.entries.len() {
            // All would come to lie where it lies there.
            self.buckets.copy_from_slice(&other.buckets);
            self.entries.extend_from_slice(&other.entries);
            if self.whole {
                self.upper_halves.extend_from_slice(&other.upper_halves);
            }
            self.load = other.load;
            self.changed();
        } else {
            let with_pair = || other.entries.iter().enumerate().filter(|(_, entry)| entry.pair.is_some());
            self.entries.extend(with_pair().map(|(_, entry)| *entry));
            if self.whole {
                self.upper_halves.extend(with_pair().map(|(at, _)| other.upper_halves[at]));
            }
            self.load = other.load;
            self.relink();
        }
        announce!("{} pairs appended, of at most {}", self.load, self.limit);
        Ok(())
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

/// Room for one more pair in a table: what [`Table::make_room`] returns.
#[must_use = "nothing is added until `add` is called"]
pub struct Room<'table, K, V>(&'table mut Table<K, V>);

impl<K, V> Room<'_, K, V> {
    /// Adds a pair at the front of its chain and at the end of the order, and returns its index. Cannot fail.
    ///
    /// That no equal key is in the table yet is for the caller to have found out.
    pub fn add(self, hash: i64, key: K, value: V) -> usize {
        let table = self.0;
        let bucket = table.bucket_of(hash);
        let at = table.entries.len();
        table.entries.push(Entry { hash: lower_half(hash), next: table.buckets[bucket], pair: Some((key, value)) });
        if table.whole {
            table.upper_halves.push(upper_half(hash));
        }
        table.buckets[bucket] = number_of(at);
        table.load += 1;
        announce!(table, Added(at, hash); "pair added to bucket {bucket}, load is now {} of at most {}", table.load, table.limit);
        table.changed_in_one_place();
        at
    }
}

/// The indexes of the pairs of one chain, newest first. Made by [`Table::chain`].
pub struct Chain<'table, K, V> {
    table: &'table Table<K, V>,
    next: u32,
}

impl<K, V> Iterator for Chain<'_, K, V> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = (self.next as usize).checked_sub(1)?;
        self.next = self.table.entries[at].next;
        Some(at)
    }
}

/// The pairs of a table that has been emptied, in insertion order, no longer part of any table.
pub struct Pairs<K, V>(std::vec::IntoIter<Entry<K, V>>);

impl<K, V> Pairs<K, V> {
    /// Those that are still to come, without taking them out.
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
