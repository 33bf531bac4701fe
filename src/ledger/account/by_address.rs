//! What is kept by the address of an object.
//!
//! Most calls deal with a handful of objects. To compare a handful of addresses one after the other takes a few nanoseconds, less than
//! to compute a hash and to follow it. So [`Few`] does that, and makes itself an index only when there are more.

use super::Address;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{HashMap, HashSet};

/// Hashes an address: mixed, since alignment makes its low bits zero.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_usize(byte.into()));
    }
    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0 ^ number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }
}

pub(super) type ByAddress<V> = HashMap<Address, V, BuildHasherDefault<AddressHasher>>;
pub(super) type Addresses = HashSet<Address, BuildHasherDefault<AddressHasher>>;

/// A map from addresses, made for few of them.
pub(super) struct Few<V> {
    addresses: Vec<Address>,
    values: Vec<V>,
    /// Where each address stands; right only if there are more than [`FEW`].
    index: ByAddress<usize>,
}

/// So many are compared one after the other.
const FEW: usize = 16;

impl<V> Default for Few<V> {
    fn default() -> Few<V> {
        Few { addresses: Vec::new(), values: Vec::new(), index: ByAddress::default() }
    }
}

impl<V> Few<V> {
    #[inline(always)]
    fn place(&self, address: Address) -> Option<usize> {
        if self.addresses.len() > FEW {
            return self.index.get(&address).copied();
        }
        self.addresses.iter().position(|&known| known == address)
    }

    #[inline(always)]
    pub(super) fn get(&self, address: Address) -> Option<&V> {
        self.place(address).map(|at| &self.values[at])
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, address: Address) -> Option<&mut V> {
        self.place(address).map(|at| &mut self.values[at])
    }

    /// The value of this address. Where there is none, one is made.
    #[inline(always)]
    pub(super) fn get_or_insert_with(&mut self, address: Address, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.place(address) {
            Some(at) => at,
            None => self.add(address, make()),
        };
        &mut self.values[at]
    }

    #[inline(always)]
    pub(super) fn insert(&mut self, address: Address, value: V) {
        match self.place(address) {
            Some(at) => self.values[at] = value,
            None => _ = self.add(address, value),
        }
    }

    #[inline(always)]
    fn add(&mut self, address: Address, value: V) -> usize {
        let at = self.addresses.len();
        self.addresses.push(address);
        self.values.push(value);
        if at >= FEW {
            self.enter(at);
        }
        at
    }

    /// Enters the last address in the index, and all others with it if they are not.
    #[cold]
    fn enter(&mut self, at: usize) {
        if at == FEW {
            self.index = self.addresses.iter().copied().zip(0..).collect();
        } else {
            self.index.insert(self.addresses[at], at);
        }
    }

    pub(super) fn remove(&mut self, address: Address) -> Option<V> {
        let at = self.place(address)?;
        // The last one moves to its place.
        self.addresses.swap_remove(at);
        if self.addresses.len() > FEW {
            self.index.remove(&address);
            self.addresses.get(at).map(|&moved| self.index.insert(moved, at));
        }
        Some(self.values.swap_remove(at))
    }

    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.addresses.clear();
        self.values.clear();
    }

    /// For how many there is room.
    pub(super) fn capacity(&self) -> usize {
        self.addresses.capacity()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Address, &V)> {
        self.addresses.iter().copied().zip(&self.values)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Address, &mut V)> {
        self.addresses.iter().copied().zip(&mut self.values)
    }
}
