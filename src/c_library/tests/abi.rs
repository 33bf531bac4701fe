//! The functions as C calls them, tried from Rust: what they do, what they refuse, and what a callback may do
//! meanwhile.
//!
//! `Handle` is a thin coat over the pointer. It adds nothing but the SAFETY comment: all pointers that it passes are to
//! locals, which outlive the call, and the table lives as long as its `Handle`, which frees it when it is dropped. The comments
//! below say "a local" and "a living table" for short.

use core::ffi::{CStr, c_char, c_void};
use core::ptr::{null, null_mut};
use hashtable_c::*;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// A table, freed at the end.
struct Handle(*mut ht_table);

/// What a test knows an item by.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    None,
    Int(i64),
    Float(f64),
    Text(String),
    Pointer(usize),
}

impl Seen {
    fn item(&self) -> ht_item {
        match self {
            Seen::None => ht_item { kind: HT_NONE, data: ht_data { integer: 0 } },
            Seen::Int(value) => ht_int(*value),
            Seen::Float(value) => ht_float(*value),
            Seen::Text(text) => ht_string(text.as_ptr().cast(), text.len()),
            Seen::Pointer(address) => ht_pointer(*address as *mut c_void),
        }
    }

    /// Copies an item that the library handed out.
    fn of(item: &ht_item) -> Seen {
        // SAFETY: the library wrote the member that the kind names, and its bytes are good until the next change, as
        // are these.
        unsafe {
            match item.kind {
                HT_NONE => Seen::None,
                HT_INT => Seen::Int(item.data.integer),
                HT_FLOAT => Seen::Float(item.data.real),
                HT_POINTER => Seen::Pointer(item.data.pointer as usize),
                HT_STRING => {
                    let ht_text { bytes, length } = item.data.text;
                    let with_nul = std::slice::from_raw_parts(bytes.cast::<u8>(), length + 1);
                    assert_eq!(with_nul[length], 0, "a NUL follows a string that is lent");
                    Seen::Text(String::from_utf8(with_nul[..length].to_vec()).expect("what came in as UTF-8"))
                }
                kind => panic!("no kind of item: {kind}"),
            }
        }
    }
}

impl From<i64> for Seen {
    fn from(value: i64) -> Seen {
        Seen::Int(value)
    }
}

impl From<&str> for Seen {
    fn from(text: &str) -> Seen {
        Seen::Text(text.to_owned())
    }
}

/// An item before anything was written to it; a kind that the library does not know shows that nothing was.
fn blank() -> ht_item {
    ht_item { kind: 77, data: ht_data { integer: 77 } }
}

fn when_ok(status: ht_status, seen: impl FnOnce() -> Seen) -> Result<Seen, ht_status> {
    if status == HT_OK { Ok(seen()) } else { Err(status) }
}

impl Handle {
    fn new(size: usize, max_load: f64) -> Handle {
        let mut table = null_mut();
        // SAFETY: the place is a local.
        assert_eq!(unsafe { ht_new(size, max_load, &mut table) }, HT_OK);
        Handle(table)
    }

    fn with_equal(size: usize, equal: ht_equal, context: *mut c_void) -> Handle {
        let mut table = null_mut();
        // SAFETY: the place is a local; the tests pass callbacks that fit their contexts.
        assert_eq!(unsafe { ht_new_with_equal(size, 0.5, equal, context, &mut table) }, HT_OK);
        Handle(table)
    }

    fn set(&self, key: impl Into<Seen>, value: impl Into<Seen>) -> Result<Seen, ht_status> {
        let (key, value, mut old) = (key.into(), value.into(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_set(self.0, &key.item(), &value.item(), &mut old) };
        when_ok(status, || Seen::of(&old))
    }

    fn set_hashed(&self, hash: i64, key: impl Into<Seen>, value: impl Into<Seen>) -> Result<Seen, ht_status> {
        let (key, value, mut old) = (key.into(), value.into(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_set_hashed(self.0, hash, &key.item(), &value.item(), &mut old) };
        when_ok(status, || Seen::of(&old))
    }

    fn get(&self, key: impl Into<Seen>) -> Result<Seen, ht_status> {
        let (key, mut value) = (key.into(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_get(self.0, &key.item(), &mut value) };
        assert_eq!(value.kind == blank().kind, status != HT_OK, "a value is written with HT_OK and only then");
        when_ok(status, || Seen::of(&value))
    }

    fn get_hashed(&self, hash: i64, key: impl Into<Seen>) -> Result<Seen, ht_status> {
        let (key, mut value) = (key.into(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_get_hashed(self.0, hash, &key.item(), &mut value) };
        assert_eq!(value.kind == blank().kind, status != HT_OK, "a value is written with HT_OK and only then");
        when_ok(status, || Seen::of(&value))
    }

    fn remove(&self, key: impl Into<Seen>) -> Result<(Seen, Seen), ht_status> {
        let (key, mut old_key, mut old_value) = (key.into(), blank(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_remove(self.0, &key.item(), &mut old_key, &mut old_value) };
        if status == HT_OK { Ok((Seen::of(&old_key), Seen::of(&old_value))) } else { Err(status) }
    }

    fn remove_hashed(&self, hash: i64, key: impl Into<Seen>) -> Result<(Seen, Seen), ht_status> {
        let (key, mut old_key, mut old_value) = (key.into(), blank(), blank());
        // SAFETY: locals and a living table.
        let status = unsafe { ht_remove_hashed(self.0, hash, &key.item(), &mut old_key, &mut old_value) };
        if status == HT_OK { Ok((Seen::of(&old_key), Seen::of(&old_value))) } else { Err(status) }
    }

    fn clear(&self) {
        // SAFETY: a living table.
        assert_eq!(unsafe { ht_clear(self.0) }, HT_OK);
    }

    fn next(&self, place: &mut ht_place) -> Result<(Seen, Seen), ht_status> {
        let (mut key, mut value) = (blank(), blank());
        // SAFETY: locals and a living table.
        match unsafe { ht_next(self.0, place, &mut key, &mut value) } {
            HT_OK => Ok((Seen::of(&key), Seen::of(&value))),
            code => Err(code),
        }
    }

    fn pairs(&self) -> Vec<(Seen, Seen)> {
        let mut place = ht_place::default();
        let pairs = std::iter::from_fn(|| self.next(&mut place).ok()).collect();
        assert_eq!(self.next(&mut place), Err(HT_END));
        pairs
    }

    fn stats(&self) -> ht_stats {
        let mut stats = ht_stats::default();
        // SAFETY: a local and a living table.
        assert_eq!(unsafe { ht_statistics(self.0, &mut stats) }, HT_OK);
        stats
    }

    fn size(&self) -> usize {
        let mut size = 0;
        // SAFETY: a local and a living table.
        assert_eq!(unsafe { ht_size(self.0, &mut size) }, HT_OK);
        size
    }

    fn load(&self) -> usize {
        let mut load = 77;
        // SAFETY: a local and a living table.
        assert_eq!(unsafe { ht_load(self.0, &mut load) }, HT_OK);
        load
    }

    /// The picture as it fits into a buffer of so many bytes, with what lies behind that; the code, and the length that
    /// is needed.
    fn picture(&self, capacity: usize) -> (Vec<u8>, ht_status, usize) {
        let mut buffer = vec![b'#'; capacity + 8];
        let mut needed = 77;
        // SAFETY: the buffer is longer than it is said to be, and the table lives.
        let status = unsafe { ht_picture(self.0, buffer.as_mut_ptr().cast(), capacity, &mut needed) };
        (buffer, status, needed)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the tests free no table themselves.
        assert_eq!(unsafe { ht_free(self.0) }, HT_OK);
    }
}

fn pointer_to<T>(thing: &T) -> Seen {
    Seen::Pointer(thing as *const T as usize)
}

// ---- what it does --------------------------------------------------------------------------------------------------

#[test]
fn each_kind_of_item_comes_back_as_it_was() {
    let table = Handle::new(4, 0.5);
    let items = [
        Seen::Int(i64::MIN),
        Seen::Int(1),
        Seen::Float(1.0),
        Seen::Float(-0.5),
        "1".into(),
        "".into(),
        "with\0NULs\0".into(),
        "fünf Wörter, 五".into(),
    ];
    for (value, key) in items.iter().enumerate() {
        assert_eq!(table.set(key.clone(), value as i64), Ok(Seen::None), "{key:?} is new");
    }
    assert_eq!(table.load(), items.len());
    for (value, key) in items.iter().enumerate() {
        assert_eq!(table.get(key.clone()), Ok(Seen::Int(value as i64)), "{key:?}");
    }
    for item in &items {
        table.set("value", item.clone()).expect("it is a value like any other");
        assert_eq!(table.get("value"), Ok(item.clone()));
    }
}

#[test]
fn keys_are_equal_within_their_kind_only() {
    let table = Handle::new(4, 0.5);
    for (key, value) in [(Seen::Int(1), 10), (Seen::Float(1.0), 11), (Seen::Pointer(1), 12), ("1".into(), 13)] {
        assert_eq!(table.set_hashed(5, key, value), Ok(Seen::None));
    }
    assert_eq!(table.get_hashed(5, Seen::Float(1.0)), Ok(Seen::Int(11)));
    assert_eq!(table.get_hashed(5, Seen::Pointer(1)), Ok(Seen::Int(12)));
    assert_eq!(table.get_hashed(5, Seen::Pointer(2)), Err(HT_NOT_FOUND));
    // As C compares doubles.
    table.set(Seen::Float(0.0), 1).expect("it is good");
    assert_eq!(table.set(Seen::Float(-0.0), 2), Ok(Seen::Int(1)));
    table.set_hashed(0, Seen::Float(f64::NAN), 1).expect("it is good");
    assert_eq!(table.get_hashed(0, Seen::Float(f64::NAN)), Err(HT_NOT_FOUND));
}

#[test]
fn strings_that_differ_behind_a_nul_differ() {
    let table = Handle::new(4, 0.5);
    table.set("a\0b", 1).expect("it is good");
    table.set("a\0c", 2).expect("it is good");
    assert_eq!((table.get("a\0b"), table.get("a")), (Ok(Seen::Int(1)), Err(HT_NOT_FOUND)));
}

#[test]
fn the_table_has_copies_of_its_own() {
    let table = Handle::new(4, 0.5);
    let mut key = *b"key";
    let mut old = blank();
    // SAFETY: locals and a living table.
    unsafe {
        let item = ht_string(key.as_ptr().cast(), 3);
        assert_eq!(ht_set_hashed(table.0, 0, &item, &item, &mut old), HT_OK);
    }
    key.copy_from_slice(b"???");
    assert_eq!(table.get_hashed(0, "key"), Ok("key".into()));
}

#[test]
fn default_hashes() {
    let hash_of = |item: ht_item| {
        let mut hash = 77;
        // SAFETY: locals.
        match unsafe { ht_hash(&item, &mut hash) } {
            HT_OK => Ok(hash),
            code => Err(code),
        }
    };
    assert_eq!(hash_of(ht_int(-7)), Ok(-7));
    assert_eq!(hash_of(ht_float(-0.5)), Ok(-1));
    assert_eq!(hash_of(Seen::from("fünf\0").item()), Ok(5));
    assert_eq!(hash_of(ht_string(null(), 0)), Ok(0));
    for bad in [ht_float(f64::NAN), ht_float(f64::INFINITY), ht_float(1e300), ht_pointer(null_mut())] {
        assert_eq!(hash_of(bad), Err(HT_NO_HASH));
    }
}

#[test]
fn what_is_handed_out_lives_until_the_next_change() {
    let table = Handle::new(4, 0.5);
    table.set("key", "first").expect("it is good");
    let (mut got, mut old, mut removed) = (blank(), blank(), (blank(), blank()));
    let (key, value, other) = (Seen::from("key"), Seen::from("second"), Seen::from("other"));
    // SAFETY: locals and a living table. Each string that is lent is looked at before the change after the next.
    unsafe {
        assert_eq!(ht_get(table.0, &key.item(), &mut got), HT_OK);
        let bytes = got.data.text.bytes;
        assert_eq!(ht_set(table.0, &key.item(), &value.item(), &mut old), HT_OK);
        assert_eq!(
            old.data.text.bytes, bytes,
            "what was in the table is what is handed out: nothing is copied on the way"
        );
        // A failed change is none.
        assert_eq!(ht_remove(table.0, &other.item(), null_mut(), null_mut()), HT_NOT_FOUND);
        assert_eq!(Seen::of(&old), "first".into());
        assert_eq!(ht_remove(table.0, &key.item(), &mut removed.0, &mut removed.1), HT_OK);
        assert_eq!((Seen::of(&removed.0), Seen::of(&removed.1)), (key, value));
        // What is lent may be passed to the table that lends it, though it ends that very loan.
        assert_eq!(ht_set(table.0, &removed.0, &removed.1, null_mut()), HT_OK);
    }
    assert_eq!(table.get("key"), Ok("second".into()));
}

#[test]
fn a_lent_key_can_be_the_key_to_remove_or_to_overwrite() {
    let table = Handle::new(4, 0.5);
    table.set("key", "value").expect("it is good");
    let (mut key, mut value) = (blank(), blank());
    // SAFETY: locals and a living table; key and value are lent until the next change, which takes both.
    unsafe {
        assert_eq!(ht_next(table.0, &mut ht_place::default(), &mut key, &mut value), HT_OK);
        assert_eq!(ht_set(table.0, &key, &value, null_mut()), HT_OK);
        assert_eq!(ht_next(table.0, &mut ht_place::default(), &mut key, null_mut()), HT_OK);
        // The same variable comes in and goes out.
        let same: *mut ht_item = &mut key;
        assert_eq!(ht_remove(table.0, same, same, null_mut()), HT_OK);
    }
    assert_eq!(Seen::of(&key), "key".into());
    assert_eq!(table.load(), 0);
}

#[test]
fn clearing_goes_back_to_the_first_size() {
    let table = Handle::new(3, 0.5);
    (0..100).for_each(|key| assert_eq!(table.set(key, "text"), Ok(Seen::None)));
    assert!(table.size() > 3);
    table.clear();
    assert_eq!((table.size(), table.load(), table.pairs()), (3, 0, vec![]));
    table.clear();
    assert_eq!(table.set(1, 2), Ok(Seen::None));
}

#[test]
fn the_order_is_that_of_the_first_coming() {
    let table = Handle::new(4, 0.5);
    for key in [30, 10, 20] {
        table.set(key, 0).expect("it is good");
    }
    table.set(30, 1).expect("it is good");
    table.remove(10).expect("it is there");
    table.set(10, 2).expect("it is good");
    assert_eq!(table.pairs(), [(30.into(), 1.into()), (20.into(), 0.into()), (10.into(), 2.into())]);
}

#[test]
fn an_iteration_notices_pairs_that_come_and_go() {
    let table = Handle::new(8, 1.0);
    let changes: [fn(&Handle); 3] = [
        |table| drop(table.set(4, 4).expect("it is good")),
        |table| drop(table.remove(2).expect("it is there")),
        |table| {
            // The load is the same afterwards.
            table.remove(4).expect("it is there");
            table.set(5, 5).expect("it is good");
        },
    ];
    (1..=3).for_each(|key| assert_eq!(table.set(key, key), Ok(Seen::None)));
    for change in changes {
        let mut place = ht_place::default();
        table.next(&mut place).expect("there are pairs");
        table.set(1, 100).expect("it is good");
        table.next(&mut place).expect("overwriting is no such change");
        change(&table);
        assert_eq!(table.next(&mut place), Err(HT_CHANGED));
        assert_eq!(table.next(&mut place), Err(HT_CHANGED));
    }
}

#[test]
fn a_place_full_of_rubbish_is_no_danger() {
    let table = Handle::new(4, 0.5);
    let mut place = ht_place::default();
    table.set(1, 1).expect("it is good");
    table.next(&mut place).expect("there is a pair");
    let version = place.version;
    for next in [2, 3, 1 << 33, usize::MAX - 1, usize::MAX] {
        assert_eq!(table.next(&mut ht_place { next, version }), Err(HT_END), "{next}");
    }
    assert_eq!(table.next(&mut ht_place { next: 1, version: version ^ u64::MAX }), Err(HT_CHANGED));
}

#[test]
fn the_picture_fits_or_says_so() {
    let table = Handle::new(4, 0.5);
    table.set(1, 0).expect("it is good");
    table.set(5, 0).expect("it is good");
    let whole = b"[]\n[]**\n[]\n[]\n";
    for capacity in 0..whole.len() + 4 {
        let (buffer, status, needed) = table.picture(capacity);
        assert_eq!(needed, whole.len());
        let shown = capacity.saturating_sub(1).min(whole.len());
        assert_eq!(buffer[..shown], whole[..shown]);
        assert_eq!(status, if capacity == 0 || shown == whole.len() { HT_OK } else { HT_TOO_SMALL }, "{capacity}");
        if capacity > 0 {
            assert_eq!(buffer[shown], 0);
        }
        assert!(buffer[capacity..].iter().all(|byte| *byte == b'#'), "nothing is written behind the buffer");
    }
    let mut needed = 0;
    // SAFETY: a buffer of no bytes may be NULL.
    assert_eq!(unsafe { ht_picture(table.0, null_mut(), 0, &mut needed) }, HT_OK);
    assert_eq!(needed, whole.len());
}

#[test]
fn the_figures_count_strings_too() {
    let table = Handle::new(4, 0.5);
    for key in [1, 5] {
        table.set(key, key).expect("it is good");
    }
    let before = table.stats();
    assert_eq!((before.size, before.load, before.load_factor, before.resizes), (4, 2, 0.5, 0));
    assert_eq!((before.used_buckets, before.longest_chain, before.mean_probes), (1, 2, 1.5));
    table.set(5, "x".repeat(1000).as_str()).expect("it is good");
    assert!((1000..1100).contains(&(table.stats().bytes - before.bytes)));
    let mut max_load = 0.0;
    // SAFETY: a local and a living table.
    assert_eq!(unsafe { ht_max_load(table.0, &mut max_load) }, HT_OK);
    assert_eq!(max_load, 0.5);
}

#[test]
fn several_threads_may_look_up_at_once() {
    struct Shared(*mut ht_table);
    // SAFETY: the header promises that functions with a `const ht_table *` may be called from several threads at once.
    unsafe impl Sync for Shared {}

    unsafe extern "C" fn same(_: *mut c_void, stored: *const c_void, sought: *const c_void) -> i32 {
        // SAFETY: the keys of this test are i64s that live until its end.
        i32::from(unsafe { *stored.cast::<i64>() == *sought.cast::<i64>() })
    }

    let table = Handle::with_equal(4, Some(same), null_mut());
    let (stored, sought): (Vec<i64>, Vec<i64>) = ((0..200).collect(), (0..200).collect());
    for key in &stored {
        table.set_hashed(*key % 7, pointer_to(key), *key).expect("it is good");
    }
    let shared = Shared(table.0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let shared = &shared;
                let table = std::mem::ManuallyDrop::new(Handle(shared.0));
                for key in &sought {
                    assert_eq!(table.get_hashed(*key % 7, pointer_to(key)), Ok(Seen::Int(*key)));
                }
            });
        }
    });
    // All calls of the callback have been counted out again: the table is not busy, or dropping the handle would fail.
}

// ---- what it refuses -----------------------------------------------------------------------------------------------

#[test]
fn tables_that_cannot_be() {
    let mut table = null_mut();
    let mut make = |size, max_load| {
        // SAFETY: a local.
        let status = unsafe { ht_new(size, max_load, &mut table) };
        assert!(status == HT_OK || table.is_null(), "nothing is written");
        status
    };
    assert_eq!(make(0, 0.5), HT_BAD_SIZE);
    for max_load in [0.0, -0.0, -0.5, 1.0000001, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(make(4, max_load), HT_BAD_MAX_LOAD, "{max_load}");
    }
    for size in [usize::MAX, usize::MAX / 2, usize::MAX / 4, usize::MAX / 4 + 1, usize::MAX / 8] {
        assert_eq!(make(size, 0.5), HT_NO_MEMORY, "{size}");
    }
    // SAFETY: a local, and no callback.
    assert_eq!(unsafe { ht_new_with_equal(4, 0.5, None, null_mut(), &mut table) }, HT_NULL);
    assert!(table.is_null());
}

#[test]
fn every_pointer_may_be_null() {
    unsafe extern "C" fn never(_: *mut c_void, _: *const c_void, _: *const c_void) -> i32 {
        0
    }
    let handle = Handle::new(4, 0.5);
    handle.set(1, 1).expect("it is good");
    let (table, none) = (handle.0, null_mut::<ht_table>());
    let (one, mut out, mut place) = (ht_int(1), blank(), ht_place::default());
    let (mut number, mut real, mut hash, mut stats) = (0_usize, 0.0, 0_i64, ht_stats::default());
    let mut buffer = [0 as c_char; 100];
    let nothing = null::<ht_item>();
    // SAFETY: all pointers are NULL, the living table or locals.
    let answers = unsafe {
        [
            ht_hash(nothing, &mut hash),
            ht_hash(&one, null_mut()),
            ht_new(4, 0.5, null_mut()),
            ht_new_with_equal(4, 0.5, Some(never), null_mut(), null_mut()),
            ht_set(none, &one, &one, &mut out),
            ht_set(table, nothing, &one, &mut out),
            ht_set(table, &one, nothing, &mut out),
            ht_set_hashed(none, 1, &one, &one, &mut out),
            ht_set_hashed(table, 1, nothing, &one, &mut out),
            ht_set_hashed(table, 1, &one, nothing, &mut out),
            ht_get(none, &one, &mut out),
            ht_get(table, nothing, &mut out),
            ht_get(table, &one, null_mut()),
            ht_get_hashed(none, 1, &one, &mut out),
            ht_get_hashed(table, 1, nothing, &mut out),
            ht_get_hashed(table, 1, &one, null_mut()),
            ht_remove(none, &one, &mut out, &mut out),
            ht_remove(table, nothing, &mut out, &mut out),
            ht_remove_hashed(none, 1, &one, &mut out, &mut out),
            ht_remove_hashed(table, 1, nothing, &mut out, &mut out),
            ht_clear(none),
            ht_next(none, &mut place, &mut out, &mut out),
            ht_next(table, null_mut(), &mut out, &mut out),
            ht_size(none, &mut number),
            ht_size(table, null_mut()),
            ht_load(none, &mut number),
            ht_load(table, null_mut()),
            ht_max_load(none, &mut real),
            ht_max_load(table, null_mut()),
            ht_picture(none, buffer.as_mut_ptr(), 100, &mut number),
            ht_picture(table, null_mut(), 100, &mut number),
            ht_picture(table, buffer.as_mut_ptr(), 100, null_mut()),
            ht_statistics(none, &mut stats),
            ht_statistics(table, null_mut()),
        ]
    };
    for (nth, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer, HT_NULL, "call {nth}");
    }
    assert_eq!(out.kind, blank().kind, "nothing was written");
    assert_eq!(handle.pairs(), [(1.into(), 1.into())]);
    // These may be NULL, and that is not refused.
    // SAFETY: as above.
    unsafe {
        assert_eq!(ht_free(none), HT_OK);
        assert_eq!(ht_set(table, &one, &one, null_mut()), HT_OK);
        assert_eq!(ht_next(table, &mut place, null_mut(), null_mut()), HT_OK);
        assert_eq!(ht_remove(table, &one, null_mut(), null_mut()), HT_OK);
    }
}

#[test]
fn items_that_are_none() {
    let text = |bytes: &'static [u8]| ht_string(bytes.as_ptr().cast(), bytes.len());
    let kind = |kind| ht_item { kind, data: ht_data { integer: 1 } };
    let bad = [
        (kind(HT_NONE), HT_BAD_KIND),
        (kind(5), HT_BAD_KIND),
        (kind(-1), HT_BAD_KIND),
        (kind(i32::MIN), HT_BAD_KIND),
        (text(b"\xff"), HT_NOT_UTF8),
        (text(b"cut off: \xe2\x82"), HT_NOT_UTF8),
        (text(b"half a pair: \xed\xa0\x80"), HT_NOT_UTF8),
        (text(b"longer than need be: \xc0\x80"), HT_NOT_UTF8),
        (ht_string(null(), 1), HT_NULL),
        (ht_string(c"short".as_ptr(), usize::MAX), HT_TOO_LONG),
        (ht_string(c"short".as_ptr(), isize::MAX as usize), HT_TOO_LONG),
        (ht_string(null(), usize::MAX), HT_TOO_LONG),
    ];
    let handle = Handle::new(4, 0.5);
    handle.set(1, "one").expect("it is good");
    let (table, one, mut out, mut hash) = (handle.0, ht_int(1), blank(), 77);
    for (nth, (item, code)) in bad.into_iter().enumerate() {
        // SAFETY: locals and a living table; the strings are as long as they say, or refused before they are looked at.
        unsafe {
            assert_eq!(ht_hash(&item, &mut hash), code, "item {nth}");
            assert_eq!(ht_set(table, &item, &one, &mut out), code, "item {nth}");
            assert_eq!(ht_set(table, &one, &item, &mut out), code, "item {nth}");
            assert_eq!(ht_set_hashed(table, 1, &item, &one, &mut out), code, "item {nth}");
            assert_eq!(ht_set_hashed(table, 1, &one, &item, &mut out), code, "item {nth}");
            assert_eq!(ht_get(table, &item, &mut out), code, "item {nth}");
            assert_eq!(ht_get_hashed(table, 1, &item, &mut out), code, "item {nth}");
            assert_eq!(ht_remove(table, &item, &mut out, &mut out), code, "item {nth}");
            assert_eq!(ht_remove_hashed(table, 1, &item, &mut out, &mut out), code, "item {nth}");
        }
    }
    assert_eq!((out.kind, hash), (blank().kind, 77), "nothing was written");
    assert_eq!(handle.pairs(), [(1.into(), "one".into())]);
    assert_eq!(handle.get(Seen::Pointer(1)), Err(HT_NO_HASH));
}

#[test]
fn every_code_has_words() {
    let words = |code| {
        // SAFETY: the header promises a constant that ends with a NUL.
        unsafe { CStr::from_ptr(ht_error_message(code)) }.to_str().expect("the words are UTF-8")
    };
    let texts: HashSet<&str> = (HT_OK..=HT_INTERNAL).map(words).collect();
    assert_eq!(texts.len(), HT_INTERNAL as usize + 1, "each its own");
    assert!(!texts.contains(words(HT_INTERNAL + 1)) && words(HT_INTERNAL + 1) == words(i32::MAX));
    assert!(!texts.contains(words(-1)) && words(-1) == words(i32::MIN));
}

// ---- what a callback may do ----------------------------------------------------------------------------------------

type Orders = dyn FnMut(&i64, &i64) -> i32;

thread_local! {
    /// What the callback is to do.
    static ORDERS: RefCell<Box<Orders>> = RefCell::new(Box::new(|_, _| 0));
    /// A callback's look-up may call the callback again, which then only compares.
    static DOING: Cell<bool> = const { Cell::new(false) };
    /// How often a callback was called.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// The callback of these tests: the keys are pointers to numbers that live as long as the test.
unsafe extern "C" fn equal(context: *mut c_void, stored: *const c_void, sought: *const c_void) -> i32 {
    assert!(context.is_null());
    CALLS.set(CALLS.get() + 1);
    // SAFETY: all keys of these tests are pointers to i64s that live.
    let (stored, sought) = unsafe { (&*stored.cast::<i64>(), &*sought.cast::<i64>()) };
    if DOING.replace(true) {
        return i32::from(stored == sought);
    }
    let answer = ORDERS.with_borrow_mut(|orders| orders(stored, sought));
    DOING.set(false);
    answer
}

fn when_asked(orders: impl FnMut(&i64, &i64) -> i32 + 'static) {
    ORDERS.set(Box::new(orders));
}

fn number(value: i64) -> &'static i64 {
    Box::leak(Box::new(value))
}

/// A table with pointers to 1, 2 and 3, all with the hash 0, for their values; what its callback does is yet to be
/// said.
fn asked() -> Handle {
    let table = Handle::with_equal(8, Some(equal), null_mut());
    when_asked(|stored, sought| i32::from(stored == sought));
    (1..=3).for_each(|value| assert_eq!(table.set_hashed(0, pointer_to(number(value)), value), Ok(Seen::None)));
    table
}

#[test]
fn a_callback_says_what_is_equal() {
    let table = asked();
    assert_eq!(table.get_hashed(0, pointer_to(number(2))), Ok(Seen::Int(2)));
    assert_eq!(table.get_hashed(0, pointer_to(number(4))), Err(HT_NOT_FOUND));
    assert_eq!(table.set_hashed(0, pointer_to(number(2)), 22), Ok(Seen::Int(2)));
    let (key, value) = table.remove_hashed(0, pointer_to(number(2))).expect("it is there");
    assert_eq!(value, Seen::Int(22));
    // It is not asked where the hash differs, the address is the same, or the kind is another.
    CALLS.set(0);
    let mine = number(5);
    table.set_hashed(5, pointer_to(mine), 5).expect("it is good");
    assert_eq!(table.get_hashed(5, pointer_to(mine)), Ok(Seen::Int(5)));
    assert_eq!(table.get_hashed(0, 1), Err(HT_NOT_FOUND));
    assert_eq!(CALLS.get(), 0);
    assert_eq!(table.get_hashed(0, key), Err(HT_NOT_FOUND));
    assert_eq!(CALLS.get(), 2);
}

#[test]
fn a_callback_that_fails_changes_nothing() {
    let table = asked();
    let before = table.pairs();
    for (answer, code) in [(-1, -1), (-42, -42), (i32::MIN, i32::MIN), (2, HT_BAD_ANSWER), (i32::MAX, HT_BAD_ANSWER)] {
        when_asked(move |_, _| answer);
        assert_eq!(table.get_hashed(0, pointer_to(number(1))), Err(code));
        assert_eq!(table.set_hashed(0, pointer_to(number(1)), 9), Err(code));
        assert_eq!(table.set_hashed(0, pointer_to(number(9)), "text"), Err(code));
        assert_eq!(table.remove_hashed(0, pointer_to(number(1))), Err(code));
        assert_eq!(table.pairs(), before);
    }
}

/// What the three operations on the key 2 answer if a callback does this to the table meanwhile. It is done once while
/// another key is compared and once while the very key is, which the callback then says is equal: the answers are the
/// same.
fn meddle(orders: fn(&Handle)) -> [Result<Seen, ht_status>; 3] {
    type Operation = fn(&Handle) -> Result<Seen, ht_status>;
    let operations: [Operation; 3] = [
        |table| table.get_hashed(0, pointer_to(number(2))),
        |table| table.set_hashed(0, pointer_to(number(2)), 22),
        |table| table.remove_hashed(0, pointer_to(number(2))).map(|(_, value)| value),
    ];
    operations.map(|operation| {
        let [with_another, with_itself] = [3, 2].map(|moment| {
            let table = asked();
            let inside = std::mem::ManuallyDrop::new(Handle(table.0));
            let mut first = true;
            when_asked(move |stored, sought| {
                if *stored == moment && std::mem::take(&mut first) {
                    orders(&inside);
                }
                i32::from(stored == sought)
            });
            let answer = operation(&table);
            // In a debug build every change has checked the table's invariants; here the pairs are counted another way.
            assert_eq!(table.pairs().len(), table.load());
            when_asked(|_, _| 0);
            answer
        });
        assert_eq!(with_another, with_itself);
        with_itself
    })
}

#[test]
fn a_callback_may_add_until_the_table_grows() {
    let answers = meddle(|table| {
        for key in 10..100 {
            table.set_hashed(key, pointer_to(number(key)), key).expect("it is good");
        }
    });
    assert_eq!(answers, [Ok(Seen::Int(2)), Ok(Seen::Int(2)), Ok(Seen::Int(2))]);
}

#[test]
fn a_callback_may_empty_the_table() {
    assert_eq!(meddle(Handle::clear), [Err(HT_NOT_FOUND), Ok(Seen::None), Err(HT_NOT_FOUND)]);
}

#[test]
fn a_callback_may_remove_the_very_key_that_is_compared() {
    let answers = meddle(|table| {
        table.remove_hashed(0, pointer_to(number(3))).expect("the newest, and so the first to be compared");
    });
    assert_eq!(answers, [Ok(Seen::Int(2)), Ok(Seen::Int(2)), Ok(Seen::Int(2))]);
    let answers = meddle(|table| {
        table.remove_hashed(0, pointer_to(number(2))).expect("it is there");
    });
    assert_eq!(answers, [Err(HT_NOT_FOUND), Ok(Seen::None), Err(HT_NOT_FOUND)]);
}

#[test]
fn a_callback_may_overwrite_the_value_that_is_looked_up() {
    let answers = meddle(|table| {
        table.set_hashed(0, pointer_to(number(2)), "two").expect("it is good");
    });
    assert_eq!(answers, [Ok("two".into()), Ok("two".into()), Ok("two".into())]);
}

#[test]
fn a_callback_may_look_at_everything() {
    let answers = meddle(|table| {
        assert_eq!((table.size(), table.load(), table.pairs().len(), table.stats().load), (8, 3, 3, 3));
        assert_eq!(table.picture(100).1, HT_OK);
    });
    assert_eq!(answers, [Ok(Seen::Int(2)), Ok(Seen::Int(2)), Ok(Seen::Int(2))]);
}

#[test]
fn a_callback_may_not_free_the_table() {
    let answers = meddle(|table| {
        // SAFETY: that this is refused is the point.
        assert_eq!(unsafe { ht_free(table.0) }, HT_BUSY);
    });
    assert_eq!(answers, [Ok(Seen::Int(2)), Ok(Seen::Int(2)), Ok(Seen::Int(2))]);
}

#[test]
fn a_callback_that_never_leaves_the_table_alone_is_given_up() {
    let table = asked();
    let inside = std::mem::ManuallyDrop::new(Handle(table.0));
    when_asked(move |_, _| {
        inside.set_hashed(1, 1, 1).expect("it is good");
        inside.remove_hashed(1, 1).expect("it was just put there");
        0
    });
    assert_eq!(table.get_hashed(0, pointer_to(number(2))), Err(HT_CHANGED));
    assert_eq!(table.load(), 3);
}

// ---- against the obvious -------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Call {
    Set(Seen, Seen),
    Remove(Seen),
    Get(Seen),
    Clear,
}

fn any_item() -> impl Strategy<Value = Seen> {
    prop_oneof![
        (-3_i64..12).prop_map(Seen::Int),
        (-3_i32..6).prop_map(|half| Seen::Float(f64::from(half) / 2.0)),
        "[aé\0]{0,2}".prop_map(Seen::Text),
        (0_usize..3).prop_map(Seen::Pointer),
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => (any_item(), any_item()).prop_map(|(key, value)| Call::Set(key, value)),
        3 => any_item().prop_map(Call::Remove),
        3 => any_item().prop_map(Call::Get),
        1 => Just(Call::Clear),
    ]
}

/// A hash that collides often, and differs for equal keys never.
fn hash_of(key: &Seen) -> i64 {
    match key {
        Seen::Int(value) => value % 3,
        Seen::Float(value) => *value as i64,
        Seen::Text(text) => -(text.len() as i64),
        Seen::Pointer(address) => *address as i64,
        Seen::None => unreachable!("no key is nothing"),
    }
}

proptest! {
    #[test]
    fn any_calls_answer_as_a_list_of_pairs_would(
        size in 1_usize..6,
        calls in prop::collection::vec(any_call(), 0..120),
    ) {
        let table = Handle::new(size, 0.7);
        let mut model: Vec<(Seen, Seen)> = Vec::new();
        for call in calls {
            let place = |model: &[(Seen, Seen)], key: &Seen| model.iter().position(|(other, _)| other == key);
            match call {
                Call::Set(key, value) => {
                    let before = match place(&model, &key) {
                        Some(at) => std::mem::replace(&mut model[at].1, value.clone()),
                        None => {
                            model.push((key.clone(), value.clone()));
                            Seen::None
                        }
                    };
                    prop_assert_eq!(table.set_hashed(hash_of(&key), key, value), Ok(before));
                }
                Call::Remove(key) => {
                    let removed = place(&model, &key).map(|at| model.remove(at)).ok_or(HT_NOT_FOUND);
                    prop_assert_eq!(table.remove_hashed(hash_of(&key), key), removed);
                }
                Call::Get(key) => {
                    let value = place(&model, &key).map(|at| model[at].1.clone()).ok_or(HT_NOT_FOUND);
                    prop_assert_eq!(table.get_hashed(hash_of(&key), key), value);
                }
                Call::Clear => {
                    model.clear();
                    table.clear();
                }
            }
            prop_assert_eq!(&table.pairs(), &model);
        }
    }
}
