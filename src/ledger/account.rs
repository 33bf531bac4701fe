//! The books.
//!
//! There are three accounts. What a call has *in hand* is kept in a frame, a stack of which each thread has. What is *stored* in
//! fields and entries belongs to the whole process. *Findings* are what did not balance. Objects are known by their address
//! only; they are looked at when something has to be said about them, and then without running any code of theirs.
//!
//! The interpreter's lock (the GIL) is held by whoever calls a function of this file, unless it says otherwise.

use core::cell::RefCell;
use core::ffi::CStr;
use core::hash::{BuildHasherDefault, Hasher};
use core::panic::Location;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pyo3_ffi::{PyObject, PyTypeObject};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
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
}

/// One call into the extension.
struct Frame {
    function: &'static str,
    hands: ByAddress<Hand>,
    /// The objects whose [`Hand::lent`] is set.
    lent: Vec<Address>,
    /// What the function has said it returns.
    given: Address,
    /// The extension's own objects that the call can have written into, and their sizes.
    structs: Vec<(Address, usize)>,
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

/// The size of the object's struct if its type is the extension's own or derived from such a one.
fn size_of_own(op: *mut PyObject) -> Option<usize> {
    let book = book();
    // SAFETY: `op` is a living object, as whoever asks has it from CPython; bases of a living type are alive.
    unsafe {
        let mut type_object = pyo3_ffi::Py_TYPE(op);
        let size = (*type_object).tp_basicsize as usize;
        while !type_object.is_null() {
            if book.types.contains(&(type_object as Address)) {
                return Some(size);
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
        let type_object = unsafe { pyo3_ffi::Py_TYPE(argument) } as usize;
        frame.hands.insert(argument as Address, Hand { type_object, kept: true, ..Hand::default() });
    }
    if let Some(&first) = arguments.first().filter(|first| !first.is_null())
        && let Some(size) = size_of_own(first)
    {
        frame.structs.push((first as Address, size));
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
    let Some(Some(frame)) = FRAMES.try_with(|frames| frames.borrow_mut().pop()).ok() else { return };
    check_exception(&frame, answer);
    if frame.hands.values().all(|hand| hand.taken.is_empty()) {
        return;
    }
    for (&address, hand) in &frame.hands {
        let stored = look_into_structs(&frame, address, &hand.taken);
        for &site in &hand.taken[stored..] {
            let (type_name, repr) = describe(address, hand.type_object);
            let what = "never given back".to_owned();
            find(Finding { kind: "surplus", what, site, function: frame.function, address, type_name, repr });
        }
    }
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

/// Looks for an object that is still in hand in the structs that the call can have written into, and takes what it finds for
/// stored there. Returns how many it found.
fn look_into_structs(frame: &Frame, object: Address, taken: &[Site]) -> usize {
    let mut found = 0;
    for &(start, size) in &frame.structs {
        for field in (start..start + size).step_by(size_of::<usize>()).skip(2) {
            // SAFETY: the struct is alive, or it would have been taken off the list, and as large as its type says.
            let lies_there = unsafe { *(field as *const Address) } == object;
            if found < taken.len() && lies_there && !book().holds(field, object) {
                keep_in_field(field, object, taken[found], frame.function);
                book().found_in.entry(object).or_default().push(field);
                found += 1;
            }
        }
    }
    found
}

impl Book {
    fn holds(&self, field: Address, object: Address) -> bool {
        self.fields.get(&field).is_some_and(|kept| kept.object == object)
    }

    /// Takes a reference to `object` out of a field in which it was found by looking, if there is one.
    fn take_found(&mut self, object: Address) -> bool {
        let Some(fields) = self.found_in.get_mut(&object) else { return false };
        let field = fields.pop();
        if fields.is_empty() {
            self.found_in.remove(&object);
        }
        field.is_some_and(|field| self.fields.remove(&field).is_some())
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
    // SAFETY: a reference has just been taken to it.
    let type_object = unsafe { pyo3_ffi::Py_TYPE(op) } as usize;
    in_frame(|frame| {
        let hand = frame.hands.entry(op as Address).or_default();
        hand.taken.push(site);
        hand.lent = false;
        hand.type_object = type_object;
    });
    record(what, op, site, None);
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
    if let Some(size) = (!op.is_null()).then(|| size_of_own(op)).flatten() {
        in_frame(|frame| frame.structs.push((op as Address, size)));
    }
}

/// A borrowed reference was obtained. `from_mutable`: what lends it can let go of it, as soon as Python code runs.
pub(crate) fn lend(op: *mut PyObject, from_mutable: bool, site: Site) {
    if op.is_null() {
        return;
    }
    in_frame(|frame| {
        let hand = frame.hands.entry(op as Address).or_default();
        if hand.type_object == 0 {
            // SAFETY: whoever lends it keeps it alive.
            hand.type_object = unsafe { pyo3_ffi::Py_TYPE(op) } as usize;
        }
        hand.kept |= !from_mutable;
        if from_mutable && hand.taken.is_empty() && !hand.kept && !hand.lent {
            hand.lent = true;
            frame.lent.push(op as Address);
        }
    });
    record("borrowed", op, site, None);
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
        if frame.lent.is_empty() {
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

// ---- references go out of hand -----------------------------------------------------------------------------------------------

/// A reference goes out of hand. Says so, before anything is done with it, if it was not in hand.
pub(crate) fn give(op: *mut PyObject, what: &'static str, site: Site) {
    if op.is_null() {
        return;
    }
    let address = op as Address;
    let went = in_frame(|frame| {
        let known = frame.hands.contains_key(&address);
        let hand = frame.hands.entry(address).or_default();
        (hand.taken.pop().is_some(), known, frame.function)
    });
    let Some((owned, known, function)) = went else { return };
    if !owned {
        let in_a_field = book().found_in.contains_key(&address);
        if what == "decref" && in_a_field {
            book().take_found(address);
        } else if known || in_a_field || STRICT.load(Ordering::Relaxed) {
            let (type_name, repr) = describe(address, 0);
            let what = match what {
                "decref" => "given back without being owned",
                "returned" => "returned to the caller without being owned",
                "stolen" => "given away to a call that steals it, without being owned",
                _ => "stored without being owned",
            };
            let what = what.to_owned();
            find(Finding { kind: "deficit", what, site, function, address, type_name, repr });
        }
    }
    // SAFETY: as above, the object is alive until the operation that follows.
    let count = unsafe { pyo3_ffi::Py_REFCNT(op) } as isize;
    record(what, op, site, Some(if what == "decref" { count - 1 } else { count }));
}

/// The reference goes to the function's caller. `op` may be NULL.
#[track_caller]
pub fn given(op: *mut PyObject) {
    give(op, "returned", Some(Location::caller()));
    in_frame(|frame| frame.given = op as Address);
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
        keep_in_field(field as Address, op as Address, site, function);
    }
}

/// Enters that the field holds the object. What it held before, and was not taken out of it, is lost.
fn keep_in_field(field: Address, object: Address, site: Site, function: &'static str) {
    let lost = book().fields.insert(field, Kept { object, site, function });
    if let Some(lost) = lost {
        book().forget_found(&lost, field);
        let (type_name, repr) = describe(lost.object, 0);
        let what = match site {
            Some(site) => format!("stored in a field that was overwritten at {}:{}", site.file(), site.line()),
            None => format!("stored in a field that {function} overwrote"),
        };
        let (site, function, address) = (lost.site, lost.function, lost.object);
        find(Finding { kind: "surplus", what, site, function, address, type_name, repr });
    }
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

/// The memory of an object of this size is given back. What is still stored in it is lost.
pub(crate) fn freed(op: *mut PyObject, size: usize) {
    let start = op as Address;
    let _ = FRAMES.try_with(|frames| {
        for frame in frames.borrow_mut().iter_mut() {
            frame.structs.retain(|&(other, _)| other != start);
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

/// Adds a finding. A deficit is also written to standard error, at once.
fn find(finding: Finding) {
    if finding.kind != "surplus" && SPEAKING.load(Ordering::Relaxed) {
        let place = finding.site.map_or(String::new(), |site| format!("{}:{}: ", site.file(), site.line()));
        let object = if finding.repr.is_empty() { &finding.type_name } else { &finding.repr };
        let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
        eprintln!("refcount ledger: {place}in {}: {object}{}", finding.function, finding.what);
    }
    let mut book = book();
    book.found += 1;
    book.findings.push_back(finding);
    if book.findings.len() > MOST_FINDINGS {
        book.findings.pop_front();
    }
}

/// Adds an event to the raw record, if anybody wants it. `count`: the object's count afterwards, if not what it is now.
fn record(what: &'static str, op: *mut PyObject, site: Site, count: Option<isize>) {
    if RECORDING.load(Ordering::Relaxed) == 0 {
        return;
    }
    // SAFETY: an object that is entered is alive; what is given up is entered before.
    let (count, type_object) =
        unsafe { (count.unwrap_or_else(|| pyo3_ffi::Py_REFCNT(op) as isize), pyo3_ffi::Py_TYPE(op) as Address) };
    let type_name = name_of(type_object);
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let mut book = book();
    if book.events.len() < MOST_EVENTS {
        book.events.push(Event { what, site, function, address: op as Address, type_name, count });
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
/// does not look alive, or is not of the type that it had, only its address.
fn describe(address: Address, type_object: usize) -> (String, String) {
    const LONGEST: usize = 60;
    let op = address as *mut PyObject;
    // SAFETY: the address is that of an object which was entered. Its memory is mapped, whether or not it is still alive, and
    // nothing is read beyond the head unless the head makes sense.
    unsafe {
        let type_now = pyo3_ffi::Py_TYPE(op) as usize;
        if pyo3_ffi::Py_REFCNT(op) <= 0 || (type_object != 0 && type_now != type_object) {
            let name = if type_object == 0 { String::new() } else { name_of(type_object).to_owned() };
            return (name, format!("<object at {address:#x}, no longer alive>"));
        }
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
        } else if type_now == &raw mut pyo3_ffi::PyUnicode_Type as usize {
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
