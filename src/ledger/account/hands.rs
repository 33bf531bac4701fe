//! What a call has in hand.
//!
//! Each call from CPython into the extension has a frame, and in it a [`Hand`] for every object that the call has dealt with. A
//! reference that comes into hand is put down with the line that took it; one that goes takes the last such line with it.

use super::always;
use super::by_address::Few;
use super::calls::Returned;
use super::describe::describe;
use super::ledger::{STRICT, is_blind, ledger};
use super::notes::note_fields;
use super::report::{Finding, find, is_noting, note_numbers, record};
use super::shown::take_shown;
use super::stored::{Fields, fields_of, own_base};
use super::{Address, Site};
use crate::layout;
use crate::peek;
use crate::spot::Spot;
use crate::trampolines;
use core::cell::Cell;
use core::sync::atomic::Ordering;
use pyo3_ffi::PyObject;

/// Where each reference that is in hand was taken, the last one on top. Nearly always there is at most one, which needs no memory
/// of its own.
#[derive(Default)]
pub(super) struct Taken {
    top: Option<Site>,
    below: Vec<Site>,
}

impl Taken {
    pub(super) fn push(&mut self, site: Site) {
        if let Some(covered) = self.top.replace(site) {
            self.below.push(covered);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Site> {
        let top = self.top.take();
        self.top = self.below.pop();
        top
    }

    /// Takes away the reference that is given back at this place. Of more than one it is the last that the same activation of a
    /// function has taken, as far as the callers tell it: a function gives back what it took itself, and not what one that it has
    /// called took and forgot. Else it is the last of all.
    fn pop_at(&mut self, site: Site) -> Option<Site> {
        if self.below.is_empty() {
            return self.top.take();
        }
        let callers = |site: &Site| site.map(|spot| spot.callers()).filter(|callers| callers[0] != 0);
        let here = callers(&site);
        if here.is_some() && self.top.as_ref().is_some_and(|top| callers(top) != here) {
            let same = self.below.iter().rposition(|taken| callers(taken) == here);
            if let Some(at) = same {
                return Some(self.below.remove(at));
            }
        }
        self.pop()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Site> {
        self.below.iter().copied().chain(self.top)
    }
}

/// What a call knows of one object.
#[derive(Default)]
pub(super) struct Hand {
    /// Where each reference that is in hand was taken. Empty: the object is known, but not owned.
    pub(super) taken: Taken,
    /// Does somebody keep it alive for the whole call, as the caller does with arguments?
    pub(super) kept: bool,
    /// Is it borrowed from something that can release it? Then no Python code may run before it is owned.
    pub(super) lent: bool,
    /// Its type, read when it was certainly alive.
    pub(super) type_object: usize,
    /// Where it was last borrowed.
    pub(super) borrowed_at: Site,
    /// It is always there, and the call has borrowed it by its name, and in no other way.
    pub(super) named: bool,
    /// Is it known where the call has it from? Not if an INCREF is the first thing seen of it: a call that the ledger does not know
    /// may have returned it, with a reference.
    pub(super) origin: bool,
    /// What its count must be if nobody but this call has touched it.
    pub(super) expected: isize,
    /// How many references the call was seen to take, less those that it gave back.
    pub(super) moved: isize,
    /// How often it was seen to be stolen.
    pub(super) stolen: usize,
    /// It is a list or a tuple that the call has made, and had places without items when it did.
    pub(super) blank: bool,
    /// It is the type of an object that the call has freed, which held a reference to it.
    pub(super) was_held: bool,
    /// It was given back, and that was the last reference.
    pub(super) died: bool,
}

impl Hand {
    /// What is known of an object when it is first met.
    ///
    /// # Safety
    /// `op` is alive.
    pub(super) unsafe fn of(op: *mut PyObject, origin: bool) -> Hand {
        // SAFETY: the object is alive, says the caller, so its head can be read: a count and a type.
        let (type_object, expected) = unsafe { (pyo3_ffi::Py_TYPE(op) as usize, layout::count_of(op)) };
        Hand { type_object, expected, origin, ..Hand::default() }
    }

    /// Can it be said, of an object that is not in hand, that the call does not own it? An extension that enters everything has its
    /// word taken for it. Of another one it is known only if the object came from where it can be seen, and its count has not moved
    /// otherwise: a call that is not seen may have returned it, and then the count is higher. The count of an immortal object
    /// proves nothing, nor does that of a small int: a call comes by it in many ways, and some are not seen.
    pub(super) fn proves_a_deficit(&self, address: Address) -> bool {
        if self.died {
            return peek::head(address).is_none();
        }
        let Some((count, _)) = peek::head(address) else { return true };
        self.origin && count == self.expected && count < LEAST_IMMORTAL && !is_small_int(address, self.type_object)
    }
}

/// Is it one of the ints that CPython makes once?
fn is_small_int(address: Address, type_object: Address) -> bool {
    if type_object != &raw mut pyo3_ffi::PyLong_Type as usize {
        return false;
    }
    let mut overflow = 0;
    // SAFETY: it was seen a moment ago with a count and with the type of ints, so it is an int; no Python code runs.
    let number = unsafe { pyo3_ffi::PyLong_AsLongAndOverflow(address as *mut PyObject, &raw mut overflow) };
    overflow == 0 && (-5..=1024).contains(&number)
}

/// No mortal object has this many references.
pub(super) const LEAST_IMMORTAL: isize = 1 << 30;

/// One call into the extension.
pub(super) struct Frame {
    pub(super) function: &'static str,
    /// Is nothing that it does recorded?
    pub(super) aside: bool,
    pub(super) hands: Few<Hand>,
    /// How many references are in hand, of all objects together.
    pub(super) open: usize,
    /// What is always there and was borrowed by its name, and where, if nothing else has been done with it since. Most such objects
    /// are only compared, or are not even that: so a hand is made when something is done. 0: there is none.
    named: (Address, Site),
    /// The objects whose [`Hand::lent`] is set.
    pub(super) lent: Vec<Address>,
    /// The objects of whose buffers the call has a description that another call has filled in.
    buffers: Vec<Address>,
    /// What the function has said it returns.
    pub(super) given: Address,
    /// What the call was given, as far as it is the extension's own, and what it made: it can have written into that.
    pub(super) structs: Vec<Fields>,
    /// Was an exception set when the call began, and of which type? (Address of the type, or 0.)
    pub(super) exception: Address,
    /// An address on the stack above everything that the call uses.
    pub(super) base: usize,
    /// What the objects that are always there counted when the call began.
    pub(super) always: always::Counts,
}

impl Frame {
    fn new(function: &'static str) -> Frame {
        Frame {
            function,
            aside: false,
            hands: Few::default(),
            open: 0,
            named: (0, None),
            lent: Vec::new(),
            buffers: Vec::new(),
            given: 0,
            structs: Vec::new(),
            exception: 0,
            base: 0,
            always: always::Counts::default(),
        }
    }

    /// What the frame holds is forgotten; its memory is kept for the next call.
    fn begin(&mut self, function: &'static str, base: usize) {
        self.aside = false;
        self.hands.clear();
        self.lent.clear();
        self.buffers.clear();
        self.structs.clear();
        (self.function, self.base, self.open, self.given, self.exception) = (function, base, 0, 0, 0);
        self.named = (0, None);
    }

    /// Something is about to be done with an object: if it was only named until now, it gets its hand first.
    #[inline(always)]
    fn meet(&mut self, address: Address) {
        if self.named.0 == address {
            self.meet_named();
        }
    }

    #[cold]
    fn meet_named(&mut self) {
        let (address, site) = std::mem::take(&mut self.named);
        if address != 0 {
            self.borrow(address as *mut PyObject, false, true, site);
        }
    }

    #[inline(always)]
    fn borrow(&mut self, op: *mut PyObject, from_mutable: bool, by_name: bool, site: Site) {
        let mut new = false;
        // SAFETY: its lender keeps it alive. `None` and its like may have come from anywhere before.
        let now = || unsafe { Hand::of(op, !is_always_there(op)) };
        let hand = self.hands.get_or_insert_with(op as Address, || {
            new = true;
            now()
        });
        // By its name and in no other way.
        let named = by_name && (new || hand.named);
        if hand.died {
            *hand = now();
        }
        hand.borrowed_at = site;
        hand.named = named;
        hand.kept |= !from_mutable;
        if from_mutable && hand.taken.is_empty() && !hand.kept && !hand.lent {
            hand.lent = true;
            self.lent.push(op as Address);
        }
    }
}

/// What happens outside any call: while the module is made.
pub(super) const OUTSIDE: &str = "outside any call";

/// The calls that are running on a thread, the innermost last. The first frame is for what happens outside any call. Frames above
/// `depth` wait to be used again.
pub(super) struct Frames {
    all: Vec<Frame>,
    depth: usize,
}

impl Frames {
    pub(super) fn innermost(&mut self) -> &mut Frame {
        &mut self.all[self.depth]
    }

    /// Those of the calls that are running.
    pub(super) fn running(&mut self) -> impl Iterator<Item = &mut Frame> {
        self.all[..=self.depth].iter_mut()
    }

    /// Has any call that is running something in hand?
    pub(super) fn are_open(&self) -> bool {
        self.all[1..=self.depth].iter().any(|frame| frame.open > 0)
    }

    pub(super) fn outside(&self) -> &Frame {
        &self.all[0]
    }

    pub(super) fn push(&mut self, function: &'static str, base: usize) -> &mut Frame {
        self.depth += 1;
        if self.all.len() == self.depth {
            self.all.push(Frame::new(function));
        }
        let frame = &mut self.all[self.depth];
        frame.begin(function, base);
        frame
    }

    /// How many calls are running.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Leaves the innermost frame, whose call is running no more. Returns the address above the stack of the one that called it.
    pub(super) fn leave(&mut self) -> usize {
        self.depth -= 1;
        if self.all[self.depth + 1].hands.capacity() > 256 {
            self.all.truncate(self.depth + 1);
        }
        self.all[self.depth].base
    }

    /// Takes the innermost frame away, to be handed back to [`Frames::done`]. None: only the outermost is left.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        if self.depth == 0 {
            return None;
        }
        let frame = std::mem::replace(&mut self.all[self.depth], Frame::new(OUTSIDE));
        self.depth -= 1;
        Some(frame)
    }

    /// A frame that was taken away waits to be used again, unless it has grown large.
    pub(super) fn done(&mut self, frame: Frame) {
        if let Some(free) = self.all.get_mut(self.depth + 1)
            && frame.hands.capacity() <= 256
        {
            *free = frame;
        }
    }
}

thread_local! {
    // A pointer and no more, so that nothing has to be taken down when the thread ends: that can be after the interpreter has gone.
    // What it points to is kept for good. While somebody uses it, it is `BUSY`.
    static HERE: Here = const { Here { frames: Cell::new(core::ptr::null_mut()), base: Cell::new(0) } };
}

/// What is known of a thread: in one place, since to find it takes longer than to read it.
pub(super) struct Here {
    frames: Cell<*mut Frames>,
    /// An address on the stack above everything that the running call uses; 0 outside any call.
    pub(super) base: Cell<usize>,
}

const BUSY: *mut Frames = core::ptr::without_provenance_mut(1);

/// Does something with this thread's frames. Nothing here may call Python; if something comes back here nevertheless, None. None, too,
/// once the ledger has gone blind.
pub(super) fn with_frames<T>(act: impl FnOnce(&mut Frames) -> T) -> Option<T> {
    with_thread(|frames, _| act(frames))
}

/// The same, with what else is known of the thread.
#[inline(always)]
pub(super) fn with_thread<T>(act: impl FnOnce(&mut Frames, &Here) -> T) -> Option<T> {
    if is_blind() {
        return None;
    }
    HERE.try_with(|here| {
        let mut frames = here.frames.replace(BUSY);
        if frames == BUSY {
            return None;
        }
        if frames.is_null() {
            frames = Box::into_raw(Box::new(Frames { all: vec![Frame::new(OUTSIDE)], depth: 0 }));
        }
        // SAFETY: made above, on this thread, and kept for good; while it is in use here nobody else gets the pointer.
        let result = act(unsafe { &mut *frames }, here);
        here.frames.set(frames);
        Some(result)
    })
    .ok()
    .flatten()
}

/// Does something with the frame of the call that is running. Nothing here may call Python.
pub(super) fn in_frame<T>(act: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    with_frames(|frames| act(frames.innermost()))
}

/// An address on the stack above everything that the running call uses; 0 outside any call.
#[inline(always)]
pub(crate) fn stack_of_call() -> usize {
    HERE.try_with(|here| here.base.get()).unwrap_or(0)
}

pub(super) fn set_stack_of_call(base: usize) {
    let _ = HERE.try_with(|here| here.base.set(base));
}

/// Does something that must not touch the books of the running call: what a build says about itself is not part of what it does.
/// It has a frame of its own, which is judged like any other, and its events are not recorded.
pub fn aside<T>(act: impl FnOnce() -> T) -> T {
    /// Also if `act` panics.
    struct Ended;
    impl Drop for Ended {
        fn drop(&mut self) {
            if let Some(Some(mut frame)) = with_frames(Frames::pop) {
                frame.close(Returned::Nothing);
                with_frames(|frames| frames.done(frame));
            }
        }
    }
    with_frames(|frames| {
        let Frame { function, base, .. } = *frames.innermost();
        frames.push(function, base).aside = true;
    });
    let _ended = Ended;
    act()
}

/// A reference was taken: it is in hand.
pub(crate) fn take(op: *mut PyObject, what: &'static str, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        let mut new = false;
        let now = || {
            // SAFETY: a reference to it has just been taken, and the call has it in hand: so it is alive.
            let mut now = unsafe { Hand::of(op, what != "incref") };
            now.blank = what == "new" && is_blank(op, &now);
            now
        };
        frame.meet(op as Address);
        let hand = frame.hands.get_or_insert_with(op as Address, || {
            new = true;
            now()
        });
        if hand.died {
            *hand = now();
        } else if !new {
            match what {
                "incref" => hand.expected += 1,
                // A call that returned it may have done anything with its count. And if this is its only reference, it is another
                // object, at the address of one that has gone unseen.
                "new" => {
                    let now = now();
                    hand.expected = now.expected;
                    if now.expected == 1 {
                        (hand.type_object, hand.blank, hand.stolen) = (now.type_object, now.blank, 0);
                    }
                }
                _ => {}
            }
        }
        hand.taken.push(site);
        hand.moved += 1;
        hand.lent = false;
        frame.open += 1;
    });
    record(what, op, site, count_of(op, true), true);
}

/// Is it a list or a tuple with places that are not filled yet?
fn is_blank(op: *mut PyObject, hand: &Hand) -> bool {
    // SAFETY: a reference has just been taken to it; an item may be NULL as long as nobody has put one there.
    unsafe {
        if hand.type_object == &raw mut pyo3_ffi::PyTuple_Type as usize {
            layout::PyTuple_GET_SIZE(op) > 0 && layout::PyTuple_GET_ITEM(op, 0).is_null()
        } else if hand.type_object == &raw mut pyo3_ffi::PyList_Type as usize {
            layout::PyList_GET_SIZE(op) > 0 && layout::PyList_GET_ITEM(op, 0).is_null()
        } else {
            false
        }
    }
}

/// A new reference was received from a call that the ledger does not know. `op` may be NULL. Returns it.
#[track_caller]
pub fn received(op: *mut PyObject) -> *mut PyObject {
    take(op, "new", Some(Spot::here()));
    op
}

/// A new object of the extension's own.
pub(crate) fn made(op: *mut PyObject, site: Site) {
    // One call can make it by way of another that has entered it already.
    let known = |frame: &mut Frame| frame.hands.get(op as Address).is_some_and(|hand| !hand.taken.is_empty());
    if !op.is_null() && in_frame(known) == Some(true) && count_of(op, true) == 1 {
        return;
    }
    take(op, "new", site);
    if let Some(fields) = (!op.is_null()).then(|| fields_of(op)).flatten() {
        if is_noting() {
            note_fields(&fields);
        }
        enter_object(&fields, site);
        in_frame(|frame| frame.structs.push(fields));
    }
}

/// Enters a new object of the extension's own. One of a heap type holds a reference to its type.
fn enter_object(fields: &Fields, site: Site) {
    let op = fields.of as *mut PyObject;
    // SAFETY: the object has just been made, and the caller has the only reference to it; its type is alive as long as it is.
    let (type_object, own, heap) = unsafe {
        let own = own_base(op);
        let heap = own.is_some_and(|own| pyo3_ffi::PyType_GetFlags(own) & pyo3_ffi::Py_TPFLAGS_HEAPTYPE != 0);
        (pyo3_ffi::Py_TYPE(op) as Address, own, heap)
    };
    let mut ledger = ledger();
    ledger.objects.insert(fields.of, fields.end - fields.of);
    if own.is_some() && heap {
        ledger.types_held.insert(fields.of, (type_object, site));
    }
}

/// A reference to this object is given back that is not in hand: if it is the type of the object that is being taken apart, it
/// is the one that the object held.
fn take_type_of_the_dying(address: Address) -> bool {
    let Some(dying) = trampolines::dying() else { return false };
    let mut ledger = ledger();
    let held = ledger.types_held.get(&dying).is_some_and(|&(type_object, _)| type_object == address);
    if held {
        ledger.types_held.remove(&dying);
    }
    held
}

/// What is always there was borrowed by its name; or something out of what cannot release it.
pub(crate) fn name(op: *mut PyObject, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        if frame.named.0 != op as Address {
            frame.meet_named();
        }
        // Anything else may be gone when it is met.
        if is_always_there(op) {
            frame.named = (op as Address, site);
        } else {
            frame.borrow(op, false, true, site);
        }
    });
    record("borrowed", op, site, count_of(op, true), true);
}

/// A borrowed reference was obtained. `from_mutable`: what lends it can release it, as soon as Python code runs.
pub(crate) fn lend(op: *mut PyObject, from_mutable: bool, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        frame.meet(op as Address);
        frame.borrow(op, from_mutable, false, site);
    });
    record("borrowed", op, site, count_of(op, true), true);
}

/// Is it such an object, and immortal? Then its count proves nothing, but a function that names it and returns it without taking a
/// reference has made a mistake.
fn is_immortal_singleton(op: *mut PyObject) -> bool {
    is_always_there(op) && count_of(op, true) >= LEAST_IMMORTAL
}

/// None, True, False, NotImplemented.
pub(super) fn is_always_there(op: *mut PyObject) -> bool {
    // SAFETY: the functions return the addresses of static objects of the interpreter; only the addresses are compared.
    unsafe {
        [pyo3_ffi::Py_None(), pyo3_ffi::Py_True(), pyo3_ffi::Py_False(), pyo3_ffi::Py_NotImplemented()].contains(&op)
    }
}

/// A reference was borrowed from a container of the extension's own, which can release it as soon as Python code runs.
#[track_caller]
pub fn lent(op: *mut PyObject) {
    lend(op, true, Some(Spot::here()));
}

/// Is anything in hand of the running call that is merely borrowed from what can release it?
pub(crate) fn is_lent() -> bool {
    in_frame(|frame| !frame.lent.is_empty()) == Some(true)
}

/// A call is about to be made that may run Python code, with these arguments. None of them may be merely borrowed from a container
/// that can release it meanwhile; and whatever is so borrowed must not be used afterwards.
pub(crate) fn may_run_python(call: &'static str, arguments: &[Address], site: Site) {
    let unprotected = in_frame(|frame| {
        if frame.lent.is_empty() || (arguments.iter().any(|&it| it != 0) && arguments.iter().all(|&it| is_plain(it))) {
            return Vec::new();
        }
        let used = |address: &&Address| frame.hands.get(**address).is_some_and(|hand| hand.lent);
        let unprotected = arguments.iter().filter(used).map(|&address| (address, frame.function)).collect();
        for address in frame.lent.drain(..) {
            if let Some(hand) = frame.hands.get_mut(address) {
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

/// Is it a value whose operations never run a user's code? 0, which is no object, counts as one.
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

/// Does the object lie in a field in which it was found by looking?
fn is_found(address: Address) -> bool {
    ledger().found_in.contains_key(&address)
}

/// A reference goes out of hand. Says so, before anything is done with it, unless this call owned it.
pub(crate) fn give(op: *mut PyObject, what: &'static str, site: Site) {
    if op.is_null() {
        return;
    }
    let address = op as Address;
    let went = in_frame(|frame| {
        if what == "returned" && site.is_some() {
            frame.given = address;
        }
        frame.meet(address);
        // Outside any call nothing ends, and what is known of an object is soon out of date.
        let inside = frame.function != OUTSIDE;
        let unmoved = |frame: &Frame| inside && what == "returned" && always::moved(op, &frame.always) == Some(0);
        let Some(hand) = frame.hands.get_mut(address) else { return (false, unmoved(frame), 0, None, frame.function) };
        let owned = hand.taken.pop_at(site).is_some();
        frame.open -= usize::from(owned);
        hand.stolen += usize::from(owned && what == "stolen");
        let named = !owned && what == "returned" && hand.named && is_immortal_singleton(op);
        let all_seen = |hand: &Hand| always::moved(op, &frame.always).is_none_or(|moved| moved == hand.moved);
        let proven = !owned && inside && (named || (all_seen(hand) && hand.proves_a_deficit(address)));
        let (type_object, borrowed_at) = (hand.type_object, hand.borrowed_at);
        (owned, proven || (!owned && unmoved(frame)), type_object, borrowed_at, frame.function)
    });
    let Some((owned, proven, type_object, borrowed_at, function)) = went else { return };
    let strict = STRICT.load(Ordering::Relaxed);
    // First what the objects of this call have shown: the same object may lie in many places.
    let stored = |gone| {
        let near = || in_frame(|frame| frame.structs.clone()).unwrap_or_default();
        take_shown(address, gone, true)
            || (is_found(address) && ledger().take_found(address, gone, &near()))
            || take_shown(address, gone, false)
            || take_type_of_the_dying(address)
    };
    let unknown = !owned && !stored(what != "decref");
    if unknown && what != "decref" {
        ledger().doubt(address);
    }
    if unknown && (proven || strict) {
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
            if let Some(hand) = frame.hands.get_mut(address) {
                hand.expected -= 1;
                hand.moved -= 1;
                hand.died = count <= 1;
                if hand.died && hand.blank {
                    frame.items_go_with(op, true);
                }
            }
        });
    }
    record(what, op, site, if what == "decref" { count - 1 } else { count }, owned);
}

/// The object's count; 0 if it is not alive. `alive`: it certainly is.
pub(super) fn count_of(op: *mut PyObject, alive: bool) -> isize {
    // SAFETY: with `alive` the caller says that somebody owns the object. Without it the memory is not read here but peeked at.
    if alive { unsafe { layout::count_of(op) } } else { peek::head(op as Address).map_or(0, |head| head.0) }
}

/// If the reference is in hand, it goes; if not, nothing can be said.
pub(crate) fn settle(op: *mut PyObject, what: &'static str) {
    if in_frame(|frame| frame.hands.get(op as Address).is_some_and(|hand| !hand.taken.is_empty())) == Some(true) {
        give(op, what, None);
    }
}

/// A description of a buffer was filled in by a call, with a reference to this object that nobody entered. May be NULL.
pub(crate) fn got_buffer(op: *mut PyObject) {
    if !op.is_null() {
        in_frame(|frame| frame.buffers.push(op as Address));
    }
}

/// The reference that lies in a description of a buffer is about to be given back. If no call has put it there, the extension has
/// filled in the description by itself, and then it may have that reference in hand.
pub(crate) fn release_buffer(op: *mut PyObject) {
    let got = in_frame(|frame| {
        let at = frame.buffers.iter().rposition(|&it| it == op as Address)?;
        Some(frame.buffers.swap_remove(at))
    });
    if got.flatten().is_none() && !op.is_null() {
        settle(op, "decref");
    }
}

/// A field is about to be emptied whose content is then given back. If it is entered there, it is in hand from now on.
pub(crate) fn emptied(field: *mut *mut PyObject, op: *mut PyObject, site: Site) {
    let mut open = ledger();
    if op.is_null() || !open.holds(field as Address, op as Address) {
        return;
    }
    if let Some(kept) = open.fields.remove(&(field as Address)) {
        open.forget_found(&kept, field as Address);
    }
    drop(open);
    note_numbers("from field", &[field as Address, op as Address]);
    take(op, "taken", site);
}

/// The reference goes to the function's caller. `op` may be NULL. Returns it.
#[track_caller]
pub fn given(op: *mut PyObject) -> *mut PyObject {
    if op.is_null() {
        in_frame(|frame| frame.given = 0);
    } else {
        give(op, "returned", Some(Spot::here()));
    }
    op
}
