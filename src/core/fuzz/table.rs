//! A fuzz target: libFuzzer invents bytes, the bytes are read as a game, and the game is played with a table and with a
//! model.
//!
//! A *game* is a table's parameters, the hash of each key, and a list of moves. After every move the table must look as
//! the model does, to the last bucket, and find its own invariants in order. libFuzzer watches which branches of the
//! library a game takes, keeps those that take a new one, and goes on from there. So it gets where dice would not: a
//! squeeze of holes in the middle of a walk, a removal from the end of a long chain.
//!
//! The model is what one would draw on paper: the pairs in the order in which they came, nothing else. Which bucket a
//! pair is in, and where in its chain, follows from that.

#![no_main]

use core::convert::Infallible;
use hashtable_core::{Cursor, Step, Table};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|game: Game| game.play());

/// Number of different keys: few, so that they meet again.
const KEYS: usize = 16;

/// What the bytes stand for.
#[derive(Arbitrary, Debug)]
struct Game {
    size: u8,
    max_load: u8,
    half_hashes: bool,
    hashes: [i64; KEYS],
    moves: Vec<Move>,
}

#[derive(Arbitrary, Debug)]
enum Move {
    /// Adds a pair, or overwrites its value.
    Set { key: u8, value: u8 },
    /// Takes a pair out, if it is there.
    Remove { key: u8 },
    /// Empties the table, which goes back to its first size.
    Clear,
    /// Empties the table, which keeps its size.
    TakePairs,
    /// Goes on with a copy.
    Duplicate,
    /// Goes on with another table, which had grown before.
    Exchange { size: u8, doublings: u8, max_load: u8, half_hashes: bool },
    /// Sets out along the chain of a key.
    Walk { key: u8 },
    /// Goes a step on in it, whatever has happened since.
    Step,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    hash: i64,
    key: usize,
    value: u8,
}

/// The table on paper.
struct Model {
    initial_size: usize,
    size: usize,
    max_load: f64,
    /// Oldest first.
    pairs: Vec<Pair>,
}

impl Model {
    fn bucket_of(&self, hash: i64) -> usize {
        if cfg!(feature = "broken-model") {
            // As C has it, where the remainder of a negative number is negative.
            return (hash % self.size as i64).unsigned_abs() as usize;
        }
        hash.rem_euclid(self.size as i64) as usize
    }

    fn add(&mut self, pair: Pair) {
        while (self.pairs.len() + 1) as f64 / self.size as f64 > self.max_load {
            self.size *= 2;
        }
        self.pairs.push(pair);
    }

    /// The pairs in a bucket, newest first.
    fn chain(&self, bucket: usize) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().rev().filter(move |pair| self.bucket_of(pair.hash) == bucket)
    }
}

fn size_from(byte: u8) -> usize {
    1 + usize::from(byte % 32)
}

fn max_load_from(byte: u8) -> f64 {
    f64::from(1 + byte % 20) / 20.0
}

/// A walk under way, and the keys that it has yet to come by.
struct Walk {
    cursor: Cursor,
    expected: Vec<usize>,
}

struct Player {
    hashes: [i64; KEYS],
    table: Table<usize, u8>,
    model: Model,
    walk: Option<Walk>,
}

impl Game {
    fn play(&self) {
        let (size, max_load) = (size_from(self.size), max_load_from(self.max_load));
        let table = Table::new(size, max_load).expect("memory for a few buckets");
        let mut player = Player {
            hashes: self.hashes,
            table: if self.half_hashes { table.with_half_hashes() } else { table },
            model: Model { initial_size: size, size, max_load, pairs: Vec::new() },
            walk: None,
        };
        player.compare();
        for step in &self.moves {
            let (keys, version) = (player.keys(), player.table.version());
            player.make(step);
            player.compare();
            if player.keys() != keys && !matches!(step, Move::Duplicate) {
                assert!(player.table.version() > version, "the version tells of every pair that came or went");
            }
        }
    }
}

impl Player {
    fn keys(&self) -> Vec<usize> {
        self.model.pairs.iter().map(|pair| pair.key).collect()
    }

    fn find(&self, key: usize) -> Option<usize> {
        let Ok(at) = self.table.find(self.hashes[key], |other| Ok::<_, Infallible>(*other == key));
        at
    }

    /// Makes a move with both.
    fn make(&mut self, step: &Move) {
        match *step {
            Move::Set { key, value } => {
                let key = usize::from(key) % KEYS;
                let hash = self.hashes[key];
                match (self.find(key), self.model.pairs.iter_mut().find(|pair| pair.key == key)) {
                    (Some(at), Some(pair)) => {
                        assert_eq!(self.table.replace_value(at, value), pair.value);
                        pair.value = value;
                    }
                    (None, None) => {
                        let at = self.table.make_room().expect("memory for a pair").add(hash, key, value);
                        assert_eq!(self.table.pair(at), (&key, &value));
                        self.model.add(Pair { hash, key, value });
                    }
                    (ours, theirs) => panic!("the table finds {ours:?}, the model {theirs:?}"),
                }
            }
            Move::Remove { key } => {
                let key = usize::from(key) % KEYS;
                // Both ways to remove, by turns.
                let (hash, turn) = (self.hashes[key], self.model.pairs.len() % 2 == 0);
                let removed = match self.find(key) {
                    Some(at) if turn => Some(self.table.remove_found(at, hash)),
                    Some(at) => Some(self.table.remove(at)),
                    None => None,
                };
                let place = self.model.pairs.iter().position(|pair| pair.key == key);
                let expected = place.map(|place| self.model.pairs.remove(place));
                assert_eq!(removed, expected.map(|pair| (pair.key, pair.value)));
            }
            Move::Clear => {
                let handed_out: Vec<_> = self.table.clear().collect();
                self.expect_all(handed_out);
                self.model.size = self.model.initial_size;
            }
            Move::TakePairs => {
                let handed_out: Vec<_> = self.table.take_pairs().collect();
                self.expect_all(handed_out);
            }
            Move::Duplicate => {
                self.table = self.table.duplicate().expect("memory for a copy");
                // A copy counts its versions anew, and a cursor knows nothing of tables.
                self.walk = None;
            }
            Move::Exchange { size, doublings, max_load, half_hashes } => {
                let (initial_size, max_load) = (size_from(size), max_load_from(max_load));
                let size = initial_size << (doublings % 4);
                let other = Table::new_grown(initial_size, size, max_load).expect("memory for a few buckets");
                let mut other = if half_hashes { other.with_half_hashes() } else { other };
                self.table.exchange(&mut other);
                self.expect_all(other.take_pairs().collect());
                self.model = Model { initial_size, size, max_load, pairs: Vec::new() };
            }
            Move::Walk { key } => {
                let hash = self.hashes[usize::from(key) % KEYS];
                let of_this_hash = self.model.pairs.iter().filter(|pair| self.yields(hash, pair.hash));
                let expected = of_this_hash.map(|pair| pair.key).collect();
                self.walk = Some(Walk { cursor: self.table.walk(hash), expected });
            }
            Move::Step => {
                let Some(walk) = &mut self.walk else { return };
                let moved = self.table.version() != walk.cursor.version();
                match self.table.step(&mut walk.cursor) {
                    Step::Moved => assert!(moved, "nothing was changed"),
                    Step::End => assert!(!moved && walk.expected.is_empty(), "the walk missed {:?}", walk.expected),
                    Step::Candidate(at) => assert!(!moved && walk.expected.pop() == Some(*self.table.key(at))),
                }
            }
        }
    }

    /// What the table hands out is what the model had; it now has none.
    fn expect_all(&mut self, handed_out: Vec<(usize, u8)>) {
        let expected: Vec<_> = self.model.pairs.drain(..).map(|pair| (pair.key, pair.value)).collect();
        assert_eq!(handed_out, expected);
    }

    /// Does the table keep all of a hash?
    fn keeps_all(&self) -> bool {
        !(self.table.has_half_hashes() && self.model.size.is_power_of_two())
    }

    /// Does a lookup of `hash` yield a pair of that other hash? In the same chain, if they are the same as far as the
    /// table looks.
    fn yields(&self, hash: i64, other: i64) -> bool {
        let same = if self.table.has_half_hashes() { hash as u32 == other as u32 } else { hash == other };
        same && self.table.bucket_of(hash) == self.table.bucket_of(other)
    }

    /// Looks at everything that can be looked at.
    fn compare(&self) {
        let (table, model) = (&self.table, &self.model);
        table.check_invariants();
        assert_eq!((table.size(), table.load()), (model.size, model.pairs.len()));
        assert_eq!((table.initial_size(), table.max_load()), (model.initial_size, model.max_load));
        let pairs: Vec<_> = model.pairs.iter().map(|pair| (&pair.key, &pair.value)).collect();
        assert_eq!(table.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(table.iter().rev().collect::<Vec<_>>(), pairs.into_iter().rev().collect::<Vec<_>>());
        for bucket in 0..table.size() {
            let pair_at = |at| (table.hash(at), *table.key(at), *table.value(at));
            let expected =
                model.chain(bucket).map(|pair| (self.keeps_all().then_some(pair.hash), pair.key, pair.value));
            assert!(table.chain(bucket).map(pair_at).eq(expected), "bucket {bucket}");
        }
        for key in 0..KEYS {
            let expected = model.pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value);
            assert_eq!(self.find(key).map(|at| *table.value(at)), expected);
        }
    }
}
