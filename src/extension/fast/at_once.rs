//! One pair at once: without the GIL, and without a critical section.
//!
//! A critical section has to be entered into a list of the thread's, so that it can be suspended. Where no Python code
//! runs and nothing is released it cannot be, and then the lock alone will do: it is a byte in the object, and taking it
//! is one instruction of the processor. So it is tried first whether the question can be answered like that. It cannot if
//! somebody else has the lock, or if Python must be asked for a hash or an equality; then nothing has been done, and the
//! caller goes the long way.
//!
//! With the GIL the long way is short, and all of this says at once that it does not know.

#[cfg(all(Py_GIL_DISABLED, not(feature = "trace")))]
pub(crate) use without_the_gil::{contains, get, set};

#[cfg(all(Py_GIL_DISABLED, not(feature = "trace")))]
mod without_the_gil {
    use crate::fast::equality::{Place, look_up_without_asking};
    use crate::fast::hash_at_hand::hash_at_hand;
    use crate::ffi::*;
    use crate::object::HashTable;

    /// The value for `key`, a new reference. None if it is not known at once that it is there.
    ///
    /// # Safety
    /// `op` is a living table, `key` a living object, and the caller keeps both alive. So with all functions here.
    #[inline(always)]
    pub(crate) unsafe fn get(op: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
        let table = op.cast::<HashTable>();
        // SAFETY: the caller keeps both alive. Nothing runs between the lookup and the NewRef, and nobody else is at the
        // table.
        unsafe {
            briefly(op, || {
                let at = look_up(table, key)?.at?;
                Some(Py_NewRef((*table).pairs.value(at).borrowed()))
            })?
        }
    }

    /// Is `key` in the table? None if that is not known at once.
    ///
    /// # Safety
    /// As for [`get`].
    #[inline(always)]
    pub(crate) unsafe fn contains(op: *mut PyObject, key: *mut PyObject) -> Option<bool> {
        // SAFETY: the caller keeps both alive.
        unsafe { briefly(op, || Some(look_up(op.cast(), key)?.at.is_some()))? }
    }

    /// Adds the pair, or overwrites the value, if that can be done at once. Returns whether it was.
    ///
    /// # Safety
    /// As for [`get`]; the value is kept alive too. It is borrowed.
    #[inline(always)]
    pub(crate) unsafe fn set(op: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> bool {
        let table = op.cast::<HashTable>();
        // SAFETY: the caller keeps all three alive. The table has a reference of its own before anybody else comes to it,
        // and the old value is released when the lock is free again.
        unsafe {
            let done = briefly(op, || {
                let place = look_up(table, key)?;
                if let Some(at) = place.at {
                    let new = Stored::store(Py_NewRef(value), op);
                    return Some((*table).pairs.replace_value(at, new).take(op));
                }
                let room = (*table).pairs.make_room().ok()?;
                room.add(place.hash, Stored::store(Py_NewRef(key), op), Stored::store(Py_NewRef(value), op));
                Some(core::ptr::null_mut())
            });
            let Some(Some(old_value)) = done else { return false };
            Py_XDECREF(old_value); // [R5]
            true
        }
    }

    /// The place of `key`, if it is known without Python.
    #[inline(always)]
    unsafe fn look_up(table: *mut HashTable, key: *mut PyObject) -> Option<Place> {
        // SAFETY: the caller keeps both alive, and is alone with the table.
        unsafe { look_up_without_asking(table, key, hash_at_hand(table, key)?) }
    }
}

#[cfg(not(all(Py_GIL_DISABLED, not(feature = "trace"))))]
#[allow(clippy::missing_safety_doc, reason = "they do nothing")]
mod with_the_gil {
    use crate::ffi::PyObject;

    #[inline(always)]
    pub(crate) unsafe fn get(_: *mut PyObject, _: *mut PyObject) -> Option<*mut PyObject> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn contains(_: *mut PyObject, _: *mut PyObject) -> Option<bool> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn set(_: *mut PyObject, _: *mut PyObject, _: *mut PyObject) -> bool {
        false
    }
}
#[cfg(not(all(Py_GIL_DISABLED, not(feature = "trace"))))]
pub(crate) use with_the_gil::{contains, get, set};
