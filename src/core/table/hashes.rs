//! How much of each hash a table keeps: all of it, or the lower half.
//!
//! A hash has 64 bits, and an entry has room for 32 of them: the lower half. Where the number of buckets is a power of
//! two, `hash mod size` is the low bits of the hash, so the lower half finds the bucket, now and after every doubling
//! to come. It also rules out nearly every pair that is not the one looked for. An entry then takes 24 bytes, of which
//! 16 are key and value.
//!
//! For any other size the remainder depends on all 64 bits. And some callers want to be told the whole hash again, or
//! regard two keys as different if their hashes differ in any bit. The upper halves then lie in an array of their own
//! beside the entries. A lookup goes there only if the upper half decides whether a key can be the right one: in a
//! large table that is one more cache miss.

use crate::arrays::{self, OutOfMemory};

/// The lower half of a hash, which an entry keeps.
pub(super) fn lower_half(hash: i64) -> u32 {
    hash as u32
}

/// The upper half of a hash.
fn upper_half(hash: i64) -> u32 {
    (hash >> 32) as u32
}

/// Does the bucket of a hash follow from its lower half?
fn half_is_enough(size: usize) -> bool {
    size.is_power_of_two() && u32::try_from(size - 1).is_ok()
}

/// When the upper halves are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// At every size, and a lookup compares them.
    Always,
    /// Because the present size needs them to find a bucket. A lookup ignores them.
    ForTheBucket,
    /// Not at all: the present size does not need them.
    No,
}

/// The upper halves of the hashes of a table's entries, as far as it keeps them.
pub(super) struct UpperHalves {
    kept: Kept,
    /// One for each entry, holes included; empty if none are kept.
    halves: Vec<u32>,
}

impl UpperHalves {
    /// Upper halves that are kept at every size.
    pub(super) fn always() -> Self {
        UpperHalves { kept: Kept::Always, halves: Vec::new() }
    }

    /// Upper halves that are kept only at a size that needs them, in a table of `size` buckets.
    pub(super) fn where_needed(size: usize) -> Self {
        let mut halves = UpperHalves { kept: Kept::No, halves: Vec::new() };
        halves.adapt_to(size);
        halves
    }

    /// Empty ones that are kept under the same circumstances, in a table of `size` buckets.
    pub(super) fn like(&self, size: usize) -> Self {
        if self.kept == Kept::Always { Self::always() } else { Self::where_needed(size) }
    }

    /// Are they kept only at a size that needs them?
    pub(super) fn are_optional(&self) -> bool {
        self.kept != Kept::Always
    }

    /// Are they kept now?
    pub(super) fn are_kept(&self) -> bool {
        self.kept != Kept::No
    }

    /// Would they be kept in a table of `size` buckets?
    pub(super) fn are_kept_at(&self, size: usize) -> bool {
        self.kept == Kept::Always || !half_is_enough(size)
    }

    /// The table has `size` buckets from now on. If they begin to be kept, there are no entries yet.
    pub(super) fn adapt_to(&mut self, size: usize) {
        if self.kept != Kept::Always {
            self.kept = if half_is_enough(size) { Kept::No } else { Kept::ForTheBucket };
        }
    }

    /// Can the entry at `at` have this hash, given that the lower halves are the same?
    #[inline(always)]
    pub(super) fn may_match(&self, at: usize, hash: i64) -> bool {
        self.kept != Kept::Always || self.halves[at] == upper_half(hash)
    }

    /// The whole hash of the entry at `at`, whose lower half is `lower`; None if only that is known.
    #[inline(always)]
    pub(super) fn whole(&self, at: usize, lower: u32) -> Option<i64> {
        (self.kept != Kept::No).then(|| (i64::from(self.halves[at]) << 32) | i64::from(lower))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.halves.len()
    }

    /// Their memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.halves.capacity() * size_of::<u32>()
    }

    /// Makes room for `more`.
    pub(super) fn reserve(&mut self, more: usize) -> Result<(), OutOfMemory> {
        arrays::reserve(&mut self.halves, more)
    }

    /// An entry with this hash was added at the end. Room for it was made.
    #[inline(always)]
    pub(super) fn push(&mut self, hash: i64) {
        if self.kept != Kept::No {
            self.halves.push(upper_half(hash));
        }
    }

    /// The last entry was dropped.
    pub(super) fn pop(&mut self) {
        self.halves.pop();
    }

    /// Entries are about to be dropped: those for which `stays`, asked in order, says no.
    pub(super) fn retain(&mut self, mut stays: impl Iterator<Item = bool>) {
        self.halves.retain(|_| stays.next() == Some(true));
    }

    /// All entries are gone. Gives the memory back.
    pub(super) fn clear(&mut self) {
        self.halves = Vec::new();
    }

    /// Copies of the entries of another table were added for which `copied`, asked in order, says yes. Room was made.
    pub(super) fn extend_from(&mut self, other: &UpperHalves, mut copied: impl Iterator<Item = bool>) {
        if self.kept != Kept::No {
            self.halves.extend(other.halves.iter().filter(|_| copied.next() == Some(true)));
        }
    }
}
