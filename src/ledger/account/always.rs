//! What is always there: `None`, `True`, `False`, `NotImplemented`, `Ellipsis`, and the static types of the extension.
//!
//! Nobody asks for such an object, so no call is seen by which a function comes by it, and `return Py_None` in C is not seen
//! either. What can be seen is its count: if it is, when a call returns such an object, what it was when the call began, then
//! nobody has given the call a reference that it could return. (Where such objects are immortal their count never moves, and
//! says nothing.)

use super::Address;
use super::hands::LEAST_IMMORTAL;
use crate::layout;
use core::sync::atomic::{AtomicUsize, Ordering};
use pyo3_ffi::PyObject;

/// At most this many objects are watched.
const MOST: usize = 16;

/// Those that are, and how many.
static WATCHED: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// The counts of the objects that are watched.
pub(super) type Counts = [isize; MOST];

fn count(op: Address) -> isize {
    // SAFETY: only what is never freed is watched: the interpreter's own constants, and static types of the extension. So the
    // head can be read at any time.
    unsafe { layout::count_of(op as *mut PyObject) }
}

/// Watches an object from now on, if its count can move.
pub(super) fn add(op: *mut PyObject) {
    let number = NUMBER.load(Ordering::Relaxed);
    let known = WATCHED[..number].iter().any(|it| it.load(Ordering::Relaxed) == op as Address);
    if known || number == MOST || count(op as Address) >= LEAST_IMMORTAL {
        return;
    }
    WATCHED[number].store(op as Address, Ordering::Relaxed);
    NUMBER.store(number + 1, Ordering::Release);
}

/// Watches those that every interpreter has.
fn add_singletons() {
    // SAFETY: these are static objects of the interpreter, which is running: the ledger is asked from inside a call.
    unsafe {
        for op in [
            pyo3_ffi::Py_None(),
            pyo3_ffi::Py_True(),
            pyo3_ffi::Py_False(),
            pyo3_ffi::Py_NotImplemented(),
            pyo3_ffi::Py_Ellipsis(),
        ] {
            add(op);
        }
    }
}

/// Writes down what they count now. (Where nothing was ever written, zeros have to be.)
#[inline(always)]
pub(super) fn count_all(counts: &mut Counts) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(add_singletons);
    for (watched, count_now) in WATCHED[..NUMBER.load(Ordering::Acquire)].iter().zip(counts) {
        *count_now = count(watched.load(Ordering::Relaxed));
    }
}

/// By how much the count of one of them has moved since then; None if it is none of them.
pub(super) fn moved(op: *mut PyObject, before: &Counts) -> Option<isize> {
    let number = NUMBER.load(Ordering::Acquire);
    let at = WATCHED[..number].iter().position(|it| it.load(Ordering::Relaxed) == op as Address)?;
    Some(count(op as Address) - before[at])
}
