//! How a table makes room: more buckets, more entries, or the same entries without their holes.
//!
//! All that can fail about adding a pair fails here, and before anything has changed.
//!
//! # Time and holes
//!
//! Removing leaves a hole, so that the pairs behind it keep their order without being moved. Holes are squeezed out
//! when the buckets are doubled, or in place once they make up a quarter of the entries. Each squeeze is then paid for
//! by the removals before it, and a table that adds and removes one pair at a time never grows.

use super::{Entry, Table};
use crate::arrays::{self, OutOfMemory};

/// When the entries are full, holes are squeezed out if they make up at least one part in this many: a quarter.
/// Otherwise the array grows.
const HOLE_IN: usize = 4;
/// An array of entries grows by one part in this many, if memory allows: a half.
const GROWTH: usize = 2;
/// Memory allows a large array to grow as long as a table takes at most this many bytes for each pair: what a `dict` takes
/// at its worst.
const BYTES_FOR_A_PAIR: usize = 44;
/// What a table takes besides its arrays, and what its owner has around it. It counts where pairs are few.
const BESIDES: usize = 208;
/// But it grows by at least one part in this many: an eighth.
const LEAST_GROWTH_OF_LARGE: usize = 8;
/// An array of up to this many entries is small. A small one always grows by a half. Each growth copies the array, which
/// a small table feels more than the memory.
const SMALL: usize = 512;
/// An array of entries grows by at least this many.
const LEAST_GROWTH: usize = 4;
/// Buckets and chains have 32 bits for the number of an entry.
const MOST_ENTRIES: usize = u32::MAX as usize;

/// Why there is no room for a pair. The table is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// There is not enough memory, or more was asked for than any machine has.
    OutOfMemory,
    /// A table has at most `u32::MAX` entries.
    TooManyPairs,
    /// The new number of buckets needs whole hashes, and of some pairs only the lower half is known. See
    /// [`Table::with_half_hashes`].
    HashUnknown,
}

impl From<OutOfMemory> for NoRoom {
    fn from(_: OutOfMemory) -> Self {
        NoRoom::OutOfMemory
    }
}

impl core::fmt::Display for NoRoom {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            NoRoom::OutOfMemory => OutOfMemory.fmt(out),
            NoRoom::TooManyPairs => out.write_str("too many pairs for one hash table"),
            NoRoom::HashUnknown => out.write_str("the hash table would need more of a hash than it has kept"),
        }
    }
}

impl core::error::Error for NoRoom {}

/// Room for one more pair in a table: what [`Table::make_room`] returns.
#[must_use = "nothing is added until `add` is called"]
pub struct Room<'table, K, V>(&'table mut Table<K, V>);

impl<K, V> Room<'_, K, V> {
    /// Adds a pair at the front of its chain and at the end of the order, and returns its index. Cannot fail.
    ///
    /// The caller has made sure that no equal key is in the table.
    pub fn add(self, hash: i64, key: K, value: V) -> usize {
        self.0.push(hash, key, value)
    }
}

impl<K, V> Table<K, V> {
    /// Makes sure that one more pair fits, growing if necessary. All that can fail about adding a pair fails here, with
    /// the table unchanged; adding it, through the [`Room`] that is returned, cannot fail.
    ///
    /// # Errors
    /// [`NoRoom`]; the table is as it was, but may have more spare memory.
    pub fn make_room(&mut self) -> Result<Room<'_, K, V>, NoRoom> {
        if self.load == self.limit || self.entries.len() == self.entries.capacity() {
            self.make_more_room()?;
        }
        Ok(Room(self))
    }

    /// There is no room for one more pair: makes some. Apart from [`Table::make_room`], which nearly always finds some.
    #[cold]
    #[inline(never)]
    fn make_more_room(&mut self) -> Result<(), NoRoom> {
        if self.load == self.limit {
            return self.grow(self.load + 1);
        }
        let holes = self.entries.len() - self.load;
        if holes > 0 && holes >= self.entries.len() / HOLE_IN {
            self.squeeze();
            return Ok(());
        }
        self.reserve_entries(self.growth(self.size()), self.limit, self.upper_halves.are_kept())
    }

    /// Makes sure that `more` pairs fit, as [`Table::make_room`] does for one. The table then has the size and the
    /// number of resizes that it would have if they had been added one by one.
    ///
    /// # Errors
    /// [`NoRoom`]; the table is as it was.
    pub fn reserve(&mut self, more: usize) -> Result<(), NoRoom> {
        let length = self.entries.len();
        if more > MOST_ENTRIES - length {
            return Err(NoRoom::TooManyPairs);
        }
        if self.load + more > self.limit {
            self.grow(self.load + more)
        } else if self.entries.capacity() - length < more {
            self.reserve_entries(more, self.limit, self.upper_halves.are_kept())
        } else {
            Ok(())
        }
    }

    /// By how many entries the array grows, when there are `size` buckets.
    ///
    /// Just after the buckets were doubled they are large for the pairs in them, and the entries grow by little; the more
    /// pairs there are, the more it is.
    fn growth(&self, size: usize) -> usize {
        let length = self.entries.len();
        let half = length / GROWTH;
        if length <= SMALL {
            return half;
        }
        let bytes = length.saturating_mul(BYTES_FOR_A_PAIR).saturating_sub(BESIDES + size * size_of::<u32>());
        (bytes / size_of::<Entry<K, V>>()).saturating_sub(length).clamp(length / LEAST_GROWTH_OF_LARGE, half)
    }

    /// Makes room for `more` entries at the end, with or without the upper halves of their hashes, but not for more
    /// than `limit` pairs. (Where there are holes, the array must be able to outgrow the limit, and not one by one.)
    fn reserve_entries(&mut self, more: usize, limit: usize, with_upper_halves: bool) -> Result<(), NoRoom> {
        let length = self.entries.len();
        let more = more.max(LEAST_GROWTH);
        let more = if length == self.load { more.min(limit - self.load) } else { more };
        let more = more.min(MOST_ENTRIES - length);
        if more == 0 {
            return Err(NoRoom::TooManyPairs);
        }
        // The entries come last, because their capacity is what tells whether a pair fits.
        if with_upper_halves {
            self.upper_halves.reserve(more)?;
        }
        Ok(arrays::reserve(&mut self.entries, more)?)
    }

    /// Doubles the buckets until `load` pairs fit, and distributes the pairs anew. First allocates, then publishes.
    fn grow(&mut self, load: usize) -> Result<(), NoRoom> {
        let (mut size, mut limit, mut resizes) = (self.size(), self.limit, self.resizes);
        while limit < load {
            // One growth: what the first pair beyond the limit would cause.
            let full = limit;
            while limit <= full {
                size = size.checked_mul(2).ok_or(NoRoom::OutOfMemory)?;
                limit = limit_for(size, self.max_load);
            }
            resizes += 1;
        }
        let with_upper_halves = self.upper_halves.are_kept_at(size);
        if with_upper_halves && !self.upper_halves.are_kept() && self.load > 0 {
            return Err(NoRoom::HashUnknown);
        }
        let buckets = arrays::empty_buckets(size)?;
        // Holes, if there are any, are about to make room.
        if load > self.entries.capacity() {
            let more = (load - self.load).max(self.growth(size));
            self.reserve_entries(more, limit, with_upper_halves)?;
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

    /// Drops all holes and links every chain anew. The buckets are empty.
    pub(super) fn relink(&mut self) {
        if self.entries.len() > self.load {
            self.upper_halves.retain(self.entries.iter().map(|entry| entry.pair.is_some()));
            self.entries.retain(|entry| entry.pair.is_some());
        }
        self.link_all();
        self.first = 0;
        self.changed();
    }
}

/// The most pairs for which `pairs / size <= max_load`.
pub(super) fn limit_for(size: usize, max_load: f64) -> usize {
    let within = |pairs: usize| pairs as f64 / size as f64 <= max_load;
    // The product is rounded and may be off by one, and what counts is the quotient.
    let mut limit = (size as f64 * max_load) as usize;
    while !within(limit) {
        limit -= 1;
    }
    while limit < size && within(limit + 1) {
        limit += 1;
    }
    limit
}
