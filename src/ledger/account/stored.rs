//! What is stored: references that lie in the fields of structs and in the entries of containers.

use super::blocks::given_back;
use super::describe::describe;
use super::hands::{OUTSIDE, give, in_frame, is_plain, take, with_frames};
use super::ledger::{Ledger, STRICT, is_own_type, ledger};
use super::report::{Finding, find, note_numbers};
use super::shown::{MOST_ASKED, is_shown_elsewhere};
use super::{Address, Site};
use crate::layout;
use crate::peek;
use crate::spot::Spot;
use crate::trampolines;
use core::sync::atomic::Ordering;
use pyo3_ffi::PyObject;

/// A reference that lies in a field.
pub(super) struct Kept {
    pub(super) object: Address,
    pub(super) site: Site,
    pub(super) function: &'static str,
}

/// Memory that the extension writes references into: the part of an object of its own that follows the head, or a module's state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) of: Address,
    pub(super) start: Address,
    pub(super) end: Address,
}

/// The fields of the object if its type is one of the extension's own or derived from one; or those of a module.
pub(super) fn fields_of(op: *mut PyObject) -> Option<Fields> {
    let head = size_of::<PyObject>();
    // SAFETY: every caller has `op` from CPython, as an argument or a new object, so it is alive; so are its type and the bases
    // of that. A module that has a definition keeps it, and its state, as long as it lives.
    unsafe {
        if is_plain(op as Address) {
            return None;
        }
        if pyo3_ffi::PyModule_CheckExact(op) != 0 {
            let state = pyo3_ffi::PyModule_GetState(op) as Address;
            let size = size_of_state(op);
            return (state != 0).then_some(Fields { of: op as Address, start: state, end: state + size });
        }
        let size = (*layout::type_of(op)).tp_basicsize as usize;
        own_base(op)?;
        Some(Fields { of: op as Address, start: op as Address + head, end: op as Address + size })
    }
}

/// The size of a module's state.
///
/// # Safety
/// The module is alive.
unsafe fn size_of_state(module: *mut PyObject) -> usize {
    #[cfg(Py_3_15)]
    unsafe extern "C" {
        fn PyModule_GetStateSize(module: *mut PyObject, size: *mut pyo3_ffi::Py_ssize_t) -> core::ffi::c_int;
    }
    // SAFETY: the module is alive, says the caller; a module that has a definition keeps it as long as it lives. One that is made of
    // slots has none, and its size is asked for.
    unsafe {
        #[cfg(Py_3_15)]
        {
            let mut size = 0;
            PyModule_GetStateSize(module, &raw mut size);
            size as usize
        }
        #[cfg(not(Py_3_15))]
        {
            let definition = pyo3_ffi::PyModule_GetDef(module);
            if definition.is_null() { 0 } else { (*definition).m_size as usize }
        }
    }
}

/// The type of the object, or the nearest base of it, that is the extension's own.
///
/// # Safety
/// The object is alive.
pub(super) unsafe fn own_base(op: *mut PyObject) -> Option<*mut pyo3_ffi::PyTypeObject> {
    // SAFETY: a living object keeps its type alive, and that its bases.
    unsafe {
        let mut type_object = pyo3_ffi::Py_TYPE(op);
        while !type_object.is_null() {
            if is_own_type(type_object as Address) {
                return Some(type_object);
            }
            type_object = (*layout::open(type_object)).tp_base;
        }
    }
    None
}

impl Ledger {
    pub(super) fn holds(&self, field: Address, object: Address) -> bool {
        self.fields.get(&field).is_some_and(|kept| kept.object == object)
    }

    /// Takes a reference to `object` out of a field in which it was found by looking, if there is one: rather out of one that does
    /// not hold it any more, and rather out of a struct of the running call, of which some are passed. `emptied`: only out of one
    /// that does not hold it any more.
    pub(super) fn take_found(&mut self, object: Address, emptied: bool, near: &[Fields]) -> bool {
        let Some(found) = self.found_in.get(&object) else { return false };
        let gone = |&field: &Address| peek::words(field, field + size_of::<usize>()).first() != Some(&object);
        let near = || near.iter().flat_map(|fields| found.range(fields.start..fields.end).copied());
        // An object that lies in very many fields is not looked for in all of them.
        let far = || found.iter().rev().take(MOST_ASKED).copied();
        let which = near().find(gone);
        let which = if emptied { which } else { which.or_else(|| near().next()) };
        let which = which.or_else(|| far().find(gone));
        let which = if emptied { which } else { which.or_else(|| far().next()) };
        let Some(field) = which else { return false };
        self.forget_found_at(object, field);
        self.fields.remove(&field).is_some()
    }

    /// Of the fields in which the object was found by looking, one may only seem to hold it.
    pub(super) fn doubt(&mut self, object: Address) {
        if self.found_in.contains_key(&object) {
            *self.doubted.entry(object).or_default() += 1;
        }
    }

    /// Whether there was one of these. From now on it holds the object, or is a field no more.
    pub(super) fn one_doubt_less(&mut self, object: Address) -> bool {
        let Some(doubts) = self.doubted.get_mut(&object) else { return false };
        *doubts -= 1;
        if *doubts == 0 {
            self.doubted.remove(&object);
        }
        true
    }

    fn forget_found_at(&mut self, object: Address, field: Address) {
        if let Some(fields) = self.found_in.get_mut(&object) {
            fields.remove(&field);
            if fields.is_empty() {
                self.found_in.remove(&object);
                self.doubted.remove(&object);
            }
        }
    }
}

/// The reference is put into a field of a struct, or into a static variable.
#[track_caller]
pub fn stored_in_field(field: *mut *mut PyObject, op: *mut PyObject) {
    let site = Some(Spot::here());
    give(op, "stored", site);
    if let Some(function) = in_frame(|frame| frame.function)
        && !op.is_null()
    {
        keep_in_field(field as Address, op as Address, site, function, None);
    }
}

/// Enters that the field holds the object. What it held before, and was not taken out of it, is lost, unless it has only been
/// moved: then it lies in another field of the same struct, of which nothing is known yet.
pub(super) fn keep_in_field(
    field: Address,
    object: Address,
    site: Site,
    function: &'static str,
    within: Option<(Fields, &[usize])>,
) {
    note_numbers("field", &[field, object]);
    let mut open = ledger();
    let Some(lost) = open.fields.insert(field, Kept { object, site, function }) else { return };
    let doubted = open.one_doubt_less(lost.object);
    open.forget_found(&lost, field);
    if doubted {
        return;
    }
    if let Some((fields, words)) = within {
        let places = words.iter().enumerate().filter(|&(_, &word)| word == lost.object);
        let mut places = places.map(|(number, _)| fields.start + number * size_of::<usize>());
        if let Some(moved) = places.find(|place| !open.fields.contains_key(place)) {
            open.found_in.entry(lost.object).or_default().insert(moved);
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

impl Ledger {
    pub(super) fn forget_found(&mut self, kept: &Kept, field: Address) {
        self.forget_found_at(kept.object, field);
    }
}

/// The reference is taken out of the field: it is in hand. `op` may be NULL.
#[track_caller]
pub fn taken_from_field(field: *mut *mut PyObject, op: *mut PyObject) {
    if op.is_null() {
        return;
    }
    let site = Some(Spot::here());
    note_numbers("from field", &[field as Address, op as Address]);
    let mut open = ledger();
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
    let site = Some(Spot::here());
    give(op, "stored", site);
    note_numbers("entry", &[container as Address, op as Address]);
    ledger().entries.entry(container as Address).or_default().entry(op as Address).or_default().push(site);
}

/// The reference is taken out of an entry of a container object: it is in hand.
#[track_caller]
pub fn taken_from_entry(container: *mut PyObject, op: *mut PyObject) {
    let site = Some(Spot::here());
    note_numbers("from entry", &[container as Address, op as Address]);
    let mut open = ledger();
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

pub(super) fn not_stored(op: *mut PyObject, site: Site) {
    let (type_name, repr) = describe(op as Address, 0);
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let what = "taken out of a place that owned nothing".to_owned();
    find(Finding { kind: "deficit", what, site, function, address: op as Address, type_name, repr });
}

/// Two containers have exchanged all their entries.
pub fn entries_exchanged(one: *mut PyObject, other: *mut PyObject) {
    note_numbers("entries exchanged", &[one as Address, other as Address]);
    let mut ledger = ledger();
    let ones = ledger.entries.remove(&(one as Address)).unwrap_or_default();
    let others = ledger.entries.insert(other as Address, ones).unwrap_or_default();
    ledger.entries.insert(one as Address, others);
}

/// Two fields have exchanged what they hold.
pub fn fields_exchanged(one: *mut *mut PyObject, other: *mut *mut PyObject) {
    note_numbers("fields exchanged", &[one as Address, other as Address]);
    let mut ledger = ledger();
    let ones = ledger.fields.remove(&(one as Address));
    let others = ledger.fields.remove(&(other as Address));
    if let Some(kept) = ones {
        ledger.fields.insert(other as Address, kept);
    }
    if let Some(kept) = others {
        ledger.fields.insert(one as Address, kept);
    }
}

/// What is stored in an object of the extension's own, in its fields and its entries: each object, and where it was put there.
pub(crate) fn stored_in(container: *mut PyObject) -> Vec<(Address, Site)> {
    let start = container as Address;
    // SAFETY: `container` is a living object, so its type is alive.
    let size = unsafe { (*layout::type_of(container)).tp_basicsize } as usize;
    let ledger = ledger();
    let fields = ledger.fields.range(start..start + size).map(|(_, kept)| (kept.object, kept.site));
    let entries = ledger.entries.get(&start).into_iter().flatten();
    let entries = entries.flat_map(|(&object, sites)| sites.iter().map(move |&site| (object, site)));
    fields.chain(entries).collect()
}

/// The `tp_dealloc` of this object has ended. If the object is still there, it waits for its turn: tables that own tables do, one
/// inside the other, so that the stack suffices.
pub(crate) fn taken_apart(op: *mut PyObject) {
    let mut open = ledger();
    if open.types_held.contains_key(&(op as Address)) {
        open.put_off.insert(op as Address);
    }
}

/// The memory of an object of this size is given back. What is still stored in it is lost.
pub(crate) fn freed(op: *mut PyObject, size: usize) {
    let start = op as Address;
    note_numbers("freed", &[start]);
    with_frames(|frames| {
        for frame in frames.running() {
            frame.structs.retain(|fields| fields.of != start);
            // Outside any call nothing ends, and another object may be made at this address.
            let outside = frame.function == OUTSIDE;
            if frame.hands.get(start).is_some_and(|hand| outside || hand.taken.is_empty())
                && let Some(hand) = frame.hands.remove(start)
            {
                frame.open -= hand.taken.iter().count();
            }
        }
    });
    let mut lost = Vec::new();
    let mut open = ledger();
    open.objects.remove(&start);
    let held = open.types_held.remove(&start);
    let put_off = open.put_off.remove(&start);
    let fields: Vec<Address> = open.fields.range(start..start + size).map(|(&field, _)| field).collect();
    for field in fields {
        if let Some(kept) = open.fields.remove(&field) {
            open.forget_found(&kept, field);
            lost.push((kept.object, kept.site, kept.function));
        }
    }
    let function = in_frame(|frame| frame.function).unwrap_or(OUTSIDE);
    let (shown, entered) = open.take_entries(start);
    // The object's reference to its type is now its tp_dealloc's, which gives it back after the memory; or it is the call's that
    // frees what had been put off. CPython's own does so unseen.
    if let Some((type_object, site)) = held
        && (put_off || trampolines::dying() == Some(start))
    {
        drop(open);
        take(type_object as *mut PyObject, "taken", site);
        in_frame(|frame| frame.hands.get_mut(type_object).map(|hand| hand.was_held = true));
        open = ledger();
    }
    lost.extend(entered.into_iter().map(|(object, site)| (object, site, function)));
    drop(open);
    // What was found by asking can have been handed on to another object without a word.
    let handed_on = |object| peek::head(object).is_none() || is_shown_elsewhere(object);
    lost.extend(
        shown.into_iter().filter(|&(object, _)| !handed_on(object)).map(|(object, site)| (object, site, function)),
    );
    for (address, site, function) in lost {
        let (type_name, repr) = describe(address, 0);
        let what = "stored in an object that was freed without giving it back".to_owned();
        find(Finding { kind: "surplus", what, site, function, address, type_name, repr });
    }
}

/// Memory is given back that may have been an object of the extension's own, or a block.
pub(crate) fn freed_memory(op: *mut PyObject) {
    let known = ledger().objects.get(&(op as Address)).copied();
    if let Some(size) = known {
        freed(op, size);
    } else {
        given_back(op as Address);
    }
}
