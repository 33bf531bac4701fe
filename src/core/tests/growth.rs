//! How the array of entries grows: in few steps, and a large one within its memory and without being copied.
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
fn an_array_grows_in_few_steps_for_each_doubling() {
    let steps = steps(4096);
    for full in [16, 32, 64, 128, 256, 512, 1024, 2048] {
        // From 1024 pairs on memory counts, and so does what a table takes besides its arrays: there it is one step more.
        let most = if full == 1024 { 4 } else { 3 };
        let grown = steps.iter().filter(|(pairs, _)| (full + 1..=2 * full).contains(pairs)).count();
        assert!(grown <= most, "{grown} times between {full} and {} pairs: {steps:?}", 2 * full);
    }
}

#[test]
fn a_large_table_takes_at_most_44_bytes_for_a_pair() {
    for (pairs, bytes) in steps(5000).into_iter().filter(|&(pairs, _)| pairs >= 1000) {
        let besides = 208;
        assert!(bytes as u64 + besides <= 44 * pairs, "{bytes} bytes for {pairs} pairs");
    }
}

/// A large array grows by moving its mapping, without copying anything. Linux moves one mapping only, and advice for a part of it
/// would make two.
#[cfg(target_os = "linux")]
#[test]
fn a_large_array_lies_in_one_mapping() {
    const PAIRS: usize = 500_000;
    let mut table: Table<NonZeroU64, u64> = Table::new(4, 0.5).expect("memory for a few buckets").with_half_hashes();
    table.reserve(PAIRS).expect("memory for half a million pairs");
    let at = table.make_room().expect("room was made").add(1, NonZeroU64::MIN, 1);
    let first = &raw const *table.key(at) as usize;
    let last = first + (PAIRS - 1) * size_of::<(u64, u64, u64)>();
    let mappings = std::fs::read_to_string("/proc/self/maps").expect("Linux says what is where");
    let holds = |line: &&str| {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range comes first");
        let address = |hex| usize::from_str_radix(hex, 16).expect("addresses are hexadecimal");
        (address(start)..address(end)).contains(&first)
    };
    let mapping = mappings.lines().find(holds).expect("the first pair is somewhere");
    let end = mapping.split([' ', '-']).nth(1).and_then(|hex| usize::from_str_radix(hex, 16).ok());
    assert!(end.expect("the end of the range") > last, "the pairs from {first:x} to {last:x} go beyond {mapping}");
}
