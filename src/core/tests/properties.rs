//! The table against a naive one: whatever is done to both, both look the same.
//!
//! The naive table, [`Oracle`], is written from the description of a hash table and nothing else: a vector of chains,
//! each pair with a stamp that says when it came. It finds by looking at everything, and deals out anew by sorting.
//! Sequences of operations, drawn by proptest, are done to both; after each of them every bucket, the order, the
//! figures and the invariants are compared. Hashes are drawn too: small, huge, negative, the extremes, and many alike.
//!
//! Keys count themselves, so that a pair which is dropped twice, or never, is noticed.

use hashtable_core::{Cursor, NoRoom, OutOfMemory, Step, Table};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::rc::Rc;

// ---- keys -----------------------------------------------------------------------------------------------------------

/// Number of different keys; their hashes are drawn for each case.
const LABELS: u8 = 24;

/// A key: two are equal if their labels are. All keys of a case share one counter of those that are alive.
struct Key {
    label: u8,
    _alive: Rc<()>,
}

/// The hash of each label.
type Hashes = Vec<i64>;

fn hashes() -> impl Strategy<Value = Hashes> {
    let hash = prop_oneof![
        4 => -12_i64..12,
        2 => any::<i64>(),
        1 => (-5_i64..5).prop_map(|n| n << 40),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 0, i64::MAX]),
    ];
    prop::collection::vec(hash, LABELS as usize)
}

/// How a table begins: its number of buckets, and whether it does with half of each hash where that is enough.
#[derive(Clone, Copy, Debug)]
struct Beginning {
    size: usize,
    half_hashes: bool,
}

impl Beginning {
    fn table<K, V>(self, max_load: f64) -> Table<K, V> {
        // With the feature `trace`, nobody reads what the library announces here.
        #[cfg(feature = "trace")]
        hashtable_core::announce::silence(true);
        let table = Table::new(self.size, max_load).expect("memory for a few buckets");
        if self.half_hashes { table.with_half_hashes() } else { table }
    }
}

/// Does a lookup of `hash` yield a pair of that other hash? In the same chain, if they are the same as far as the table
/// looks.
fn yields<K, V>(table: &Table<K, V>, hash: i64, other: i64) -> bool {
    let same = if table.has_half_hashes() { hash as u32 == other as u32 } else { hash == other };
    same && table.bucket_of(hash) == table.bucket_of(other)
}

fn beginning() -> impl Strategy<Value = Beginning> {
    (1_usize..=13, any::<bool>()).prop_map(|(size, half_hashes)| Beginning { size, half_hashes })
}

fn max_load() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.01, 0.1, 1.0 / 3.0, 0.5, 0.7, 0.75, 0.999, 1.0])
}

// ---- the naive table ------------------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
struct Pair {
    stamp: usize,
    label: u8,
    hash: i64,
    value: u32,
}

struct Oracle {
    chains: Vec<Vec<Pair>>,
    initial_size: usize,
    max_load: f64,
    stamps: usize,
    resizes: usize,
}

impl Oracle {
    fn new(size: usize, max_load: f64) -> Oracle {
        Oracle { chains: vec![Vec::new(); size], initial_size: size, max_load, stamps: 0, resizes: 0 }
    }

    /// All pairs, oldest first.
    fn pairs(&self) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.chains.iter().flatten().copied().collect();
        pairs.sort_by_key(|pair| pair.stamp);
        pairs
    }

    fn get(&self, label: u8) -> Option<u32> {
        self.chains.iter().flatten().find(|pair| pair.label == label).map(|pair| pair.value)
    }

    /// The bucket by the definition of the remainder, in numbers wide enough for every hash.
    fn put(&mut self, pair: Pair) {
        let bucket = i128::from(pair.hash).rem_euclid(self.chains.len() as i128);
        self.chains[bucket as usize].insert(0, pair);
    }

    /// Sets, and says whether the pair is a new one.
    fn set(&mut self, label: u8, hash: i64, value: u32) -> bool {
        if let Some(pair) = self.chains.iter_mut().flatten().find(|pair| pair.label == label) {
            pair.value = value;
            return false;
        }
        let pairs = self.pairs();
        let mut size = self.chains.len();
        while (pairs.len() + 1) as f64 / size as f64 > self.max_load {
            size *= 2;
        }
        if size > self.chains.len() {
            self.resizes += 1;
            self.chains = vec![Vec::new(); size];
            pairs.into_iter().for_each(|pair| self.put(pair));
        }
        self.stamps += 1;
        self.put(Pair { stamp: self.stamps, label, hash, value });
        true
    }

    fn remove(&mut self, label: u8) -> Option<u32> {
        let value = self.get(label);
        self.chains.iter_mut().for_each(|chain| chain.retain(|pair| pair.label != label));
        value
    }

    fn clear(&mut self) {
        *self = Oracle::new(self.initial_size, self.max_load);
    }
}

// ---- both side by side ----------------------------------------------------------------------------------------------

/// What can be done to a table.
#[derive(Clone, Debug)]
enum Op {
    Set(u8, u32),
    Remove(u8),
    Clear,
    TakePairs,
    /// A table in exchange for it, of this size and maximum load, with one pair.
    Exchange(Beginning, f64, u8),
    /// A lookup whose nth comparison fails.
    FailingLookup(u8, usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (0..LABELS, any::<u32>()).prop_map(|(label, value)| Op::Set(label, value)),
        8 => (0..LABELS).prop_map(Op::Remove),
        2 => (0..LABELS, 1_usize..3).prop_map(|(label, nth)| Op::FailingLookup(label, nth)),
        1 => Just(Op::Clear),
        1 => Just(Op::TakePairs),
        1 => (beginning(), max_load(), 0..LABELS).prop_map(|(begin, load, label)| Op::Exchange(begin, load, label)),
    ]
}

/// A table, its oracle, and what both need.
struct Both {
    table: Table<Key, u32>,
    oracle: Oracle,
    hashes: Hashes,
    alive: Rc<()>,
}

/// What an equality says that cannot say.
#[derive(Debug, PartialEq)]
struct CannotTell;

impl Both {
    fn new(begin: Beginning, max_load: f64, hashes: Hashes) -> Both {
        let oracle = Oracle::new(begin.size, max_load);
        Both { table: begin.table(max_load), oracle, hashes, alive: Rc::new(()) }
    }

    fn hash(&self, label: u8) -> i64 {
        self.hashes[usize::from(label)]
    }

    fn key(&self, label: u8) -> Key {
        Key { label, _alive: Rc::clone(&self.alive) }
    }

    fn find(&self, label: u8) -> Option<usize> {
        self.table.find(self.hash(label), |key| Ok::<_, CannotTell>(key.label == label)).unwrap()
    }

    /// Sets in the table alone. Err leaves it to the caller to see that nothing has changed.
    fn set_in_table(&mut self, label: u8, value: u32) -> Result<(), NoRoom> {
        match self.find(label) {
            Some(at) => {
                self.table.replace_value(at, value);
            }
            None => {
                let (hash, key) = (self.hash(label), self.key(label));
                let at = self.table.make_room()?.add(hash, key, value);
                assert_eq!(self.table.key(at).label, label, "`add` returns the index of the pair");
            }
        }
        Ok(())
    }

    /// Does `op` to both, and says whether a pair was added, removed or moved by it. None: nothing was there to be.
    fn apply(&mut self, op: &Op) -> Result<Option<bool>, TestCaseError> {
        let was_empty = self.table.load() == 0;
        Ok(match *op {
            Op::Set(label, value) => {
                self.set_in_table(label, value).expect("memory for a few pairs");
                Some(self.oracle.set(label, self.hash(label), value))
            }
            Op::Remove(label) => {
                let removed = self.find(label).map(|at| self.table.remove_found(at, self.hash(label)));
                prop_assert!(removed.as_ref().is_none_or(|(key, _)| key.label == label));
                let expected = self.oracle.remove(label);
                prop_assert_eq!(removed.map(|(_, value)| value), expected);
                Some(expected.is_some())
            }
            Op::FailingLookup(label, nth) => {
                let mut comparisons = 0;
                let found = self.table.find(self.hash(label), |key| {
                    comparisons += 1;
                    if comparisons == nth { Err(CannotTell) } else { Ok(key.label == label) }
                });
                // The keys that a lookup compares: those of this hash, as far as the table can see, newest first, until
                // it has found the right one.
                let mut of_this_hash: Vec<Pair> = self.oracle.pairs();
                of_this_hash.retain(|pair| yields(&self.table, self.hash(label), pair.hash));
                of_this_hash.reverse();
                let place = of_this_hash.iter().position(|pair| pair.label == label);
                let wanted = place.map_or(of_this_hash.len(), |place| place + 1);
                prop_assert_eq!(comparisons, wanted.min(nth));
                prop_assert_eq!(found.is_err(), wanted >= nth);
                Some(false)
            }
            Op::Clear => {
                let handed_out: Vec<_> = self.table.clear().map(|(key, value)| (key.label, value)).collect();
                let expected: Vec<_> = self.oracle.pairs().iter().map(|pair| (pair.label, pair.value)).collect();
                prop_assert_eq!(handed_out, expected);
                self.oracle.clear();
                (!was_empty).then_some(true)
            }
            Op::TakePairs => {
                let handed_out: Vec<_> = self.table.take_pairs().map(|(key, value)| (key.label, value)).collect();
                let expected: Vec<_> = self.oracle.pairs().iter().map(|pair| (pair.label, pair.value)).collect();
                prop_assert_eq!(handed_out, expected);
                self.oracle.chains.iter_mut().for_each(Vec::clear);
                (!was_empty).then_some(true)
            }
            Op::Exchange(begin, max_load, label) => {
                let mut other = Both::new(begin, max_load, self.hashes.clone());
                other.alive = Rc::clone(&self.alive);
                other.set_in_table(label, 7).expect("memory for one pair");
                other.oracle.set(label, self.hash(label), 7);
                let before = self.table.version().max(other.table.version());
                self.table.exchange(&mut other.table);
                prop_assert!(self.table.version().min(other.table.version()) > before, "no version comes twice");
                other.table.check_invariants();
                prop_assert_eq!(other.table.load(), self.oracle.pairs().len());
                self.oracle = other.oracle;
                Some(true)
            }
        })
    }

    /// What the table tells of a hash.
    fn told(&self, hash: i64) -> Option<i64> {
        (!self.table.has_half_hashes() || !self.table.size().is_power_of_two()).then_some(hash)
    }

    /// Looks at everything that can be looked at.
    fn compare(&self) -> TestCaseResult {
        let (table, oracle) = (&self.table, &self.oracle);
        table.check_invariants();
        let pairs: Vec<(u8, u32)> = oracle.pairs().iter().map(|pair| (pair.label, pair.value)).collect();
        prop_assert_eq!(table.size(), oracle.chains.len());
        prop_assert_eq!(table.load(), pairs.len());
        prop_assert_eq!(table.initial_size(), oracle.initial_size);
        prop_assert_eq!(table.max_load(), oracle.max_load);

        let label_and_value = |(key, value): (&Key, &u32)| (key.label, *value);
        prop_assert_eq!(&table.iter().map(label_and_value).collect::<Vec<_>>(), &pairs);
        let backwards: Vec<_> = table.iter().rev().map(label_and_value).collect();
        prop_assert_eq!(&backwards, &pairs.iter().rev().copied().collect::<Vec<_>>());
        let mut steps = Vec::new();
        let mut next = table.next_pair(0);
        while let Some(at) = next {
            steps.push(label_and_value(table.pair(at)));
            next = table.next_pair(at + 1);
        }
        prop_assert_eq!(&steps, &pairs);
        let mut previous = table.previous_pair(usize::MAX);
        while let Some(at) = previous {
            prop_assert_eq!(steps.pop(), Some(label_and_value(table.pair(at))));
            previous = table.previous_pair(at);
        }
        prop_assert!(steps.is_empty());

        for (bucket, chain) in oracle.chains.iter().enumerate() {
            let found: Vec<_> = table.chain(bucket).map(|at| (table.key(at).label, table.hash(at))).collect();
            let expected = chain.iter().map(|pair| (pair.label, self.told(pair.hash)));
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
        for label in 0..LABELS {
            prop_assert_eq!(self.find(label).map(|at| *table.value(at)), oracle.get(label));
        }

        let stats = table.stats();
        let lengths: Vec<usize> = oracle.chains.iter().map(Vec::len).collect();
        let probes: usize = lengths.iter().map(|length| length * (length + 1) / 2).sum();
        prop_assert_eq!((stats.size, stats.load, stats.resizes), (lengths.len(), pairs.len(), oracle.resizes));
        prop_assert_eq!(stats.used_buckets, lengths.iter().filter(|&&length| length > 0).count());
        prop_assert_eq!(stats.longest_chain, lengths.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(stats.mean_probes, if pairs.is_empty() { 0.0 } else { probes as f64 / pairs.len() as f64 });
        prop_assert_eq!(stats.load_factor, pairs.len() as f64 / lengths.len() as f64);

        // One for each pair, and one in `self`: no key was dropped too early, none is still alive.
        prop_assert_eq!(Rc::strong_count(&self.alive), pairs.len() + 1);
        Ok(())
    }
}

/// Few enough cases for a debug build, in which every change of the table checks all of it; and no file with failed
/// cases.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn it_looks_as_the_naive_table_does(
        begin in beginning(), max_load in max_load(), hashes in hashes(), ops in prop::collection::vec(op(), 0..50),
    ) {
        let mut both = Both::new(begin, max_load, hashes);
        both.compare()?;
        for op in &ops {
            let before = both.table.version();
            let changed = both.apply(op)?;
            let version = both.table.version();
            prop_assert!(version >= before);
            if let Some(changed) = changed {
                prop_assert_eq!(version != before, changed, "the version tells of changes and of nothing else");
            }
            both.compare()?;
        }
        let alive = Rc::clone(&both.alive);
        drop(both);
        prop_assert_eq!(Rc::strong_count(&alive), 1, "a table that goes takes its keys along");
    }

    /// A walk between whose steps other things happen: it either goes on in the very table in which it began, or hears
    /// so.
    #[test]
    fn a_walk_notices_every_change(
        begin in beginning(), max_load in max_load(), hashes in hashes(),
        ops in prop::collection::vec(op(), 0..30), label in 0..LABELS,
        between in prop::collection::vec(prop::option::of(op()), 1..6),
    ) {
        let mut both = Both::new(begin, max_load, hashes);
        for op in &ops {
            both.apply(op)?;
        }
        let hash = both.hash(label);
        let mut cursor: Cursor = both.table.walk(hash);
        let mut of_this_hash: Vec<Pair> = both.oracle.pairs();
        of_this_hash.retain(|pair| yields(&both.table, hash, pair.hash));
        let mut expected: Vec<u8> = of_this_hash.iter().map(|pair| pair.label).collect();
        for op in &between {
            let changed = match op {
                Some(op) => both.apply(op)?,
                None => Some(false),
            };
            let step = both.table.step(&mut cursor);
            prop_assert_eq!(cursor.version() == both.table.version(), step != Step::Moved);
            match (changed, step) {
                (Some(true), step) => prop_assert_eq!(step, Step::Moved),
                (Some(false), Step::Moved) => prop_assert!(false, "nothing was changed"),
                (_, Step::Candidate(at)) => {
                    prop_assert!(both.table.hash(at).is_none_or(|found| yields(&both.table, hash, found)));
                    prop_assert_eq!(expected.pop(), Some(both.table.key(at).label), "newest first");
                }
                (_, Step::End) => prop_assert!(expected.is_empty(), "a walk to the end yields every pair of its hash"),
                (None, Step::Moved) => {}
            }
            if step == Step::Moved {
                // A walk that has been told so hears the same for ever.
                prop_assert_eq!(both.table.step(&mut cursor), Step::Moved);
                break;
            }
        }
        both.compare()?;
    }

    /// Taking one pair out and putting one in for ever, at the limit: the order stays right and memory stays bounded.
    #[test]
    fn churn_does_not_grow(
        size in 8_usize..40, max_load in prop::sample::select(vec![0.3, 0.5, 1.0]), spare in 0_usize..3,
        seed in any::<u64>(),
        removes in prop::sample::select(vec![Removes::Oldest, Removes::Newest, Removes::Any]),
    ) {
        #[cfg(feature = "trace")]
        hashtable_core::announce::silence(true);
        let mut table: Table<u64, ()> = Table::new(size, max_load).unwrap();
        let limit = (1..=size).rev().find(|&pairs| pairs as f64 / size as f64 <= max_load).unwrap();
        let pairs = limit.saturating_sub(spare).max(1);
        let mut expected: Vec<u64> = (0..pairs as u64).collect();
        for key in &expected {
            let _ = table.make_room().unwrap().add(*key as i64, *key, ());
        }
        let full = table.bytes();
        let mut random = seed;
        for key in pairs as u64..(pairs * 30) as u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = match removes {
                Removes::Oldest => 0,
                Removes::Newest => expected.len() - 1,
                Removes::Any => (random >> 33) as usize % expected.len(),
            };
            let old = expected.remove(place);
            let at = table.find(old as i64, |key| Ok::<_, CannotTell>(*key == old)).unwrap().expect("it was put in");
            prop_assert_eq!(table.remove(at).0, old);
            let _ = table.make_room().unwrap().add(key as i64, key, ());
            expected.push(key);
            table.check_invariants();
        }
        prop_assert_eq!(table.iter().map(|(key, ())| *key).collect::<Vec<_>>(), expected);
        prop_assert_eq!((table.size(), table.resizes()), (size, 0), "the number of pairs never rose");
        prop_assert!(table.bytes() <= 2 * full + 512, "{} bytes, and {} when it was full", table.bytes(), full);
    }
}

/// What a table looks like from outside: its figures, its order and its chains.
#[derive(Debug, PartialEq)]
struct Look {
    figures: (usize, usize, usize, usize, f64),
    order: Vec<(u8, u32)>,
    chains: Vec<Vec<(u8, Option<i64>)>>,
}

fn look(table: &Table<u8, u32>) -> Look {
    table.check_invariants();
    let chain = |bucket| table.chain(bucket).map(|at| (*table.key(at), table.hash(at))).collect();
    Look {
        figures: (table.size(), table.load(), table.initial_size(), table.resizes(), table.max_load()),
        order: table.iter().map(|(key, value)| (*key, *value)).collect(),
        chains: (0..table.size()).map(chain).collect(),
    }
}

proptest! {
    #![proptest_config(config())]

    /// A copy looks like its original, whatever holes that has, and what is done to the one leaves the other alone.
    #[test]
    fn a_copy_is_like_its_original(
        begin in beginning(), max_load in max_load(), hashes in hashes(),
        changes in prop::collection::vec((0..LABELS, any::<bool>()), 0..40),
    ) {
        let mut table: Table<u8, u32> = begin.table(max_load);
        for (number, (label, add)) in changes.into_iter().enumerate() {
            let hash = hashes[usize::from(label)];
            match table.find(hash, |key| Ok::<_, CannotTell>(*key == label)).unwrap() {
                Some(at) if !add => drop(table.remove(at)),
                None if add => drop(table.make_room().unwrap().add(hash, label, number as u32)),
                _ => {}
            }
        }
        let original = look(&table);
        let mut copy = table.duplicate().expect("memory for a few pairs");
        prop_assert_eq!(&look(&copy), &original);
        let fresh = hashes[0].wrapping_add(1);
        let _ = copy.make_room().unwrap().add(fresh, LABELS, 1);
        prop_assert_eq!(&look(&table), &original);
        drop(copy.clear());
        prop_assert_eq!(copy.size(), begin.size, "a copy goes back to the size that its original was made with");
        prop_assert_eq!(&look(&table), &original);
    }
}

proptest! {
    #![proptest_config(config())]

    /// A table that is filled in one go looks as if the pairs had been added one by one, to whatever it had before it
    /// was emptied.
    #[test]
    fn filling_is_adding_one_by_one(
        begin in beginning(), max_load in max_load(), hashes in prop::collection::vec(any::<i64>(), 0..100),
        before in prop::option::of(any::<i64>()),
    ) {
        let pairs = || hashes.iter().zip(0_u8..).map(|(hash, label)| (*hash, label, u32::from(label)));
        let (mut filled, mut added): (Table<u8, u32>, Table<u8, u32>) = (begin.table(max_load), begin.table(max_load));
        for table in [&mut filled, &mut added] {
            if let Some(hash) = before {
                let at = table.make_room().unwrap().add(hash, LABELS, 1);
                table.remove(at);
            }
        }
        let version = filled.version();
        // Not all of what is offered is taken.
        filled.fill(hashes.len(), pairs().chain([(0, LABELS, 0)])).expect("memory for a few pairs");
        prop_assert!(filled.version() > version, "a walk under way must notice");
        for (hash, label, value) in pairs() {
            let _ = added.make_room().unwrap().add(hash, label, value);
        }
        prop_assert_eq!(look(&filled), look(&added));
    }
}

/// The remainder by the definition, of every size up to the largest that there is memory for and of huge ones.
#[test]
fn the_bucket_is_the_mathematical_remainder() {
    let extremes = [i64::MIN, i64::MIN + 1, -(1 << 32), -2, -1, 0, 1, 2, 1 << 32, i64::MAX - 1, i64::MAX];
    for size in (1..200).chain((0..24).flat_map(|bits| [(1 << bits) - 1, (1 << bits) + 1])).filter(|&size| size > 0) {
        let table: Table<u8, u8> = Table::new(size, 1.0).unwrap();
        let multiple = i64::MAX / size as i64 * size as i64;
        let near = |middle: i64| (-3..=3).map(move |step| middle.wrapping_add(step));
        for hash in extremes.into_iter().chain([multiple, -multiple]).flat_map(near) {
            let bucket = i128::from(hash).rem_euclid(size as i128) as usize;
            assert_eq!(table.bucket_of(hash), bucket, "{hash} mod {size}");
        }
    }
}

/// A table that needs whole hashes cannot take the pairs of one that has only halves, says so, and stays empty.
#[test]
fn an_unknown_hash_is_an_error() {
    let mut halves: Table<u8, ()> = Beginning { size: 4, half_hashes: true }.table(0.5);
    let _ = halves.make_room().unwrap().add(7 << 40, 1, ());
    for (size, half_hashes) in [(4, false), (6, true), (6, false)] {
        let mut needs_whole: Table<u8, ()> = Beginning { size, half_hashes }.table(0.5);
        assert_eq!(needs_whole.append_all(&halves), Err(NoRoom::HashUnknown));
        assert_eq!(needs_whole.load(), 0);
        needs_whole.check_invariants();
    }
    let mut another: Table<u8, ()> = Beginning { size: 8, half_hashes: true }.table(0.5);
    assert_eq!(another.append_all(&halves), Ok(()));
    assert_eq!(another.load(), 1);
}

/// More pairs than an entry's number can name are refused before any memory is asked for.
#[test]
fn too_many_pairs_are_an_error() {
    let mut table: Table<u8, u8> = Table::new(4, 0.5).unwrap();
    // On 32 bits no `usize` is one too many, and memory ends first.
    match (u32::MAX as usize).checked_add(1) {
        Some(one_too_many) => assert_eq!(table.reserve(one_too_many), Err(NoRoom::TooManyPairs)),
        None => assert_eq!(table.reserve(usize::MAX), Err(NoRoom::OutOfMemory)),
    }
    assert_eq!((table.size(), table.load()), (4, 0));
}

/// Half a hash is all that is kept of it, but not where the bucket depends on the other half.
#[test]
fn halves_are_kept_where_they_are_needed() {
    for (size, kept) in [(4, false), (6, true)] {
        let begin = Beginning { size, half_hashes: true };
        let mut table: Table<u8, ()> = begin.table(0.5);
        let mut whole: Table<u8, ()> = Beginning { half_hashes: false, ..begin }.table(0.5);
        let hash = -7 << 35;
        for key in 0..20 {
            let at = table.make_room().unwrap().add(hash, key, ());
            assert_eq!(table.hash(at), kept.then_some(hash));
            let _ = whole.make_room().unwrap().add(hash, key, ());
        }
        let upper_halves = whole.bytes() - table.bytes();
        assert_eq!(upper_halves == 0, kept, "{upper_halves} bytes less");
    }
}

/// Which pair churn takes out.
#[derive(Clone, Copy, Debug)]
enum Removes {
    Oldest,
    Newest,
    Any,
}

// ---- out of memory --------------------------------------------------------------------------------------------------

/// Failure on demand exists in the traced library only.
#[cfg(feature = "trace")]
mod out_of_memory {
    use super::*;
    use hashtable_core::fail_nth_allocation;

    proptest! {
        #![proptest_config(config())]

        /// Before each addition the first, second, ... request for memory fails, until there are no more that could:
        /// each time the table is as it was.
        #[test]
        fn a_pair_that_does_not_fit_changes_nothing(
            begin in beginning(), max_load in max_load(), hashes in hashes(), ops in prop::collection::vec(op(), 0..40),
        ) {
            let mut both = Both::new(begin, max_load, hashes);
            let mut refused = 0;
            // The first pair of all needs memory at least once.
            for op in [Op::Set(0, 0)].iter().chain(&ops) {
                if let Op::Set(label, value) = *op {
                    let version = both.table.version();
                    for nth in 1.. {
                        fail_nth_allocation(nth);
                        let result = both.set_in_table(label, value);
                        let carried_out = fail_nth_allocation(0) == 0;
                        prop_assert_eq!(result.is_err(), carried_out);
                        if result.is_ok() {
                            break;
                        }
                        refused += 1;
                        prop_assert_eq!(both.table.version(), version);
                        both.compare()?;
                    }
                    both.oracle.set(label, both.hash(label), value);
                } else {
                    both.apply(op)?;
                }
                both.compare()?;
            }
            prop_assert!(refused > 0);
        }

        /// Emptying a table cannot fail, even though going back to fewer buckets asks for memory.
        #[test]
        fn clear_works_without_memory(begin in beginning(), hashes in hashes(), more in op()) {
            let mut both = Both::new(begin, 0.5, hashes);
            for label in 0..LABELS {
                both.apply(&Op::Set(label, 1))?;
            }
            fail_nth_allocation(1);
            both.apply(&Op::Clear)?;
            prop_assert_eq!(fail_nth_allocation(0), 0, "it did ask for memory");
            both.compare()?;
            both.apply(&more)?;
            both.compare()?;
        }
    }

    #[test]
    fn a_table_that_cannot_be_made_is_an_error() {
        hashtable_core::announce::silence(true);
        fail_nth_allocation(1);
        assert_eq!(Table::<u8, u8>::new(4, 0.5).err(), Some(OutOfMemory));
        assert_eq!(fail_nth_allocation(0), 0);
    }
}

/// More buckets than there are addresses, or than there is memory: an error, with and without failure on demand.
#[test]
fn too_many_buckets_are_an_error() {
    assert_eq!(Table::<u8, u8>::new(usize::MAX, 0.5).err(), Some(OutOfMemory));
    // Half the address space. A machine of 32 bits may have that much.
    if usize::BITS > 32 {
        assert_eq!(Table::<u8, u8>::new(usize::MAX / 8, 1.0).err(), Some(OutOfMemory));
    }
}

/// A maximum load so small that no table can be large enough for one pair: an error, and the table stays empty.
#[test]
fn growing_beyond_all_bounds_is_an_error() {
    let mut table: Table<u8, u8> = Table::new(3, 1e-300).unwrap();
    assert_eq!(table.make_room().err(), Some(NoRoom::OutOfMemory));
    assert_eq!((table.size(), table.load(), table.version()), (3, 0, 0));
    table.check_invariants();
}
