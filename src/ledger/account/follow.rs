//! For a replay: the counts of objects, read again at every step.
//!
//! An event tells the count of the object that it is about. Meanwhile the count of any other may have moved: the interpreter takes
//! references of its own, and code that keeps no ledger does what it likes. So each object that has once been met is *followed*:
//! after every line of the log, all of them are looked at, and whatever has changed is written down too. An object that is no more,
//! or not what it was, is written down with the count 0 and followed no longer. Nothing is kept alive for it, so each is
//! looked at as memory that may be gone (see [`crate::peek`]).

use super::Address;
use super::describe::describe_living;
use super::report::{is_noting, log, log_all};
use crate::peek;
use core::sync::atomic::{AtomicUsize, Ordering};
use pyo3_ffi::PyObject;
use std::sync::{Mutex, PoisonError};

/// So many objects are followed, those that were met last.
const MOST: usize = 400;

/// No count moves so far between one line of the log and the next.
const A_LEAP: usize = 1 << 20;

struct Followed {
    address: Address,
    type_object: usize,
    count: isize,
    /// When it was last met.
    met: usize,
}

static FOLLOWED: Mutex<Vec<Followed>> = Mutex::new(Vec::new());
static NOW: AtomicUsize = AtomicUsize::new(0);

/// Follows an object from now on, and writes down what it is, unless it is followed already. Whether it was not.
///
/// # Safety
/// It is alive.
pub(crate) unsafe fn follow(op: *mut PyObject) -> bool {
    if op.is_null() || !is_noting() {
        return false;
    }
    let address = op as Address;
    // SAFETY: the object is alive, says the caller, so it has a type.
    let type_object = unsafe { pyo3_ffi::Py_TYPE(op) as usize };
    let met = NOW.fetch_add(1, Ordering::Relaxed);
    {
        let mut followed = FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(it) = followed.iter_mut().find(|it| it.address == address) {
            it.met = met;
            if it.type_object == type_object {
                return false;
            }
            followed.retain(|it| it.address != address);
        }
        if followed.len() >= MOST
            && let Some(oldest) = (0..followed.len()).min_by_key(|&at| followed[at].met)
        {
            log(&["unfollowed", &followed.remove(oldest).address.to_string()]);
        }
        // The count is read by the next look; no object has this one.
        followed.push(Followed { address, type_object, count: isize::MIN, met });
    }
    // SAFETY: the object is alive, says the caller, and still is: nothing here has run Python code. Its type was read above.
    let (type_name, shown) = unsafe { describe_living(op, type_object) };
    log(&["object", &address.to_string(), &type_name, &shown]);
    true
}

/// Nobody is followed any more.
pub(super) fn forget() {
    FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// Looks at all that are followed, and writes down each count that has changed. `told`: an event has just told the count that this
/// object has or, where the event comes before the operation, is about to have.
pub(super) fn look(told: Option<(Address, isize)>) {
    let mut followed = FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    let addresses: Vec<Address> = followed.iter().map(|it| it.address).collect();
    let mut heads = peek::heads(&addresses).into_iter();
    let mut changed = Vec::new();
    followed.retain_mut(|it| {
        let head = heads.next().flatten();
        let count = match told {
            Some((address, count)) if address == it.address => count.max(0),
            _ => match head {
                Some((count, type_now)) if type_now == it.type_object && !is_a_link(it, count) => count,
                _ => 0,
            },
        };
        if count != it.count {
            changed.push(["count".to_owned(), it.address.to_string(), count.to_string()]);
            it.count = count;
        }
        count > 0
    });
    log_all(&changed);
}

/// Whether what stands where the count was is rather the link of a free list. CPython keeps the memory of some dead objects for the
/// next of their type; the type stays as it was, and from 3.14 on the address of the next free piece is written over the count.
/// Such an address is far from the count that was there. A str is the exception: it is in no free list, but its count leaps when
/// interning makes it immortal.
fn is_a_link(followed: &Followed, count: isize) -> bool {
    let is_str = followed.type_object == &raw const pyo3_ffi::PyUnicode_Type as usize;
    followed.count != isize::MIN && !is_str && count.abs_diff(followed.count) > A_LEAP
}
