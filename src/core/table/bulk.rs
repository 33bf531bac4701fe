//! Many pairs at once: filling an empty table, and copying one.

use super::chains::LINKED_TOGETHER;
use super::{Entry, NoRoom, Table, hashes::lower_half};

impl<K, V> Table<K, V> {
    /// Puts up to `most` pairs, each with its hash, into the empty table. The caller knows that all keys
    /// differ: no key is looked up before it is added. `pairs` must neither reach the table nor panic.
    ///
    /// # Errors
    /// [`NoRoom`] if `most` pairs do not fit; nothing has then been taken from `pairs`.
    ///
    /// # Panics
    /// If there is a pair in the table.
    pub fn fill(&mut self, most: usize, pairs: impl Iterator<Item = (i64, K, V)>) -> Result<(), NoRoom> {
        assert!(self.load == 0, "the pairs might be there already");
        self.reserve(most)?;
        let mut pairs = pairs.take(most);
        loop {
            let start = self.entries.len();
            for (hash, key, value) in pairs.by_ref().take(LINKED_TOGETHER) {
                self.entries.push(Entry { hash: lower_half(hash), next: 0, pair: Some((key, value)) });
                self.upper_halves.push(hash);
            }
            self.link(start, self.entries.len());
            if self.entries.len() - start < LINKED_TOGETHER {
                break;
            }
        }
        self.load = self.entries.len();
        announce!("{} pairs added, of at most {}", self.load, self.limit);
        self.changed();
        Ok(())
    }
}

impl<K: Copy, V: Copy> Table<K, V> {
    /// Makes a table that is like this one in everything: size, limits, content, order. Keys and values are copied bit
    /// by bit; what that means for their owners is the caller's business.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub fn duplicate(&self) -> Result<Self, NoRoom> {
        let mut copy = Self::new_grown(self.initial_size, self.size(), self.max_load)?;
        copy.upper_halves = self.upper_halves.like(self.size());
        copy.resizes = self.resizes;
        copy.append_all(self)?;
        announce!("copied {} pairs into a table of {} buckets", copy.load, copy.size());
        Ok(copy)
    }

    /// Adds all pairs of `other`, in its order, to this table, which is empty. Keys and values are copied bit by bit.
    ///
    /// # Errors
    /// [`NoRoom`]; the table is then empty. It is [`NoRoom::HashUnknown`] if this table needs whole hashes and `other`
    /// has only halves.
    ///
    /// # Panics
    /// If there is a pair in it.
    pub fn append_all(&mut self, other: &Self) -> Result<(), NoRoom> {
        assert!(self.load == 0, "the pairs might be there already");
        if other.load == 0 {
            return Ok(());
        }
        self.reserve(other.load)?;
        if self.upper_halves.are_kept() && !other.upper_halves.are_kept() {
            return Err(NoRoom::HashUnknown);
        }
        if self.size() == other.size() && other.load == other.entries.len() {
            // Every entry, and every link, comes to lie where it lies there.
            self.buckets.copy_from_slice(&other.buckets);
            self.entries.extend_from_slice(&other.entries);
            self.upper_halves.extend_from(&other.upper_halves, core::iter::repeat(true));
            self.load = other.load;
            self.changed();
        } else {
            let has_pair = || other.entries.iter().map(|entry| entry.pair.is_some());
            self.entries.extend(other.entries.iter().filter(|entry| entry.pair.is_some()));
            self.upper_halves.extend_from(&other.upper_halves, has_pair());
            self.load = other.load;
            self.relink();
        }
        announce!("{} pairs appended, of at most {}", self.load, self.limit);
        Ok(())
    }
}
