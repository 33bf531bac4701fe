//! The ledger itself: what belongs to the whole process, and the switches.

use super::always;
use super::by_address::{Addresses, ByAddress};
use super::report::{Finding, log};
use super::stored::Kept;
use super::{Address, Site};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pyo3_ffi::PyTypeObject;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock};

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
    /// How many of these fields may only seem to hold it: it was given away while none of them was written over, as an array that grows
    /// and shrinks leaves its last items where they were.
    pub(super) doubted: ByAddress<usize>,
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
    pub(super) types: Addresses,
    pub(super) type_names: HashSet<&'static str>,
    /// The name that was last seen of the type at an address.
    pub(super) names_of_types: ByAddress<&'static str>,
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

/// After so many findings nothing is judged any more, if they are written down: a flood of them would fill the disk.
pub(super) const MOST_LOGGED: usize = 500_000;

/// Nothing is judged any more: see [`go_blind`].
static BLIND: AtomicBool = AtomicBool::new(false);
static WHY_BLIND: OnceLock<&str> = OnceLock::new();

/// Why that is; nothing if it is not.
pub(crate) fn why_blind() -> &'static str {
    WHY_BLIND.get().copied().unwrap_or_default()
}

#[inline(always)]
pub(crate) fn is_blind() -> bool {
    BLIND.load(Ordering::Relaxed)
}

/// What was found until now stands; from now on nothing is judged, in no thread, since what this one stores and gives back is not seen
/// either. `why`: in words.
#[cold]
pub(super) fn go_blind(why: &'static str) {
    if WHY_BLIND.set(why).is_ok() {
        BLIND.store(true, Ordering::Relaxed);
        log(&["blind", why]);
    }
}

/// Types of the extension's own, each where a hash of its address says, or behind: asked at each call, so without a lock. None is ever
/// taken out.
static OWN_TYPES: [AtomicUsize; 4096] = [const { AtomicUsize::new(0) }; 4096];
/// How many there are.
static OWN: AtomicUsize = AtomicUsize::new(0);
/// In more than so many one would search long.
const MOST_AT_ONCE: usize = OWN_TYPES.len() / 2;

/// Where a type is, or would be put.
#[inline(always)]
fn place_of_type(type_object: Address) -> &'static AtomicUsize {
    let mut at = (type_object >> 4).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - 12);
    loop {
        let place = &OWN_TYPES[at];
        let known = place.load(Ordering::Relaxed);
        if known == type_object || known == 0 {
            return place;
        }
        at = (at + 1) % OWN_TYPES.len();
    }
}

/// Is it a type of the extension's own?
#[inline(always)]
pub(super) fn is_own_type(type_object: Address) -> bool {
    let known = place_of_type(type_object).load(Ordering::Relaxed) == type_object;
    known || (OWN.load(Ordering::Relaxed) > MOST_AT_ONCE && ledger().types.contains(&type_object))
}

/// Remembers a type of the extension's own.
pub(crate) fn own_type(type_object: *mut PyTypeObject) {
    // SAFETY: the type is ready, so its flags can be asked for.
    let is_static = unsafe { pyo3_ffi::PyType_GetFlags(type_object) } & pyo3_ffi::Py_TPFLAGS_HEAPTYPE == 0;
    let mut ledger = ledger();
    let new = ledger.types.insert(type_object as Address);
    if new && OWN.fetch_add(1, Ordering::Relaxed) < MOST_AT_ONCE {
        place_of_type(type_object as Address).store(type_object as Address, Ordering::Relaxed);
    }
    drop(ledger);
    if new && is_static {
        always::add(type_object.cast());
    }
}
