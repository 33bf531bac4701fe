//! Faults on purpose: the nth call that may fail, fails.
//!
//! Every function of `ffi.rs` that can fail asks here first. While faults are on, the place of each such call is written down
//! with how often it was reached and how often it was made to fail. A failing call does nothing but raise: the exception that was
//! asked for, or `MemoryError`, which any call may raise.
//!
//! What happens while the module is loaded comes before anybody in Python can ask for anything. So the first order can be
//! given in the environment: `LEDGER_FAIL="3 KeyError"` makes the third call fail with a `KeyError`; 0 only counts.

use crate::account::{self, Site};
use crate::spot::Spot;
use core::sync::atomic::{AtomicBool, Ordering};
use pyo3_ffi::PyObject;
use std::collections::HashMap;
use std::ffi::CString;
use std::sync::{LazyLock, Mutex, MutexGuard};

/// The environment variable with the first order.
const FIRST_ORDER: &str = "LEDGER_FAIL";

/// A place at which a call may fail.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) call: &'static str,
}

impl Place {
    fn of(call: &'static str, site: Site) -> Place {
        Place { file: site.map_or("", |spot| spot.file()), line: site.map_or(0, |spot| spot.line()), call }
    }
}

/// What is known of a place.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// How often it was reached, and how often it failed.
    pub(crate) reached: u64,
    pub(crate) failed: u64,
    /// The how manieth of all calls it was when it was reached first.
    pub(crate) first: u64,
}

#[derive(Default)]
pub(crate) struct Faults {
    /// How many calls are still to come before the one that fails, that one included; 0: none is to fail.
    left: u64,
    /// What it raises: owned, or 0 for `MemoryError`.
    exception: usize,
    /// The name of a builtin exception to be raised instead, if the order came from the environment.
    by_name: Option<CString>,
    /// How many calls have been made while faults are on.
    made: u64,
    pub(crate) places: HashMap<Place, Counts>,
}

static ON: LazyLock<AtomicBool> = LazyLock::new(|| AtomicBool::new(std::env::var_os(FIRST_ORDER).is_some()));
static FAULTS: LazyLock<Mutex<Faults>> = LazyLock::new(|| Mutex::new(first_order()));

/// What the environment orders. What cannot be read only counts.
fn first_order() -> Faults {
    let order = std::env::var(FIRST_ORDER).unwrap_or_default();
    let mut words = order.split_whitespace();
    let left = words.next().and_then(|nth| nth.parse().ok()).unwrap_or_default();
    Faults { left, by_name: words.next().and_then(|name| CString::new(name).ok()), ..Faults::default() }
}

pub(crate) fn faults() -> MutexGuard<'static, Faults> {
    FAULTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Orders that the `nth` call from now on fails, with `exception`, a new reference which is stolen, or NULL; 0 only counts. None
/// takes it all back. Returns what was left of the last order, 0 if it was carried out, and its exception, if it was not.
pub(crate) fn order(nth: Option<u64>, exception: *mut PyObject) -> (u64, *mut PyObject) {
    let mut faults = faults();
    let left = std::mem::replace(&mut faults.left, nth.unwrap_or(0));
    let unused = std::mem::replace(&mut faults.exception, exception as usize);
    faults.by_name = None;
    faults.made = 0;
    ON.store(nth.is_some(), Ordering::Relaxed);
    (left, unused as *mut PyObject)
}

/// Are faults on?
pub(crate) fn are_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Is the call at this place to fail? If so, an exception is set.
pub(crate) fn due(call: &'static str, site: Site) -> bool {
    if !ON.load(Ordering::Relaxed) {
        return false;
    }
    let mut faults = faults();
    let fails = faults.left == 1;
    faults.left = faults.left.saturating_sub(1);
    faults.made += 1;
    let made = faults.made;
    let place = Place::of(call, site);
    let counts = faults.places.entry(place).or_insert(Counts { first: made, ..Counts::default() });
    counts.reached += 1;
    counts.failed += u64::from(fails);
    let is_new = counts.reached == 1;
    if (is_new || fails) && account::is_keeping_count() {
        let word = if fails { "fault" } else { "place" };
        account::log(&[word, place.file, &place.line.to_string(), call, &made.to_string()]);
    }
    if !fails {
        return false;
    }
    let exception = std::mem::take(&mut faults.exception) as *mut PyObject;
    let by_name = faults.by_name.take();
    drop(faults);
    // SAFETY: the caller holds the GIL. The exception is ours and given back once it is set.
    unsafe {
        if let Some(name) = by_name {
            raise_builtin(&name);
        } else if exception.is_null() {
            pyo3_ffi::PyErr_NoMemory();
        } else {
            pyo3_ffi::PyErr_SetObject(pyo3_ffi::Py_TYPE(exception).cast(), exception);
            pyo3_ffi::Py_DECREF(exception);
        }
    }
    true
}

/// Raises the builtin exception of this name, or what comes of looking for it.
unsafe fn raise_builtin(name: &CString) {
    // SAFETY: the caller holds the GIL. The class is ours until the DECREF; the module is borrowed and always there.
    unsafe {
        let builtins = pyo3_ffi::PyImport_AddModule(c"builtins".as_ptr());
        let class = pyo3_ffi::PyObject_GetAttrString(builtins, name.as_ptr());
        if !class.is_null() {
            pyo3_ffi::PyErr_SetString(class, c"ordered by LEDGER_FAIL".as_ptr());
            pyo3_ffi::Py_DECREF(class);
        }
    }
}

/// Whether a call that the ledger does not know, made on this line, is to fail: then an exception is set.
#[track_caller]
pub fn fails(call: &'static str) -> bool {
    due(call, Some(Spot::here()))
}

/// Says that something failed on this line that was made to fail by other means, as memory for Rust's own use can be.
#[track_caller]
pub fn failed(call: &'static str) {
    if ON.load(Ordering::Relaxed) {
        let place = Place::of(call, Some(Spot::here()));
        let mut faults = faults();
        let counts = faults.places.entry(place).or_default();
        counts.reached += 1;
        counts.failed += 1;
    }
}
