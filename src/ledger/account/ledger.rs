//! The ledger itself: what belongs to the whole process, and the switches.

use super::always;
use super::hands::{AddressHasher, ByAddress};
use super::report::Finding;
use super::stored::Kept;
use super::{Address, Site};
use core::hash::BuildHasherDefault;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pyo3_ffi::PyTypeObject;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{LazyLock, Mutex, MutexGuard};

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
pub(crate) struct Ledger {
    pub(crate) findings: VecDeque<Finding>,
    /// How many findings there have been, with those that were dropped.
    pub(crate) found: usize,
    pub(crate) events: Vec<Event>,
    /// What lies in fields, by the field's address.
    pub(super) fields: BTreeMap<Address, Kept>,
    /// In which fields, that were found by looking, an object lies. An object can lie in very many (`None` does).
    pub(super) found_in: ByAddress<BTreeSet<Address>>,
    /// What lies in the entries of a container object: container, object, where it was stored.
    pub(super) entries: ByAddress<ByAddress<Vec<Site>>>,
    /// Objects of heap types of the extension's own, each with the type to which it holds a reference, and where it was made.
    pub(super) types_held: ByAddress<(Address, Site)>,
    /// Those of them whose `tp_dealloc` has ended before they were freed: they wait until another call frees them.
    pub(super) put_off: HashSet<Address>,
    /// Blocks of memory that the extension has allocated and not given back, and their sizes.
    pub(super) blocks: ByAddress<usize>,
    /// In which objects, that showed it, an object lies, and how often in each.
    pub(super) shown_in: ByAddress<BTreeMap<Address, usize>>,
    /// Objects of the extension's own types that it has made and not freed, and their sizes.
    pub(super) objects: ByAddress<usize>,
    /// Types of the extension's own.
    pub(super) types: HashSet<Address, BuildHasherDefault<AddressHasher>>,
    pub(super) type_names: HashSet<&'static str>,
}

/// More findings than this are counted, not kept.
pub(super) const MOST_FINDINGS: usize = 100_000;
/// More events than this are not kept.
pub(crate) const MOST_EVENTS: usize = 2_000_000;

pub(super) static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

/// How many want events recorded.
pub(crate) static RECORDING: AtomicUsize = AtomicUsize::new(0);
/// Are objects judged of which the ledger knows nothing?
pub(super) static STRICT: AtomicBool = AtomicBool::new(false);
/// Are deficits written to standard error?
pub(crate) static SPEAKING: AtomicBool = AtomicBool::new(true);

/// The ledger, locked. The lock must be released before anything is called that could come back here.
pub(crate) fn ledger() -> MutexGuard<'static, Ledger> {
    LEDGER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Says that the extension enters *every* new reference, also those from calls which the ledger does not know, with
/// [`received`]. From then on an object that is given away and of which nothing is known is a deficit.
pub fn judge_everything() {
    STRICT.store(true, Ordering::Relaxed);
}

/// Remembers a type of the extension's own.
pub(crate) fn own_type(type_object: *mut PyTypeObject) {
    // SAFETY: the type is ready, so its flags can be asked for.
    let is_static = unsafe { pyo3_ffi::PyType_GetFlags(type_object) } & pyo3_ffi::Py_TPFLAGS_HEAPTYPE == 0;
    if ledger().types.insert(type_object as Address) && is_static {
        always::add(type_object.cast());
    }
}
