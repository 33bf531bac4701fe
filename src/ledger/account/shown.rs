//! What an object shows to the garbage collector, it owns.
//!
//! References do not only lie in the fields of structs. A hash table keeps them in nodes of its own, a tree in its branches, and
//! no line says that they were stored. But a type that holds references to others has a `tp_traverse`, which shows each of
//! them to the collector. So when a call ends with something in hand, the ledger asks the objects that the call was given,
//! those that it made and those that these own, what they show. What they show more than is known to lie in them, has been
//! stored there.

use super::by_address::ByAddress;
use super::hands::{Frame, in_frame};
use super::ledger::ledger;
use super::stored::{fields_of, own_base};
use super::{Address, Site};
use crate::layout;
use crate::trampolines;
use core::ffi::{c_int, c_void};
use pyo3_ffi::{PyObject, visitproc};
use std::collections::{BTreeSet, HashSet};

/// What an object shows: each object, and how often. No more of them are asked for than this: large containers are asked in vain.
const MOST: usize = 200_000;
/// An object that lies in very many others is looked for in so many of them.
pub(super) const MOST_ASKED: usize = 64;
/// So many objects of the extension's own are asked, one by way of the other.
const MOST_CONTAINERS: usize = 64;

struct Visits {
    found: Vec<Address>,
}

unsafe extern "C" fn visit(op: *mut PyObject, visits: *mut c_void) -> c_int {
    // SAFETY: only `shown_by` passes this function on, and with it the address of its own `Visits`, which it does not touch
    // until the traversal has returned.
    let visits = unsafe { &mut *visits.cast::<Visits>() };
    if !op.is_null() {
        visits.found.push(op as Address);
    }
    c_int::from(visits.found.len() >= MOST)
}

/// What an object of the extension's own shows, if it is known to the collector. In no order.
fn shown_by(container: Address) -> Option<Vec<Address>> {
    let op = container as *mut PyObject;
    // SAFETY: every caller has a living object. One that the collector tracks is whole enough to be traversed at any time; its
    // `tp_traverse` has the signature that every such slot has, and calls nothing but `visit`.
    unsafe {
        let base = own_base(op)?;
        if layout::PyObject_IS_GC(op) == 0 || pyo3_ffi::PyObject_GC_IsTracked(op) == 0 {
            return None;
        }
        let traverse = trampolines::behind((*layout::open(base)).tp_traverse? as *const () as usize);
        let traverse: unsafe extern "C" fn(*mut PyObject, visitproc, *mut c_void) -> c_int =
            core::mem::transmute(traverse);
        let mut visits = Visits { found: Vec::new() };
        let stopped = traverse(op, visit, (&raw mut visits).cast());
        (stopped == 0).then_some(visits.found)
    }
}

/// How often an object is known to lie in another one.
fn known_in(container: Address, object: Address) -> usize {
    // SAFETY: the container was traversed a moment ago, so it is alive, and keeps its type alive.
    let size = unsafe { (*layout::type_of(container as *mut PyObject)).tp_basicsize } as usize;
    let ledger = ledger();
    let in_fields = ledger.fields.range(container..container + size).filter(|(_, kept)| kept.object == object).count();
    // What was found in a block of memory may be what is shown.
    let elsewhere = |fields: &BTreeSet<Address>| fields.len() - fields.range(container..container + size).count();
    let in_blocks = ledger.found_in.get(&object).map_or(0, elsewhere);
    let in_entries = ledger.entries.get(&container).and_then(|entries| entries.get(&object)).map_or(0, Vec::len);
    in_fields + in_blocks + in_entries
}

impl Frame {
    /// Asks the objects that the call can have stored something in. What is in hand and shown by one of them goes out of hand.
    pub(super) fn ask_what_is_shown(&mut self) {
        self.ask(self.structs.iter().map(|fields| fields.of).collect(), MOST_CONTAINERS);
    }

    /// The same of these objects, and of those that they own, but of no more than so many.
    pub(super) fn ask(&mut self, mut to_ask: Vec<Address>, most: usize) {
        let mut asked: HashSet<Address> = HashSet::new();
        while let Some(container) = to_ask.pop() {
            if self.open == 0 || asked.len() == most {
                return;
            }
            if !asked.insert(container) {
                continue;
            }
            let Some(found) = shown_by(container) else { continue };
            let mut times: ByAddress<usize> = ByAddress::default();
            for &object in &found {
                if self.hands.get(object).is_some_and(|hand| !hand.taken.is_empty()) {
                    *times.entry(object).or_default() += 1;
                }
            }
            for (object, times) in times {
                let more = times.saturating_sub(known_in(container, object));
                self.settle_in(container, object, more);
            }
            // What it owns of the extension's own may hold the rest.
            // SAFETY: the container is alive and owns what it shows; nothing has run since that could make it release any.
            to_ask.extend(found.into_iter().filter(|&object| unsafe { own_base(object as *mut PyObject) }.is_some()));
        }
    }

    fn settle_in(&mut self, container: Address, object: Address, times: usize) {
        let Some(hand) = self.hands.get_mut(object) else { return };
        let mut open = ledger();
        for _ in 0..times {
            let Some(site) = hand.taken.pop() else { break };
            self.open -= 1;
            open.entries.entry(container).or_default().entry(object).or_default().push(site);
            *open.shown_in.entry(object).or_default().entry(container).or_default() += 1;
        }
    }
}

/// A reference to this object is given back or away that is not in hand: it has been taken out of where it was shown. `gone`:
/// only if it is not shown there any more. `here`: only if it was shown by an object that the running call was given or has
/// made.
pub(super) fn take_shown(object: Address, gone: bool, here: bool) -> bool {
    let of_call = || in_frame(|frame| frame.structs.iter().map(|it| it.of).collect()).unwrap_or_default();
    let containers: Vec<Address> = {
        let open = ledger();
        let Some(all) = open.shown_in.get(&object) else { return false };
        if here {
            let near: Vec<Address> = of_call();
            near.into_iter().filter(|container| all.contains_key(container)).collect()
        } else {
            all.keys().rev().take(MOST_ASKED).copied().collect()
        }
    };
    for container in containers {
        if gone && shown_by(container).is_some_and(|found| times_in(&found, object) >= known_in(container, object)) {
            continue;
        }
        return ledger().forget_shown(container, object);
    }
    false
}

fn times_in(found: &[Address], object: Address) -> usize {
    found.iter().filter(|&&it| it == object).count()
}

/// Entries of a container: each object, and where it was put there.
type Entries = Vec<(Address, Site)>;

impl super::ledger::Ledger {
    /// An object is shown by another one once less. Whether it was.
    fn shown_once_less(&mut self, container: Address, object: Address) -> bool {
        let Some(containers) = self.shown_in.get_mut(&object) else { return false };
        let Some(times) = containers.get_mut(&container) else { return false };
        *times -= 1;
        if *times == 0 {
            containers.remove(&container);
        }
        if containers.is_empty() {
            self.shown_in.remove(&object);
        }
        true
    }

    fn forget_shown(&mut self, container: Address, object: Address) -> bool {
        self.shown_once_less(container, object);
        let Some(entries) = self.entries.get_mut(&container) else { return false };
        let Some(sites) = entries.get_mut(&object) else { return false };
        let known = sites.pop().is_some();
        if sites.is_empty() {
            entries.remove(&object);
        }
        known
    }

    /// The entries of an object that goes: those that were found by asking, and those that the extension entered itself.
    pub(super) fn take_entries(&mut self, container: Address) -> (Entries, Entries) {
        let (mut shown, mut entered) = (Vec::new(), Vec::new());
        for (object, sites) in self.entries.remove(&container).unwrap_or_default() {
            for site in sites {
                if self.shown_once_less(container, object) {
                    shown.push((object, site));
                } else {
                    entered.push((object, site));
                }
            }
        }
        (shown, entered)
    }
}

/// Is the object shown by one of the extension's own that still lives? Then its holder before has handed it on.
pub(super) fn is_shown_elsewhere(object: Address) -> bool {
    let living: Vec<Address> = ledger().objects.keys().copied().take(1000).collect();
    living.into_iter().any(|container| shown_by(container).is_some_and(|found| found.contains(&object)))
}

/// Where the structs lie of the objects of the extension's own that an object shows.
pub(super) fn own_objects_of(container: Address) -> Vec<(Address, Address)> {
    let found: HashSet<Address> = shown_by(container).unwrap_or_default().into_iter().collect();
    let fields = found.into_iter().filter_map(|object| fields_of(object as *mut PyObject));
    fields.take(MOST_CONTAINERS).map(|fields| (fields.start, fields.end)).collect()
}
