//! How the array of entries grows: a small one in few steps, a large one by little.
//!
//! Each step copies the array, and what it has too much is memory that no pair needs. `docs/fast.md` says why the two weigh
//! differently in small and in large tables.

use hashtable_core::Table;
use std::num::NonZeroU64;

/// The steps on the way to so many pairs: the number of pairs after each change of the arrays, and the bytes of these.
fn steps(pairs: u64) -> Vec<(u64, usize)> {
    // With the feature `trace`, nobody reads what the library announces here.
    #[cfg(feature = "trace")]
    hashtable_core::announce::silence(true);
    // A key that is never zero: an entry then takes 24 bytes, as with the keys of the extension.
    let mut table: Table<NonZeroU64, u64> = Table::new(4, 0.5).expect("memory for a few buckets").with_half_hashes();
    let mut steps = vec![(0, table.bytes())];
    for n in 1..=pairs {
        let key = NonZeroU64::new(n).expect("it begins with one");
        table.make_room().expect("memory for a pair").add(n as i64, key, n);
        if table.bytes() != steps[steps.len() - 1].1 {
            steps.push((n, table.bytes()));
        }
    }
    steps
}

#[test]
fn a_small_array_is_copied_at_most_three_times_for_each_doubling() {
    let steps = steps(1024);
    for full in [16, 32, 64, 128, 256, 512] {
        let copied = steps.iter().filter(|(pairs, _)| (full + 1..=2 * full).contains(pairs)).count();
        assert!(copied <= 3, "{copied} times between {full} and {} pairs: {steps:?}", 2 * full);
    }
}

#[test]
fn a_large_table_takes_at_most_44_bytes_for_a_pair() {
    for (pairs, bytes) in steps(5000).into_iter().filter(|&(pairs, _)| pairs >= 1000) {
        assert!(bytes as f64 <= 44.0 * pairs as f64, "{bytes} bytes for {pairs} pairs");
    }
}
