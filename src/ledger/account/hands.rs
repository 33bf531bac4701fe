//! What a call has in hand.
//!
//! Each call from CPython into the extension has a frame, and in it a [`Hand`] for every object that the call has dealt with. A
//! reference that comes into hand is put down with the line that took it; one that goes takes the last such line with it.

use super::book::{STRICT, book};
use super::calls::Answer;
use super::describe::describe;
use super::notes::note_fields;
use super::report::{Finding, find, is_noting, note, record};
use super::stored::{Fields, fields_of};
use super::{Address, Site};
use crate::peek;
use core::cell::RefCell;
use core::hash::{BuildHasherDefault, Hasher};
use core::panic::Location;
use core::sync::atomic::Ordering;
use pyo3_ffi::PyObject;
use std::collections::HashMap;

/// Addresses are their own hash, but for the low bits, which alignment makes zero.
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

/// What a call knows of one object.
#[derive(Default)]
pub(super) struct Hand {
    /// Where each reference that is in hand was taken. Empty: the object is known, but not owned.
    pub(super) taken: Vec<Site>,
    /// Does somebody keep it alive for the whole call, as the caller does with arguments?
    pub(super) kept: bool,
    /// Is it borrowed from something that can let go of it? Then no Python code may run before it is owned.
    pub(super) lent: bool,
    /// Its type, read when it was certainly alive.
    pub(super) type_object: usize,
    /// Where it was last borrowed.
    pub(super) borrowed_at: Site,
    /// Is it known how the call came by it? Not if the first that was seen of it is an INCREF: it may have come, owned, from a call
    /// that the ledger does not know.
    pub(super) origin: bool,
    /// What its count must be if nobody but this call has touched it.
    pub(super) expected: isize,
    /// It was given back, and that was the last reference.
    pub(super) died: bool,
}

impl Hand {
    /// What is known of an object when it is first met.
    ///
    /// # Safety
    /// `op` is alive.
    pub(super) unsafe fn of(op: *mut PyObject, origin: bool) -> Hand {
        // SAFETY: the caller's promise.
        let (type_object, expected) = unsafe { (pyo3_ffi::Py_TYPE(op) as usize, pyo3_ffi::Py_REFCNT(op) as isize) };
        Hand { type_object, expected, origin, ..Hand::default() }
    }

    /// Can it be said, of an object that is not in hand, that the call does not own it? An extension that enters everything has its
    /// word taken for it. Of another one it is known only if the object came from where it can be seen, and its count has not moved
    /// otherwise: a call that is not seen may have returned it, and then the count is higher. The count of an immortal object proves
    /// nothing.
    pub(super) fn proves_a_deficit(&self, address: Address) -> bool {
        if self.died {
            return peek::head(address).is_none();
        }
        let Some((count, _)) = peek::head(address) else { return true };
        self.origin && count == self.expected && count < LEAST_IMMORTAL
    }
}

/// No mortal object has so many references.
pub(super) const LEAST_IMMORTAL: isize = 1 << 30;

/// One call into the extension.
pub(super) struct Frame {
    pub(super) function: &'static str,
    /// Is what it does not to be recorded?
    pub(super) aside: bool,
    pub(super) hands: ByAddress<Hand>,
    /// The objects whose [`Hand::lent`] is set.
    pub(super) lent: Vec<Address>,
    /// What the function has said it returns.
    pub(super) given: Address,
    /// What the call can have written into.
    pub(super) structs: Vec<Fields>,
    /// Was an exception set when the call began, and of which type? (Address of the type, or 0.)
    pub(super) exception: Address,
}

impl Frame {
    pub(super) fn new(function: &'static str) -> Frame {
        Frame {
            function,
            aside: false,
            hands: ByAddress::default(),
            lent: Vec::new(),
            given: 0,
            structs: Vec::new(),
            exception: 0,
        }
    }
}

/// What happens outside any call: while the module is made.
pub(super) const OUTSIDE: &str = "outside any call";

thread_local! {
    pub(super) static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Does something with the frame of the call that is running. Nothing here may call Python.
pub(super) fn in_frame<T>(act: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    // A thread that is ending has no frames any more.
    FRAMES
        .try_with(|frames| {
            let mut frames = frames.borrow_mut();
            if frames.is_empty() {
                frames.push(Frame::new(OUTSIDE));
            }
            act(frames.last_mut().expect("there is one"))
        })
        .ok()
}

/// Does something that is not to touch the books of the call that is running: what a build says about itself is not what it does.
/// It has a frame of its own, which is judged like any other, and its events are not recorded.
pub fn aside<T>(act: impl FnOnce() -> T) -> T {
    /// Also if `act` panics.
    struct Ended;
    impl Drop for Ended {
        fn drop(&mut self) {
            let frame = FRAMES.try_with(|frames| frames.borrow_mut().pop()).ok().flatten();
            if let Some(mut frame) = frame {
                frame.close(Answer::Nothing);
            }
        }
    }
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let _ = FRAMES.try_with(|frames| frames.borrow_mut().push(Frame { aside: true, ..Frame::new(function) }));
    let _ended = Ended;
    act()
}

/// A reference was taken: it is in hand.
pub(crate) fn take(op: *mut PyObject, what: &'static str, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        // SAFETY: a reference has just been taken to it.
        let now = unsafe { Hand::of(op, what != "incref") };
        let hand = frame.hands.entry(op as Address).or_default();
        if hand.type_object == 0 || hand.died {
            *hand = now;
        } else {
            hand.expected = match what {
                "incref" => hand.expected + 1,
                // A call that returned it may have done anything with its count.
                "new" => now.expected,
                _ => hand.expected,
            };
        }
        hand.taken.push(site);
        hand.lent = false;
    });
    record(what, op, site, count_of(op, true), true);
}

/// A new reference was received from a call that the ledger does not know. `op` may be NULL. Returns it.
#[track_caller]
pub fn received(op: *mut PyObject) -> *mut PyObject {
    take(op, "new", Some(Location::caller()));
    op
}

/// A new object of the extension's own.
pub(crate) fn made(op: *mut PyObject, site: Site) {
    take(op, "new", site);
    if let Some(fields) = (!op.is_null()).then(|| fields_of(op)).flatten() {
        if is_noting() {
            note_fields(&fields);
        }
        in_frame(|frame| frame.structs.push(fields));
    }
}

/// A borrowed reference was obtained. `from_mutable`: what lends it can let go of it, as soon as Python code runs.
pub(crate) fn lend(op: *mut PyObject, from_mutable: bool, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        let hand = frame.hands.entry(op as Address).or_default();
        if hand.type_object == 0 || hand.died {
            // SAFETY: whoever lends it keeps it alive. `None` and its like may have come from anywhere before.
            *hand = unsafe { Hand::of(op, !is_always_there(op)) };
        }
        hand.borrowed_at = site;
        hand.kept |= !from_mutable;
        if from_mutable && hand.taken.is_empty() && !hand.kept && !hand.lent {
            hand.lent = true;
            frame.lent.push(op as Address);
        }
    });
    record("borrowed", op, site, count_of(op, true), true);
}

/// None, True, False, NotImplemented.
pub(super) fn is_always_there(op: *mut PyObject) -> bool {
    // SAFETY: they always exist.
    unsafe {
        [pyo3_ffi::Py_None(), pyo3_ffi::Py_True(), pyo3_ffi::Py_False(), pyo3_ffi::Py_NotImplemented()].contains(&op)
    }
}

/// A reference was borrowed from a container of the extension's own, which can let go of it as soon as Python code runs.
#[track_caller]
pub fn lent(op: *mut PyObject) {
    lend(op, true, Some(Location::caller()));
}

/// A call is about to be made that may run Python code, with these arguments. None of them may be merely borrowed from a container
/// that can let go of it meanwhile; and whatever is so borrowed must not be used afterwards.
pub(crate) fn may_run_python(call: &'static str, arguments: &[Address], site: Site) {
    let unprotected = in_frame(|frame| {
        if frame.lent.is_empty() || (arguments.iter().any(|&it| it != 0) && arguments.iter().all(|&it| is_plain(it))) {
            return Vec::new();
        }
        let used = |address: &&Address| frame.hands.get(address).is_some_and(|hand| hand.lent);
        let unprotected = arguments.iter().filter(used).map(|&address| (address, frame.function)).collect();
        for address in frame.lent.drain(..) {
            if let Some(hand) = frame.hands.get_mut(&address) {
                hand.lent = false;
            }
        }
        unprotected
    });
    for (address, function) in unprotected.unwrap_or_default() {
        let (type_name, repr) = describe(address, 0);
        let what = format!("passed to {call}, which may run any code, while it is only borrowed");
        find(Finding { kind: "borrowed", what, site, function, address, type_name, repr });
    }
}

/// Is it a value of which no operation runs any code of a user's? 0, which is no object, is one.
pub(super) fn is_plain(address: Address) -> bool {
    if address == 0 || is_always_there(address as *mut PyObject) {
        return true;
    }
    // SAFETY: it is an argument of a call that is about to be made.
    let type_object = unsafe { pyo3_ffi::Py_TYPE(address as *mut PyObject) };
    let plain = [
        &raw mut pyo3_ffi::PyLong_Type,
        &raw mut pyo3_ffi::PyFloat_Type,
        &raw mut pyo3_ffi::PyUnicode_Type,
        &raw mut pyo3_ffi::PyBytes_Type,
    ];
    plain.contains(&type_object)
}

/// A call is about to be made that takes references of its own to its arguments before anything else can happen.
pub(crate) fn runs_nothing(_call: &'static str, _arguments: &[Address], _site: Site) {}

// ---- references go out of hand -----------------------------------------------------------------------------------------------

/// A reference goes out of hand. Says so, before anything is done with it, if it was not in hand.
pub(crate) fn give(op: *mut PyObject, what: &'static str, site: Site) {
    if op.is_null() {
        return;
    }
    let address = op as Address;
    let went = in_frame(|frame| {
        let Some(hand) = frame.hands.get_mut(&address) else { return (false, false, 0, None, frame.function) };
        let owned = hand.taken.pop().is_some();
        // Outside any call nothing ends, and what is known of an object is soon out of date.
        let proven = !owned && frame.function != OUTSIDE && hand.proves_a_deficit(address);
        (owned, proven, hand.type_object, hand.borrowed_at, frame.function)
    });
    let Some((owned, proven, type_object, borrowed_at, function)) = went else { return };
    let strict = STRICT.load(Ordering::Relaxed);
    if !owned && !book().take_found(address, what != "decref") && (proven || strict) {
        let (type_name, repr) = describe(address, type_object);
        let words = match what {
            "decref" => "given back without being owned",
            "returned" if site.is_none() && borrowed_at.is_some() => {
                "borrowed here, and returned to the caller without being owned"
            }
            "returned" => "returned to the caller without being owned",
            "stolen" => "given away to a call that steals it, without being owned",
            _ => "stored without being owned",
        };
        let (what, site) = (words.to_owned(), site.or(borrowed_at));
        find(Finding { kind: "deficit", what, site, function, address, type_name, repr });
    }
    let count = count_of(op, owned);
    if what == "decref" {
        in_frame(|frame| {
            if let Some(hand) = frame.hands.get_mut(&address) {
                hand.expected -= 1;
                hand.died = count <= 1;
            }
        });
    }
    record(what, op, site, if what == "decref" { count - 1 } else { count }, owned);
}

/// The object's count; 0 if it is not. `alive`: it certainly is.
pub(super) fn count_of(op: *mut PyObject, alive: bool) -> isize {
    // SAFETY: the caller says so.
    if alive { unsafe { pyo3_ffi::Py_REFCNT(op) as isize } } else { peek::head(op as Address).map_or(0, |head| head.0) }
}

/// If the reference is in hand, it goes; if not, nothing can be said.
pub(crate) fn settle(op: *mut PyObject, what: &'static str) {
    if in_frame(|frame| frame.hands.get(&(op as Address)).is_some_and(|hand| !hand.taken.is_empty())) == Some(true) {
        give(op, what, None);
    }
}

/// A field is about to be emptied whose content is then given back. If it is entered there, it is in hand from now on.
pub(crate) fn emptied(field: *mut *mut PyObject, op: *mut PyObject, site: Site) {
    let mut open = book();
    if op.is_null() || !open.holds(field as Address, op as Address) {
        return;
    }
    if let Some(kept) = open.fields.remove(&(field as Address)) {
        open.forget_found(&kept, field as Address);
    }
    drop(open);
    note(&["from field", &(field as Address).to_string(), &(op as Address).to_string()]);
    take(op, "taken", site);
}

/// The reference goes to the function's caller. `op` may be NULL. Returns it.
#[track_caller]
pub fn given(op: *mut PyObject) -> *mut PyObject {
    give(op, "returned", Some(Location::caller()));
    in_frame(|frame| frame.given = op as Address);
    op
}
