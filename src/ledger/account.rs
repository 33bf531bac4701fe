//! The books.
//!
//! There are three accounts. What a call has *in hand* is kept in a frame, a stack of which each thread has. What is *stored* in
//! fields and entries belongs to the whole process. *Findings* are what did not balance. Objects are known by their address
//! only; they are looked at when something has to be said about them, and then without running any code of theirs.
//!
//! The interpreter's lock (the GIL) is held by whoever calls a function of this file, unless it says otherwise.

use crate::peek;
use core::cell::RefCell;
use core::ffi::CStr;
use core::hash::{BuildHasherDefault, Hasher};
use core::panic::Location;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pyo3_ffi::{PyObject, PyTypeObject};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::Write;
use std::sync::{LazyLock, Mutex, MutexGuard};

/// A place in the source, or None where only the function is known.
pub(crate) type Site = Option<&'static Location<'static>>;

type Address = usize;

/// Addresses are their own hash, but for the low bits, which alignment makes zero.
#[derive(Default)]
struct AddressHasher(u64);

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

type ByAddress<V> = HashMap<Address, V, BuildHasherDefault<AddressHasher>>;

// ---- what a call has in hand -------------------------------------------------------------------------------------------------

/// What a call knows of one object.
#[derive(Default)]
struct Hand {
    /// Where each reference that is in hand was taken. Empty: the object is known, but not owned.
    taken: Vec<Site>,
    /// Does somebody keep it alive for the whole call, as the caller does with arguments?
    kept: bool,
    /// Is it borrowed from something that can let go of it? Then no Python code may run before it is owned.
    lent: bool,
    /// Its type, read when it was certainly alive.
    type_object: usize,
    /// Where it was last borrowed.
    borrowed_at: Site,
    /// Is it known how the call came by it? Not if the first that was seen of it is an INCREF: it may have come, owned, from a call
    /// that the ledger does not know.
    origin: bool,
    /// What its count must be if nobody but this call has touched it.
    expected: isize,
    /// It was given back, and that was the last reference.
    died: bool,
}

impl Hand {
    /// What is known of an object when it is first met.
    ///
    /// # Safety
    /// `op` is alive.
    unsafe fn of(op: *mut PyObject, origin: bool) -> Hand {
        // SAFETY: the caller's promise.
        let (type_object, expected) = unsafe { (pyo3_ffi::Py_TYPE(op) as usize, pyo3_ffi::Py_REFCNT(op) as isize) };
        Hand { type_object, expected, origin, ..Hand::default() }
    }

    /// Can it be said, of an object that is not in hand, that the call does not own it? An extension that enters everything has its
    /// word taken for it. Of another one it is known only if the object came from where it can be seen, and its count has not moved
    /// otherwise: a call that is not seen may have returned it, and then the count is higher. The count of an immortal object proves
    /// nothing.
    fn proves_a_deficit(&self, address: Address) -> bool {
        if self.died {
            return peek::head(address).is_none();
        }
        let Some((count, _)) = peek::head(address) else { return true };
        self.origin && count == self.expected && count < LEAST_IMMORTAL
    }
}

/// No mortal object has so many references.
const LEAST_IMMORTAL: isize = 1 << 30;

/// Memory that the extension writes references into: the part of an object of its own that follows the head, or a module's state.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fields {
    of: Address,
    start: Address,
    end: Address,
}

/// One call into the extension.
struct Frame {
    function: &'static str,
    hands: ByAddress<Hand>,
    /// The objects whose [`Hand::lent`] is set.
    lent: Vec<Address>,
    /// What the function has said it returns.
    given: Address,
    /// What the call can have written into.
    structs: Vec<Fields>,
    /// Was an exception set when the call began, and of which type? (Address of the type, or 0.)
    exception: Address,
}

impl Frame {
    fn new(function: &'static str) -> Frame {
        Frame { function, hands: ByAddress::default(), lent: Vec::new(), given: 0, structs: Vec::new(), exception: 0 }
    }
}

/// What happens outside any call: while the module is made.
const OUTSIDE: &str = "outside any call";

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Does something with the frame of the call that is running. Nothing here may call Python.
fn in_frame<T>(act: impl FnOnce(&mut Frame) -> T) -> Option<T> {
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

// ---- what is stored, and what was found --------------------------------------------------------------------------------------

/// A reference that lies in a field.
struct Kept {
    object: Address,
    site: Site,
    function: &'static str,
}

/// Something that did not balance.
pub(crate) struct Finding {
    /// `surplus`, `deficit`, `borrowed` or `exception`.
    pub(crate) kind: &'static str,
    /// What was done, in a few words.
    pub(crate) what: String,
    pub(crate) site: Site,
    /// The method or slot in which it happened.
    pub(crate) function: &'static str,
    pub(crate) address: Address,
    pub(crate) type_name: String,
    /// The object in a few characters, as far as that can be had without running code.
    pub(crate) repr: String,
}

/// One entry of the raw record.
pub(crate) struct Event {
    pub(crate) what: &'static str,
    pub(crate) site: Site,
    pub(crate) function: &'static str,
    pub(crate) address: Address,
    pub(crate) type_name: &'static str,
    /// The object's reference count afterwards.
    pub(crate) count: isize,
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) findings: VecDeque<Finding>,
    /// How many findings there have been, with those that were dropped.
    pub(crate) found: usize,
    pub(crate) events: Vec<Event>,
    /// What lies in fields, by the field's address.
    fields: BTreeMap<Address, Kept>,
    /// In which fields, that were found by looking, an object lies.
    found_in: ByAddress<Vec<Address>>,
    /// What lies in the entries of a container object: container, object, where it was stored.
    entries: ByAddress<ByAddress<Vec<Site>>>,
    /// Types of the extension's own.
    types: HashSet<Address>,
    type_names: HashSet<&'static str>,
}

/// More findings than this are counted, not kept.
const MOST_FINDINGS: usize = 100_000;
/// More events than this are not kept.
pub(crate) const MOST_EVENTS: usize = 2_000_000;

static BOOK: LazyLock<Mutex<Book>> = LazyLock::new(Mutex::default);

/// How many want events recorded.
pub(crate) static RECORDING: AtomicUsize = AtomicUsize::new(0);
/// Are objects judged of which the ledger knows nothing?
static STRICT: AtomicBool = AtomicBool::new(false);
/// Are deficits written to standard error?
pub(crate) static SPEAKING: AtomicBool = AtomicBool::new(true);

/// The book. To be given up before anything is called that could come back here.
pub(crate) fn book() -> MutexGuard<'static, Book> {
    BOOK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Says that the extension enters *every* new reference, also those from calls which the ledger does not know, with
/// [`received`]. From then on an object that is given away and of which nothing is known is a deficit.
pub fn judge_everything() {
    STRICT.store(true, Ordering::Relaxed);
}

/// Remembers a type of the extension's own.
pub(crate) fn own_type(type_object: *mut PyTypeObject) {
    book().types.insert(type_object as Address);
}

/// The fields of the object if its type is the extension's own or derived from such a one, or those of the module that it is.
fn fields_of(op: *mut PyObject) -> Option<Fields> {
    let head = size_of::<PyObject>();
    // SAFETY: `op` is a living object, as whoever asks has it from CPython; bases of a living type are alive.
    unsafe {
        if pyo3_ffi::PyModule_CheckExact(op) != 0 {
            let definition = pyo3_ffi::PyModule_GetDef(op);
            let state = pyo3_ffi::PyModule_GetState(op) as Address;
            if definition.is_null() || state == 0 {
                return None;
            }
            return Some(Fields { of: op as Address, start: state, end: state + (*definition).m_size as usize });
        }
        let own = &book().types;
        let mut type_object = pyo3_ffi::Py_TYPE(op);
        let size = (*type_object).tp_basicsize as usize;
        while !type_object.is_null() {
            if own.contains(&(type_object as Address)) {
                return Some(Fields { of: op as Address, start: op as Address + head, end: op as Address + size });
            }
            type_object = (*type_object).tp_base;
        }
    }
    None
}

// ---- calls begin and end -----------------------------------------------------------------------------------------------------

/// A call from CPython into the extension begins. It has borrowed its arguments, of which any may be NULL.
pub(crate) fn begin(function: &'static str, arguments: &[*mut PyObject]) {
    let mut frame = Frame::new(function);
    for &argument in arguments.iter().filter(|argument| !argument.is_null()) {
        // SAFETY: CPython passes living objects, or one that is being taken apart and still has its memory.
        let hand = Hand { kept: true, ..unsafe { Hand::of(argument, true) } };
        frame.hands.insert(argument as Address, hand);
        frame.structs.extend(fields_of(argument));
    }
    // SAFETY: the GIL is held.
    frame.exception = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let _ = FRAMES.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        if frames.is_empty() {
            frames.push(Frame::new(OUTSIDE));
        }
        frames.push(frame);
    });
}

/// What a call can answer, as far as the books are concerned.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// An object or NULL; `ends` if NULL without an exception is an answer too, as it is for `tp_iternext`.
    Object { op: *mut PyObject, ends: bool },
    /// A number, and whether it is the one that says "failed".
    Number { failed: bool },
    /// Nothing: the function cannot report a failure.
    Nothing,
}

/// The call ends: what it returns goes out of hand, and then hands must be empty.
pub(crate) fn end(answer: Answer) {
    if let Answer::Object { op, .. } = answer
        && !op.is_null()
        && in_frame(|frame| frame.given) != Some(op as Address)
    {
        give(op, "returned", None);
    }
    let Some(Some(mut frame)) = FRAMES.try_with(|frames| frames.borrow_mut().pop()).ok() else { return };
    check_exception(&frame, answer);
    if frame.hands.values().all(|hand| hand.taken.is_empty()) {
        return;
    }
    let result = match answer {
        Answer::Object { op, .. } if !op.is_null() => op,
        _ => core::ptr::null_mut(),
    };
    if !result.is_null() {
        frame.structs.extend(fields_of(result));
    }
    frame.look_into_structs();
    for (&address, hand) in &frame.hands {
        if hand.taken.is_empty() || (!STRICT.load(Ordering::Relaxed) && went_unseen(address, hand, result)) {
            continue;
        }
        for &site in &hand.taken {
            let (type_name, repr) = describe(address, hand.type_object);
            let what = "never given back".to_owned();
            find(Finding { kind: "surplus", what, site, function: frame.function, address, type_name, repr });
        }
    }
}

/// Has the reference been stolen by a call that the ledger does not know (`Py_BuildValue` with an `N` is one)? Then the object is gone
/// since, or it lies in the result, which has taken no reference of its own.
fn went_unseen(address: Address, hand: &Hand, result: *mut PyObject) -> bool {
    let Some((count, type_object)) = peek::head(address) else { return true };
    if type_object != hand.type_object {
        return true;
    }
    if result.is_null() {
        return false;
    }
    // SAFETY: the result is alive, and so are its items.
    let lies_in_result = unsafe {
        let items: Vec<_> = if pyo3_ffi::PyTuple_CheckExact(result) != 0 {
            (0..pyo3_ffi::PyTuple_GET_SIZE(result)).map(|at| pyo3_ffi::PyTuple_GET_ITEM(result, at)).collect()
        } else if pyo3_ffi::PyList_CheckExact(result) != 0 {
            (0..pyo3_ffi::PyList_GET_SIZE(result)).map(|at| pyo3_ffi::PyList_GET_ITEM(result, at)).collect()
        } else {
            Vec::new()
        };
        items.into_iter().filter(|&item| item as Address == address).count()
    };
    lies_in_result > 0 && count < hand.expected + lies_in_result as isize
}

/// Failure must be reported with an exception and success without one.
fn check_exception(frame: &Frame, answer: Answer) {
    // SAFETY: the GIL is held.
    let set = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let what = match answer {
        Answer::Nothing if set != frame.exception => "the exception that was set is not what it was",
        // Called while an exception is on its way: nothing can be said.
        _ if frame.exception != 0 => return,
        Answer::Object { op, ends: false } if op.is_null() && set == 0 => "failed without an exception",
        Answer::Object { op, .. } if !op.is_null() && set != 0 => "succeeded with an exception set",
        Answer::Number { failed: true } if set == 0 => "failed without an exception",
        Answer::Number { failed: false } if set != 0 => "succeeded with an exception set",
        _ => return,
    };
    let type_name = if set == 0 { String::new() } else { name_of(set).to_owned() };
    let what = what.to_owned();
    let function = frame.function;
    find(Finding { kind: "exception", what, site: None, function, address: set, type_name, repr: String::new() });
}

impl Frame {
    /// Looks for what is still in hand in the structs that the call can have written into, and takes what it finds for stored there.
    fn look_into_structs(&mut self) {
        let mut seen: Vec<Fields> = Vec::new();
        for &fields in &self.structs {
            if seen.contains(&fields) {
                continue;
            }
            seen.push(fields);
            let words = peek::words(fields.start, fields.end);
            let holds = |address| words.contains(&address);
            for (&object, hand) in self.hands.iter_mut().filter(|(address, _)| holds(**address)) {
                let places = words.iter().enumerate().filter(|&(_, &word)| word == object);
                for field in places.map(|(number, _)| fields.start + number * size_of::<usize>()) {
                    if hand.taken.is_empty() || book().holds(field, object) {
                        continue;
                    }
                    let site = hand.taken.pop().expect("it is not empty");
                    keep_in_field(field, object, site, self.function, Some((fields, &words)));
                    book().found_in.entry(object).or_default().push(field);
                }
            }
        }
    }
}

impl Book {
    fn holds(&self, field: Address, object: Address) -> bool {
        self.fields.get(&field).is_some_and(|kept| kept.object == object)
    }

    /// Takes a reference to `object` out of a field in which it was found by looking, if there is one: rather out of one that does
    /// not hold it any more. `emptied`: only out of such a one.
    fn take_found(&mut self, object: Address, emptied: bool) -> bool {
        let Some(fields) = self.found_in.get_mut(&object) else { return false };
        let gone = |&field: &Address| peek::words(field, field + size_of::<usize>()).first() != Some(&object);
        let Some(which) = fields.iter().position(gone).or(if emptied { None } else { fields.len().checked_sub(1) })
        else {
            return false;
        };
        let field = fields.remove(which);
        if fields.is_empty() {
            self.found_in.remove(&object);
        }
        self.fields.remove(&field).is_some()
    }
}

/// What is in hand outside any call, on this thread: nothing, once the module has been made.
pub(crate) fn outside() -> Vec<(Site, Address, String, String)> {
    let held = FRAMES.try_with(|frames| {
        let frames = frames.borrow();
        let hands = frames.first().into_iter().flat_map(|frame| &frame.hands);
        let each = |(&address, hand): (&Address, &Hand)| {
            hand.taken.iter().map(|&site| (site, address, hand.type_object)).collect::<Vec<_>>()
        };
        hands.flat_map(each).collect::<Vec<_>>()
    });
    let held = held.unwrap_or_default();
    held.into_iter()
        .map(|(site, address, type_object)| {
            let (type_name, repr) = describe(address, type_object);
            (site, address, type_name, repr)
        })
        .collect()
}

// ---- references come into hand -----------------------------------------------------------------------------------------------

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
fn is_always_there(op: *mut PyObject) -> bool {
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
fn is_plain(address: Address) -> bool {
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
fn count_of(op: *mut PyObject, alive: bool) -> isize {
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
    take(op, "taken", site);
}

/// The reference goes to the function's caller. `op` may be NULL. Returns it.
#[track_caller]
pub fn given(op: *mut PyObject) -> *mut PyObject {
    give(op, "returned", Some(Location::caller()));
    in_frame(|frame| frame.given = op as Address);
    op
}

// ---- references lie in fields and entries ------------------------------------------------------------------------------------

/// The reference is put into a field of a struct, or into a static variable.
#[track_caller]
pub fn stored_in_field(field: *mut *mut PyObject, op: *mut PyObject) {
    let site = Some(Location::caller());
    give(op, "stored", site);
    if let Some(function) = in_frame(|frame| frame.function)
        && !op.is_null()
    {
        keep_in_field(field as Address, op as Address, site, function, None);
    }
}

/// Enters that the field holds the object. What it held before, and was not taken out of it, is lost, unless it has only been moved:
/// then it lies in another field of the same struct, of which nothing is known yet.
fn keep_in_field(
    field: Address,
    object: Address,
    site: Site,
    function: &'static str,
    within: Option<(Fields, &[usize])>,
) {
    let mut open = book();
    let Some(lost) = open.fields.insert(field, Kept { object, site, function }) else { return };
    open.forget_found(&lost, field);
    if let Some((fields, words)) = within {
        let places = words.iter().enumerate().filter(|&(_, &word)| word == lost.object);
        let mut places = places.map(|(number, _)| fields.start + number * size_of::<usize>());
        if let Some(moved) = places.find(|place| !open.fields.contains_key(place)) {
            open.found_in.entry(lost.object).or_default().push(moved);
            open.fields.insert(moved, lost);
            return;
        }
    }
    drop(open);
    let (type_name, repr) = describe(lost.object, 0);
    let what = match site {
        Some(site) => format!("stored in a field that was overwritten at {}:{}", site.file(), site.line()),
        None => format!("stored in a field that {function} overwrote"),
    };
    let (site, function, address) = (lost.site, lost.function, lost.object);
    find(Finding { kind: "surplus", what, site, function, address, type_name, repr });
}

impl Book {
    fn forget_found(&mut self, kept: &Kept, field: Address) {
        if let Some(fields) = self.found_in.get_mut(&kept.object) {
            fields.retain(|&other| other != field);
            if fields.is_empty() {
                self.found_in.remove(&kept.object);
            }
        }
    }
}

/// The reference is taken out of the field: it is in hand. `op` may be NULL.
#[track_caller]
pub fn taken_from_field(field: *mut *mut PyObject, op: *mut PyObject) {
    if op.is_null() {
        return;
    }
    let site = Some(Location::caller());
    let mut open = book();
    let known = open.holds(field as Address, op as Address);
    if known && let Some(kept) = open.fields.remove(&(field as Address)) {
        open.forget_found(&kept, field as Address);
    }
    drop(open);
    if !known && STRICT.load(Ordering::Relaxed) {
        not_stored(op, site);
    }
    take(op, "taken", site);
}

/// The reference is put into an entry of a container object.
#[track_caller]
pub fn stored_in_entry(container: *mut PyObject, op: *mut PyObject) {
    let site = Some(Location::caller());
    give(op, "stored", site);
    book().entries.entry(container as Address).or_default().entry(op as Address).or_default().push(site);
}

/// The reference is taken out of an entry of a container object: it is in hand.
#[track_caller]
pub fn taken_from_entry(container: *mut PyObject, op: *mut PyObject) {
    let site = Some(Location::caller());
    let mut open = book();
    let stored = open.entries.get_mut(&(container as Address)).and_then(|entries| {
        let sites = entries.get_mut(&(op as Address))?;
        let stored = sites.pop();
        if sites.is_empty() {
            entries.remove(&(op as Address));
        }
        stored
    });
    drop(open);
    if stored.is_none() {
        not_stored(op, site);
    }
    take(op, "taken", site);
}

fn not_stored(op: *mut PyObject, site: Site) {
    let (type_name, repr) = describe(op as Address, 0);
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let what = "taken out of a place that owned nothing".to_owned();
    find(Finding { kind: "deficit", what, site, function, address: op as Address, type_name, repr });
}

/// Two containers have exchanged all their entries.
pub fn entries_exchanged(one: *mut PyObject, other: *mut PyObject) {
    let mut book = book();
    let ones = book.entries.remove(&(one as Address)).unwrap_or_default();
    let others = book.entries.insert(other as Address, ones).unwrap_or_default();
    book.entries.insert(one as Address, others);
}

/// Two fields have exchanged what they hold.
pub fn fields_exchanged(one: *mut *mut PyObject, other: *mut *mut PyObject) {
    let mut book = book();
    let ones = book.fields.remove(&(one as Address));
    let others = book.fields.remove(&(other as Address));
    if let Some(kept) = ones {
        book.fields.insert(other as Address, kept);
    }
    if let Some(kept) = others {
        book.fields.insert(one as Address, kept);
    }
}

/// What is stored in an object of the extension's own, in its fields and its entries: each object, and where it was put there.
pub(crate) fn stored_in(container: *mut PyObject) -> Vec<(Address, Site)> {
    let start = container as Address;
    // SAFETY: `container` is a living object, so its type is alive.
    let size = unsafe { (*pyo3_ffi::Py_TYPE(container)).tp_basicsize } as usize;
    let book = book();
    let fields = book.fields.range(start..start + size).map(|(_, kept)| (kept.object, kept.site));
    let entries = book.entries.get(&start).into_iter().flatten();
    let entries = entries.flat_map(|(&object, sites)| sites.iter().map(move |&site| (object, site)));
    fields.chain(entries).collect()
}

/// The memory of an object of this size is given back. What is still stored in it is lost.
pub(crate) fn freed(op: *mut PyObject, size: usize) {
    let start = op as Address;
    let _ = FRAMES.try_with(|frames| {
        for frame in frames.borrow_mut().iter_mut() {
            frame.structs.retain(|fields| fields.of != start);
            if frame.hands.get(&start).is_some_and(|hand| hand.taken.is_empty()) {
                frame.hands.remove(&start);
            }
        }
    });
    let mut lost = Vec::new();
    let mut open = book();
    let fields: Vec<Address> = open.fields.range(start..start + size).map(|(&field, _)| field).collect();
    for field in fields {
        if let Some(kept) = open.fields.remove(&field) {
            open.forget_found(&kept, field);
            lost.push((kept.object, kept.site, kept.function));
        }
    }
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    for (object, sites) in open.entries.remove(&start).unwrap_or_default() {
        lost.extend(sites.into_iter().map(|site| (object, site, function)));
    }
    drop(open);
    for (address, site, function) in lost {
        let (type_name, repr) = describe(address, 0);
        let what = "stored in an object that was freed without giving it back".to_owned();
        find(Finding { kind: "surplus", what, site, function, address, type_name, repr });
    }
}

// ---- what is written down ----------------------------------------------------------------------------------------------------

/// Where findings are written as they come, and whether events are too.
static LOG: Mutex<Option<File>> = Mutex::new(None);
static LOGGING_EVENTS: AtomicBool = AtomicBool::new(false);

/// From now on each finding is written to this file as soon as it comes, so that none is lost in a crash; with `events`, each event too.
/// None: no longer.
pub(crate) fn log_to(file: Option<File>, events: bool) {
    LOGGING_EVENTS.store(events && file.is_some(), Ordering::Relaxed);
    *LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = file;
}

/// One line: fields with a unit separator between them. What cannot be written is lost; that is no reason to stop a program.
fn log(fields: &[&str]) {
    if let Some(file) = &mut *LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        let line: String = fields.join("\x1f").chars().map(|it| if it == '\n' { ' ' } else { it }).collect();
        let _ = file.write_all((line + "\n").as_bytes());
    }
}

/// File and line as text.
fn place(site: Site) -> (&'static str, String) {
    site.map_or(("", "0".to_owned()), |site| (site.file(), site.line().to_string()))
}

/// Adds a finding. A deficit is also written to standard error, at once.
fn find(finding: Finding) {
    let (file, line) = place(finding.site);
    let Finding { kind, what, function, address, type_name, repr, .. } = &finding;
    log(&["finding", kind, what, file, &line, function, &address.to_string(), type_name, repr]);
    if *kind != "surplus" && SPEAKING.load(Ordering::Relaxed) {
        let place = if file.is_empty() { String::new() } else { format!("{file}:{line}: ") };
        let object = if repr.is_empty() { type_name } else { repr };
        let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
        // Nobody may be listening.
        let _ = writeln!(std::io::stderr(), "refcount ledger: {place}in {function}: {object}{what}");
    }
    let mut book = book();
    book.found += 1;
    book.findings.push_back(finding);
    if book.findings.len() > MOST_FINDINGS {
        book.findings.pop_front();
    }
}

/// Adds an event to the raw record, if anybody wants it. `count`: the object's count afterwards. `alive`: it certainly is.
fn record(what: &'static str, op: *mut PyObject, site: Site, count: isize, alive: bool) {
    let logging = LOGGING_EVENTS.load(Ordering::Relaxed);
    if RECORDING.load(Ordering::Relaxed) == 0 && !logging {
        return;
    }
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let type_object = if alive {
        // SAFETY: the caller says so.
        unsafe { pyo3_ffi::Py_TYPE(op) as usize }
    } else {
        peek::head(op as Address).map_or(0, |head| head.1)
    };
    let type_name = if type_object == 0 { "" } else { name_of(type_object) };
    let event = Event { what, site, function, address: op as Address, type_name, count };
    if logging {
        let (file, line) = place(site);
        let (address, count) = (event.address.to_string(), event.count.to_string());
        log(&["event", what, file, &line, function, &address, type_name, &count]);
    }
    let mut book = book();
    if RECORDING.load(Ordering::Relaxed) > 0 && book.events.len() < MOST_EVENTS {
        book.events.push(event);
    }
}

/// The name of a type, kept for good.
fn name_of(type_object: Address) -> &'static str {
    // SAFETY: types are static or owned by their living instances; the name is a string of C.
    let name = unsafe { CStr::from_ptr((*(type_object as *mut PyTypeObject)).tp_name) }.to_string_lossy();
    let mut book = book();
    if let Some(known) = book.type_names.get(name.as_ref()) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into_owned().into_boxed_str());
    book.type_names.insert(kept);
    kept
}

/// The name of the object's type and the object itself in a few characters, without running any code of a user's. If the object
/// does not look alive, or is not of the type that it had (0: not known), only its address.
fn describe(address: Address, type_object: usize) -> (String, String) {
    const LONGEST: usize = 60;
    let op = address as *mut PyObject;
    let alive = peek::head(address).filter(|&(_, type_now)| type_object == 0 || type_now == type_object);
    let Some((_, type_now)) = alive else {
        let name = if type_object == 0 { String::new() } else { name_of(type_object).to_owned() };
        return (name, format!("<object at {address:#x}, no longer alive>"));
    };
    // SAFETY: the object looks alive: its count is one, and its type is a type.
    unsafe {
        let type_name = name_of(type_now).to_owned();
        let repr = if op == pyo3_ffi::Py_None() {
            "None".to_owned()
        } else if op == pyo3_ffi::Py_True() || op == pyo3_ffi::Py_False() {
            (if op == pyo3_ffi::Py_True() { "True" } else { "False" }).to_owned()
        } else if type_now == &raw mut pyo3_ffi::PyLong_Type as usize {
            let mut overflow = 0;
            let value = pyo3_ffi::PyLong_AsLongLongAndOverflow(op, &mut overflow);
            if overflow == 0 { value.to_string() } else { "<int beyond 64 bits>".to_owned() }
        } else if type_now == &raw mut pyo3_ffi::PyFloat_Type as usize {
            format!("{:?}", pyo3_ffi::PyFloat_AS_DOUBLE(op))
        } else if type_now == &raw mut pyo3_ffi::PyUnicode_Type as usize && has_characters(op) {
            let length = pyo3_ffi::PyUnicode_GET_LENGTH(op) as usize;
            let (kind, data) = (pyo3_ffi::PyUnicode_KIND(op), pyo3_ffi::PyUnicode_DATA(op));
            let character = |at: usize| match kind {
                1 => u32::from(*data.cast::<u8>().add(at)),
                2 => u32::from(*data.cast::<u16>().add(at)),
                _ => *data.cast::<u32>().add(at),
            };
            let text: String = (0..length.min(LONGEST))
                .map(|at| char::from_u32(character(at)).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            format!("{text:?}{}", if length > LONGEST { "..." } else { "" })
        } else {
            format!("<{type_name} object at {address:#x}>")
        };
        (type_name, repr)
    }
}

/// Does the str have its characters where `PyUnicode_DATA` finds them? Before CPython 3.12 some had not yet.
unsafe fn has_characters(text: *mut PyObject) -> bool {
    // SAFETY: the caller passes a str.
    unsafe { matches!(pyo3_ffi::PyUnicode_KIND(text), 1 | 2 | 4) && !pyo3_ffi::PyUnicode_DATA(text).is_null() }
}
