//! How well a table is doing, in figures.

use crate::Table;

/// Figures about a table at one moment. Made by [`Table::stats`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    /// Number of buckets.
    pub size: usize,
    /// Number of pairs.
    pub load: usize,
    /// Pairs per bucket: `load / size`.
    pub load_factor: f64,
    /// Number of buckets that hold at least one pair.
    pub used_buckets: usize,
    /// Number of pairs in the longest chain.
    pub longest_chain: usize,
    /// How many pairs of a chain a successful lookup visits, on average over all pairs: 1.0 is perfect. 0.0 for an
    /// empty table.
    pub mean_probes: f64,
    /// How often the table has grown since it was made or cleared, however many doublings each growth took.
    pub resizes: usize,
    /// Memory in the table's arrays, in bytes.
    pub bytes: usize,
}

impl<K, V> Table<K, V> {
    /// Counts what there is to count. Visits the whole table: the time is proportional to `size + load`.
    pub fn stats(&self) -> Stats {
        let mut used_buckets = 0;
        let mut longest_chain = 0;
        let mut probes = 0_u64;
        for bucket in 0..self.size() {
            let length = self.chain(bucket).count();
            used_buckets += usize::from(length > 0);
            longest_chain = longest_chain.max(length);
            // The first pair of a chain is found at the first probe, the second at the second, ...
            probes += (1..=length as u64).sum::<u64>();
        }
        Stats {
            size: self.size(),
            load: self.load(),
            load_factor: self.load() as f64 / self.size() as f64,
            used_buckets,
            longest_chain,
            mean_probes: if self.load() == 0 { 0.0 } else { probes as f64 / self.load() as f64 },
            resizes: self.resizes(),
            bytes: self.bytes(),
        }
    }
}
