//! From a hash to its bucket, and along the bucket's chain.

use super::{Entry, Table, hashes::lower_half, number_of};
use crate::arrays;
use crate::cursor::{Cursor, Step};

/// How many entries are linked into their chains together. The buckets of all of them are prefetched first, so that the
/// cache misses overlap.
pub(super) const LINKED_TOGETHER: usize = 32;

impl<K, V> Table<K, V> {
    /// The bucket for a hash: `hash mod size` as mathematicians define it, so never negative.
    #[inline(always)]
    pub fn bucket_of(&self, hash: i64) -> usize {
        if self.reciprocal == 0 {
            // The low bits of a number are its remainder by a power of two. In two's complement this holds below zero
            // too.
            hash as usize & (self.size() - 1)
        } else {
            remainder(hash, self.size() as u64, self.reciprocal) as usize
        }
    }

    /// The bucket that the entry at `at` belongs to.
    #[inline(always)]
    pub(super) fn bucket_of_entry(&self, at: usize) -> usize {
        let lower = self.entries[at].hash;
        match self.upper_halves.whole(at, lower) {
            Some(hash) => self.bucket_of(hash),
            // Only a size that is a power of two, for which the lower half is enough, does without the upper ones.
            None => lower as usize & (self.size() - 1),
        }
    }

    /// Has the entry this hash, as far as the table looks?
    #[inline(always)]
    fn may_have_hash(&self, at: usize, hash: i64) -> bool {
        self.entries[at].hash == lower_half(hash) && self.upper_halves.may_match(at, hash)
    }

    // ---- looking up ------------------------------------------------------------------------------------------------

    /// The first pair in the chain of `hash` that can be the one looked for. If the first comparison decides, this is
    /// the whole lookup.
    #[inline(always)]
    pub fn first_candidate(&self, hash: i64) -> Option<usize> {
        self.candidate_from(self.buckets[self.bucket_of(hash)], hash)
    }

    /// The next one behind the pair at this index, which was a candidate. Nothing has changed since.
    pub fn next_candidate(&self, at: usize, hash: i64) -> Option<usize> {
        self.candidate_from(self.entries[at].next, hash)
    }

    /// The first candidate from this number on.
    #[inline(always)]
    fn candidate_from(&self, mut number: u32, hash: i64) -> Option<usize> {
        while number != 0 {
            let at = number as usize - 1;
            if self.may_have_hash(at, hash) {
                return Some(at);
            }
            number = self.entries[at].next;
        }
        None
    }

    /// Prefetches the bucket of a hash. A caller with many lookups to make can have the buckets of a few dozen of them
    /// fetched at the same time, instead of waiting for one after another.
    #[inline]
    pub fn prefetch_bucket(&self, hash: i64) {
        arrays::prefetch(&self.buckets[self.bucket_of(hash)]);
    }

    /// Prefetches the first pair in the chain of a hash, once its bucket has been fetched.
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

    /// Goes on to the next pair whose hash is the one looked for, skipping those that cannot be it.
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

    /// For an announcement: the hash of the pair at `at`, if the table knows it.
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

    /// The indexes of the pairs in one bucket, in chain order: newest first.
    ///
    /// # Panics
    /// If there is no such bucket.
    pub fn chain(&self, bucket: usize) -> Chain<'_, K, V> {
        Chain { entries: &self.entries, next: self.buckets[bucket] }
    }

    // ---- linking ---------------------------------------------------------------------------------------------------

    /// Puts the entries from `start` to before `end` at the front of their chains. There are at most
    /// [`LINKED_TOGETHER`], and none is a hole.
    pub(super) fn link(&mut self, start: usize, end: usize) {
        let mut buckets = [0; LINKED_TOGETHER];
        for (bucket, at) in buckets.iter_mut().zip(start..end) {
            *bucket = self.bucket_of_entry(at);
            arrays::prefetch(&self.buckets[*bucket]);
        }
        for (bucket, at) in buckets.into_iter().zip(start..end) {
            self.entries[at].next = core::mem::replace(&mut self.buckets[bucket], number_of(at));
        }
    }

    /// Links every entry into its chain. The buckets are empty, and no entry is a hole.
    pub(super) fn link_all(&mut self) {
        for start in (0..self.entries.len()).step_by(LINKED_TOGETHER) {
            self.link(start, self.entries.len().min(start + LINKED_TOGETHER));
        }
    }

    /// Takes the entry at `at` out of the chain of `bucket`, which it is in.
    #[inline]
    pub(super) fn unlink(&mut self, at: usize, bucket: usize) {
        // What leads here is the bucket, or the entry before. From now on that leads to the entry behind.
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
    }
}

/// The indexes of the pairs of one chain, newest first. Made by [`Table::chain`].
pub struct Chain<'table, K, V> {
    entries: &'table [Entry<K, V>],
    next: u32,
}

impl<K, V> Iterator for Chain<'_, K, V> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = (self.next as usize).checked_sub(1)?;
        self.next = self.entries[at].next;
        Some(at)
    }
}

/// What [`remainder`] needs to know of a size; 0 if the size is a power of two, whose remainders are a mask away.
pub(super) fn reciprocal_of(size: usize) -> u64 {
    if size.is_power_of_two() { 0 } else { u64::MAX / size as u64 }
}

/// `hash mod size`, where `reciprocal` is `u64::MAX / size`. Two multiplications instead of a division.
///
/// Why it is exact: `reciprocal` is less than `2^64 / size` by at most 1, so `n * reciprocal / 2^64` is less than `n /
/// size` by less than 1. Rounded down it is the quotient or one less, and what is then left over is the remainder, or
/// `size` more.
///
/// Below zero the remainders run backwards: -1 has the last one, -2 the one before. Half of all hashes are negative, at
/// random, and a mispredicted branch would take as long as the whole function; so there is no branch. `below` is all
/// ones below zero and otherwise zero; `n ^ below` is then `!n`, which is -1 - n, and otherwise n.
#[inline]
fn remainder(hash: i64, size: u64, reciprocal: u64) -> u64 {
    let below = (hash >> 63) as u64;
    let n = hash as u64 ^ below;
    let quotient = ((u128::from(n) * u128::from(reciprocal)) >> 64) as u64;
    let left_over = n - quotient * size;
    let remainder = left_over - if left_over >= size { size } else { 0 };
    (remainder ^ below).wrapping_add(size & below)
}
