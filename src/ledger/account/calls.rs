//! A call begins and ends, and is judged.

use super::always;
use super::by_address::{Addresses, ByAddress};
use super::describe::{describe, describe_living, name_of};
use super::hands::{Frame, Frames, Hand, give, in_frame, set_stack_of_call, with_frames, with_thread};
use super::ledger::{STRICT, go_blind, is_blind, ledger};
use super::notes::{note_call, note_return};
use super::report::{Finding, find, is_noting};
use super::stored::{Fields, fields_of, keep_in_field};
use super::{Address, Site};
use crate::layout;
use crate::peek;
use core::sync::atomic::Ordering;
use pyo3_ffi::PyObject;
use std::collections::HashSet;

/// What a call borrows: some objects by themselves, of which any may be NULL, and the objects of some arrays.
#[derive(Clone, Copy)]
pub(crate) struct Borrowed<'a> {
    pub(crate) alone: [*mut PyObject; 3],
    pub(crate) arrays: [&'a [*mut PyObject]; 2],
}

impl Borrowed<'_> {
    /// All of them that are not NULL.
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = *mut PyObject> {
        let arrays = self.arrays[0].iter().chain(self.arrays[1]);
        self.alone.iter().chain(arrays).copied().filter(|op| !op.is_null())
    }
}

/// A call from CPython into the extension begins. It has borrowed its arguments. `base`: an address on the stack above everything
/// that the call uses.
#[inline(never)]
pub(crate) fn begin(function: &'static str, arguments: Borrowed<'_>, base: usize) {
    with_thread(|frames, here| {
        if frames.are_open() && !STRICT.load(Ordering::Relaxed) && releases(function) {
            arguments.iter().for_each(|op| settle_before_release(frames, op as Address));
        }
        let frame = frames.push(function, base);
        for objects in [&arguments.alone[..], arguments.arrays[0], arguments.arrays[1]] {
            for &argument in objects.iter().filter(|op| !op.is_null()) {
                // SAFETY: CPython passes living objects, or one that is being taken apart and still has its memory.
                let hand = Hand { kept: true, ..unsafe { Hand::of(argument, true) } };
                frame.hands.insert(argument as Address, hand);
                if let Some(fields) = fields_of(argument) {
                    frame.structs.push(fields);
                }
            }
        }
        always::count_all(&mut frame.always);
        // SAFETY: CPython calls the extension with the thread attached, and this comes before the extension's own code. The
        // pointer that comes back is only compared.
        frame.exception = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
        if is_noting() {
            note_call(frame, arguments);
        }
        here.base.set(base);
    });
}

/// Does this function give back what its object holds?
fn releases(function: &str) -> bool {
    function.ends_with(".tp_dealloc") || function.ends_with(".tp_clear")
}

/// A call is about to release what this object holds, and another call is still running that may have put it there: one that
/// made the object and drops it again. What that call has in hand, and the object holds, is the object's before it is given back.
fn settle_before_release(frames: &mut Frames, op: Address) {
    for frame in frames.running().filter(|frame| frame.open > 0) {
        let known = frame.structs.iter().find(|fields| fields.of == op).copied();
        if let Some(fields) = known {
            frame.look_into(fields);
            frame.ask(vec![op], 1);
        }
    }
}

/// What a call returned, as far as its books are concerned.
#[derive(Clone, Copy)]
pub(crate) enum Returned {
    /// An object or NULL; `ends` if NULL without an exception is no failure, as for `tp_iternext`.
    Object { op: *mut PyObject, ends: bool },
    /// A number, and whether it is the one that says "failed".
    Number { failed: bool },
    /// Nothing: the function cannot report a failure.
    Nothing,
}

/// The call ends: what it returns goes out of hand, and then hands must be empty. `base`: as when it began.
pub(crate) fn end(returned: Returned, base: usize) {
    if end_well(returned, base, true) {
        return;
    }
    if with_frames(|frames| frames.depth() > 0 && frames.innermost().base != base) == Some(true) {
        // The thread runs on another stack now, or a call was left by a jump: nobody can say any longer in which call something happens.
        go_blind("it changes from one C stack to another, as greenlets do");
    }
    if is_blind() {
        return;
    }
    if let Returned::Object { op, .. } = returned
        && !op.is_null()
        && in_frame(|frame| frame.given) != Some(op as Address)
    {
        give(op, "returned", None);
        if end_well(returned, base, false) {
            return;
        }
    }
    let Some(Some((mut frame, base))) = with_frames(|frames| Some((frames.pop()?, frames.innermost().base))) else {
        return;
    };
    set_stack_of_call(base);
    check_exception(&frame, returned);
    frame.close(returned);
    note_return(&frame, returned);
    with_frames(|frames| frames.done(frame));
}

/// Ends the call if nothing is to be judged: nearly always hands are empty and the answer agrees with whether an exception is set.
/// `entered`: only if it was entered that the result is given to the caller.
#[inline(always)]
fn end_well(returned: Returned, base: usize, entered: bool) -> bool {
    let given = |frame: &Frame| match returned {
        Returned::Object { op, .. } => op.is_null() || frame.given == op as Address,
        _ => true,
    };
    let agrees = |frame: &Frame| {
        frame.base == base && frame.open == 0 && disagreement(frame, returned).is_none() && !is_noting()
    };
    let well_ended = with_thread(|frames, here| {
        let well = frames.depth() > 0 && (!entered || given(frames.innermost())) && agrees(frames.innermost());
        if well {
            here.base.set(frames.leave());
        }
        well
    });
    well_ended == Some(true)
}

impl Frame {
    /// The hands of a call that has ended must be empty.
    pub(super) fn close(&mut self, returned: Returned) {
        if self.open == 0 {
            return;
        }
        let result = match returned {
            Returned::Object { op, .. } if !op.is_null() => op,
            _ => core::ptr::null_mut(),
        };
        if !result.is_null() {
            self.structs.extend(fields_of(result));
            if let Some(hand) = self.hands.get_mut(result as Address) {
                // The caller has it now.
                hand.kept = true;
            }
        }
        self.look_into_structs();
        if self.open > 0 {
            self.give_objects_their_types(result);
        }
        if self.open > 0 {
            self.ask_what_is_shown();
        }
        if self.open > 0 {
            self.give_result_its_items(result);
        }
        if self.open > 0 {
            self.look_into_memory();
        }
        if self.open == 0 {
            return;
        }
        self.filled_here().into_iter().for_each(|container| self.items_go_with(container, false));
        let container = self.list_or_tuple(result);
        for (address, hand) in self.hands.iter() {
            if hand.taken.is_empty() {
                continue;
            }
            let strict = STRICT.load(Ordering::Relaxed);
            if !strict && went_unseen(address, hand, container) {
                continue;
            }
            for site in hand.taken.iter() {
                let (type_name, repr) = if strict {
                    describe(address, hand.type_object)
                } else {
                    // SAFETY: it was seen alive and of this type a moment ago, or it would have gone unseen; nothing has run since.
                    unsafe { describe_living(address as *mut PyObject, hand.type_object) }
                };
                let what = if hand.was_held {
                    "its type, to which the object that was freed held a reference: never given back"
                } else {
                    "never given back"
                };
                let what = what.to_owned();
                find(Finding { kind: "surplus", what, site, function: self.function, address, type_name, repr });
            }
        }
    }
}

/// Has the reference been stolen unseen? By a call that the ledger does not know. Then the object is gone since, or it lies in the
/// result, a list or a tuple, which has taken no reference of its own.
fn went_unseen(address: Address, hand: &Hand, container: Option<*mut PyObject>) -> bool {
    let Some(count) = peek::count_of(address, hand.type_object) else { return true };
    // SAFETY: it is the call's result, so it is alive, and so are its items.
    let items = container.map_or(Vec::new(), |container| unsafe { items_of(container) });
    // What was seen to be stolen lies somewhere with good reason.
    let lying = items.iter().filter(|&&item| item == address).count().saturating_sub(hand.stolen);
    lying > 0 && count < hand.expected + lying as isize
}

/// The items of a list or a tuple. One that is not filled yet has NULLs.
///
/// # Safety
/// It is a list or a tuple, and alive.
unsafe fn items_of(container: *mut PyObject) -> Vec<Address> {
    // SAFETY: as the caller says; each item is asked for at a place that there is.
    unsafe {
        if pyo3_ffi::PyTuple_Check(container) != 0 {
            let all = 0..layout::PyTuple_GET_SIZE(container);
            all.map(|at| layout::PyTuple_GET_ITEM(container, at) as Address).collect()
        } else {
            let all = 0..layout::PyList_GET_SIZE(container);
            all.map(|at| layout::PyList_GET_ITEM(container, at) as Address).collect()
        }
    }
}

/// Of what lies in an object, and in the lists, tuples and dicts in it, so much is looked at; or as many times the references that are
/// in hand, if that is more: what a call has filled itself has not many more places.
const MOST_ITEMS: usize = 1 << 18;
const PLACES_FOR_EACH: usize = 4;

/// How often each object lies in a list, a tuple or a dict, or in those in it; only of those objects that are wanted, in containers that
/// stand still, and of the first `most` places.
///
/// # Safety
/// It is NULL or alive, and nothing changes meanwhile in what is said to stand still.
unsafe fn leads_to(
    op: *mut PyObject,
    most: usize,
    stands_still: &dyn Fn(Address) -> bool,
    is_wanted: &dyn Fn(Address) -> bool,
) -> ByAddress<usize> {
    let mut times: ByAddress<usize> = ByAddress::default();
    let mut seen = Addresses::default();
    let mut to_see = vec![op];
    let mut left = most;
    while let Some(container) = to_see.pop() {
        if container.is_null() || !stands_still(container as Address) || !seen.insert(container as Address) {
            continue;
        }
        // SAFETY: the container is alive, and is asked only for what one of its kind has.
        let items = unsafe {
            if pyo3_ffi::PyTuple_Check(container) != 0 || pyo3_ffi::PyList_Check(container) != 0 {
                items_of(container)
            } else if pyo3_ffi::PyDict_Check(container) != 0 {
                let (mut at, mut key, mut value) = (0, core::ptr::null_mut(), core::ptr::null_mut());
                let mut items = Vec::new();
                while pyo3_ffi::PyDict_Next(container, &raw mut at, &raw mut key, &raw mut value) != 0 {
                    items.extend([key as Address, value as Address]);
                }
                items
            } else {
                continue;
            }
        };
        if items.len() > left {
            break;
        }
        left -= items.len();
        for item in items {
            if is_wanted(item) {
                *times.entry(item).or_default() += 1;
            }
            to_see.push(item as *mut PyObject);
        }
    }
    times
}

/// At most this many lists and tuples are searched for what is missing.
const MOST_CONTAINERS: usize = 64;

impl Frame {
    /// The lists and tuples that were empty when the call made them, and live.
    fn filled_here(&self) -> Vec<*mut PyObject> {
        let seen = self.hands.iter().filter(|(_, hand)| hand.blank && !hand.died).take(MOST_CONTAINERS);
        let lives = |&(address, hand): &(Address, &Hand)| {
            peek::head(address).is_some_and(|(_, type_object)| type_object == hand.type_object)
        };
        seen.filter(lives).map(|(address, _)| address as *mut PyObject).collect()
    }

    /// What lies in the result, or in lists, tuples and dicts in it, is theirs if the count says so: if each of these places took a
    /// reference of its own, the count would be higher. An extension in a hurry writes items where they belong, or puts them into a dict
    /// and takes back the reference that the dict has taken by changing the count itself.
    fn give_result_its_items(&mut self, result: *mut PyObject) {
        let most = MOST_ITEMS.max(PLACES_FOR_EACH * self.open);
        let made_here = |address| self.hands.get(address).is_some_and(|hand| hand.blank && !hand.died);
        // Without the GIL others may change meanwhile what the call has not made itself.
        let stands_still = |address| !cfg!(Py_GIL_DISABLED) || made_here(address);
        // SAFETY: the result of a call is alive, and owns what it leads to. With the GIL nothing runs meanwhile; without it nobody else
        // knows a list or a tuple that the call has made.
        let lying = unsafe { leads_to(result, most, &stands_still, &|address| self.hands.get(address).is_some()) };
        for (object, times) in lying {
            let Some(hand) = self.hands.get_mut(object).filter(|hand| !hand.taken.is_empty()) else { continue };
            // SAFETY: it lies in something that lives, and so lives.
            let count = unsafe { layout::count_of(object as *mut PyObject) };
            // What was seen to be stolen lies somewhere with good reason.
            let lying = times.saturating_sub(hand.stolen) as isize;
            for _ in 0..lying.min(hand.expected + lying - count).max(0) {
                if hand.taken.pop().is_some() {
                    self.open -= 1;
                }
            }
        }
    }

    /// The call's result, if it is a list or a tuple that another call has filled.
    fn list_or_tuple(&self, result: *mut PyObject) -> Option<*mut PyObject> {
        let filled_here = self.hands.get(result as Address).is_some_and(|hand| hand.blank && !hand.died);
        // SAFETY: the result of a call is alive; only the flags of its type are read.
        let is_one = |op| unsafe { pyo3_ffi::PyTuple_Check(op) != 0 || pyo3_ffi::PyList_Check(op) != 0 };
        Some(result).filter(|&result| !result.is_null() && !filled_here && is_one(result))
    }

    /// What was written into a list or a tuple without being entered, is the container's. When the call made it, its places were
    /// empty. `away`: it is about to be freed, and gives them back.
    pub(super) fn items_go_with(&mut self, container: *mut PyObject, away: bool) {
        // SAFETY: it was seen to be a list or a tuple, and is alive: a moment ago, or its last reference is about to be given back.
        let items = unsafe { items_of(container) };
        let mut times: ByAddress<usize> = ByAddress::default();
        items.into_iter().for_each(|item| *times.entry(item).or_default() += 1);
        for (item, times) in times {
            let Some(hand) = self.hands.get_mut(item) else { continue };
            // What was seen to be stolen lies somewhere with good reason.
            let lying = times.saturating_sub(hand.stolen);
            for _ in 0..lying {
                if hand.taken.pop().is_some() {
                    self.open -= 1;
                    hand.expected -= isize::from(away);
                    hand.moved -= isize::from(away);
                }
            }
        }
    }

    /// An object of a heap type holds a reference to it. Where one was taken by hand for an object that has none, it is that.
    /// An object can be a type itself, whose type is a metaclass.
    fn give_objects_their_types(&mut self, result: *mut PyObject) {
        let is_open_type = |(address, hand): (Address, &Hand)| {
            let metaclass = hand.type_object as *mut pyo3_ffi::PyTypeObject;
            // SAFETY: the type of an object that was seen a moment ago lives.
            let flags = unsafe { pyo3_ffi::PyType_GetFlags(metaclass) };
            (!hand.taken.is_empty() && flags & pyo3_ffi::Py_TPFLAGS_TYPE_SUBCLASS != 0).then_some(address)
        };
        let types: Vec<Address> = self.hands.iter().filter_map(is_open_type).collect();
        if types.is_empty() {
            return;
        }
        let seen = self.hands.iter().filter(|(_, hand)| !hand.died && !hand.kept).map(|(address, _)| address);
        let objects = self.structs.iter().map(|fields| fields.of).chain([result as Address]).chain(seen);
        let objects: HashSet<Address> = objects.filter(|&op| op != 0).collect();
        for object in objects {
            let Some((_, type_object)) = peek::head(object) else { continue };
            if !types.contains(&type_object) {
                continue;
            }
            let Some(hand) = self.hands.get_mut(type_object) else { continue };
            let mut open = ledger();
            if open.types_held.contains_key(&object) {
                continue;
            }
            if let Some(site) = hand.taken.pop() {
                self.open -= 1;
                open.types_held.insert(object, (type_object, site));
            }
        }
    }
}

/// Failure must be reported with an exception and success without one.
pub(super) fn check_exception(frame: &Frame, returned: Returned) {
    let Some((what, set)) = disagreement(frame, returned) else { return };
    let type_name = if set == 0 { String::new() } else { name_of(set).to_owned() };
    let what = what.to_owned();
    let function = frame.function;
    find(Finding { kind: "exception", what, site: None, function, address: set, type_name, repr: String::new() });
}

/// Whether what a call answers disagrees with whether an exception is set: in which way, and the type of the exception.
fn disagreement(frame: &Frame, returned: Returned) -> Option<(&'static str, Address)> {
    // SAFETY: a call of the extension is about to return, so this thread has the GIL; the reference is borrowed and only compared.
    let set = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let what = match returned {
        Returned::Nothing if set != frame.exception => "the exception that was set is not what it was",
        // Called while an exception is on its way: nothing can be said.
        _ if frame.exception != 0 => return None,
        Returned::Object { op, ends: false } if op.is_null() && set == 0 => "failed without an exception",
        Returned::Object { op, .. } if !op.is_null() && set != 0 => "succeeded with an exception set",
        Returned::Number { failed: true } if set == 0 => "failed without an exception",
        Returned::Number { failed: false } if set != 0 => "succeeded with an exception set",
        _ => return None,
    };
    Some((what, set))
}

impl Frame {
    /// Looks for what is still in hand in the structs that the call can have written into, and regards what it finds there as
    /// stored.
    pub(super) fn look_into_structs(&mut self) {
        let mut seen: Vec<Fields> = Vec::new();
        for &fields in &self.structs {
            if seen.contains(&fields) {
                continue;
            }
            seen.push(fields);
        }
        seen.into_iter().for_each(|fields| self.look_into(fields));
    }

    /// The same, for one struct.
    fn look_into(&mut self, fields: Fields) {
        let kept = self.hands.get(fields.of).is_some_and(|hand| hand.kept && !hand.died);
        let words = if kept && !releases(self.function) {
            let number = (fields.end - fields.start) / size_of::<usize>();
            // SAFETY: somebody keeps this object alive for the whole call, which is none that takes it apart; so the words of its
            // struct can be read.
            (0..number).map(|at| unsafe { (fields.start as *const usize).add(at).read_unaligned() }).collect()
        } else {
            peek::words(fields.start, fields.end)
        };
        let holds = |address| words.contains(&address);
        for (object, hand) in self.hands.iter_mut().filter(|(address, _)| holds(*address)) {
            let places = words.iter().enumerate().filter(|&(_, &word)| word == object);
            for field in places.map(|(number, _)| fields.start + number * size_of::<usize>()) {
                if hand.taken.is_empty() || ledger().holds(field, object) {
                    continue;
                }
                let site = hand.taken.pop().expect("it is not empty");
                self.open -= 1;
                keep_in_field(field, object, site, self.function, Some((fields, &words)));
                ledger().found_in.entry(object).or_default().insert(field);
            }
        }
    }
}

/// What is in hand outside any call, on this thread: nothing, once the module has been made.
pub(crate) fn outside() -> Vec<(Site, Address, String, String)> {
    let held = with_frames(|frames| {
        let each = |(address, hand): (Address, &Hand)| {
            hand.taken.iter().map(|site| (site, address, hand.type_object)).collect::<Vec<_>>()
        };
        frames.outside().hands.iter().flat_map(each).collect::<Vec<_>>()
    });
    let held = held.unwrap_or_default();
    held.into_iter()
        .map(|(site, address, type_object)| {
            let (type_name, repr) = describe(address, type_object);
            (site, address, type_name, repr)
        })
        .collect()
}
