//! One pair at once: without the GIL, and without a critical section.
//!
//! A critical section has to be entered into a list of the thread's, so that it can be suspended. Where no Python code
//! runs and nothing is released it cannot be, and then the lock alone will do: it is a byte in the object, and taking it
//! is one instruction of the processor. So it is tried first whether the question can be answered like that. It cannot if
//! somebody else has the lock, or if Python must be asked for a hash or an equality; then nothing has been done, and the
//! caller goes the long way.
//!
//! With the GIL the long way is short, and all of this says at once that it does not know.

#[cfg(Py_GIL_DISABLED)]
pub(crate) use without_the_gil::{assign, call_get, call_set, contains, subscript};

#[cfg(Py_GIL_DISABLED)]
mod without_the_gil {
    use crate::errors::no_memory;
    use crate::fast::equality::{Place, look_up_without_asking};
    use crate::fast::hash_at_hand::hash_at_hand;
    use crate::ffi::*;
    use crate::object::HashTable;

    /// `h[key]`: a new reference. None if it is not known at once that the key is there.
    ///
    /// # Safety
    /// `op` is a living table, `key` a living object, and the caller keeps both alive. So with all functions here.
    #[inline(always)]
    pub(crate) unsafe fn subscript(op: *mut PyObject, key: *mut PyObject) -> Option<Result<Given, Raised>> {
        let table = op.cast::<HashTable>();
        // SAFETY: the caller keeps both alive. Nothing runs between the lookup and the NewRef, and nobody changes the table.
        unsafe {
            let value = reading(op, || {
                let at = look_up(table, key)?.at?;
                Some(Py_NewRef((*table).pairs.value(at).borrowed()))
            })?;
            Some(give(value))
        }
    }

    /// `h.get(key)`: the same, and None if there is a default to be looked at.
    ///
    /// # Safety
    /// As for [`subscript`]; `args` are `nargs` living objects.
    #[inline(always)]
    pub(crate) unsafe fn call_get(
        op: *mut PyObject,
        args: *mut *mut PyObject,
        nargs: Py_ssize_t,
    ) -> Option<Result<Given, Raised>> {
        // SAFETY: there is one argument, and the caller keeps it alive.
        if nargs == 1 { unsafe { subscript(op, *args) } } else { None }
    }

    /// `key in h`. None if that is not known at once.
    ///
    /// # Safety
    /// As for [`subscript`].
    #[inline(always)]
    pub(crate) unsafe fn contains(op: *mut PyObject, key: *mut PyObject) -> Option<Result<bool, Raised>> {
        // SAFETY: the caller keeps both alive, so the lock and the table can be read; the look-up inside runs no Python code.
        unsafe { reading(op, || Some(Ok(look_up(op.cast(), key)?.at.is_some()))) }
    }

    /// `h[key] = value`: adds the pair, or overwrites the value. None if that cannot be done at once; so it is with a NULL,
    /// which means `del`.
    ///
    /// # Safety
    /// As for [`subscript`]; the value is kept alive too. It is borrowed.
    #[inline(always)]
    pub(crate) unsafe fn assign(
        op: *mut PyObject,
        key: *mut PyObject,
        value: *mut PyObject,
    ) -> Option<Result<(), Raised>> {
        if value.is_null() {
            return None;
        }
        let table = op.cast::<HashTable>();
        // SAFETY: the caller keeps all three alive. The table has a reference of its own before anybody else comes to it,
        // and the old value is released when the lock is free again.
        unsafe {
            let stored = briefly(op, || {
                let place = look_up(table, key)?;
                changing_briefly(op, || {
                    if let Some(at) = place.at {
                        let new = Stored::store(Py_NewRef(value), op);
                        return Some(Ok((*table).pairs.replace_value(at, new).take(op)));
                    }
                    Some((*table).pairs.make_room().map(|room| {
                        room.add(place.hash, Stored::store(Py_NewRef(key), op), Stored::store(Py_NewRef(value), op));
                        core::ptr::null_mut()
                    }))
                })
            })??;
            let Ok(old_value) = stored else { return Some(Err(no_memory())) };
            Py_XDECREF(old_value); // [R5]
            Some(Ok(()))
        }
    }

    /// `h.set(key, value)`: the same, and the table itself, a new reference.
    ///
    /// # Safety
    /// As for [`subscript`]; `args` are `nargs` living objects.
    #[inline(always)]
    pub(crate) unsafe fn call_set(
        op: *mut PyObject,
        args: *mut *mut PyObject,
        nargs: Py_ssize_t,
    ) -> Option<Result<Given, Raised>> {
        if nargs != 2 {
            return None;
        }
        // SAFETY: there are two arguments, and the caller keeps them and the table alive.
        unsafe {
            let stored = assign(op, *args, *args.add(1))?;
            Some(stored.and_then(|()| give(Py_NewRef(op))))
        }
    }

    /// The place of `key`, if it is known without Python.
    #[inline(always)]
    unsafe fn look_up(table: *mut HashTable, key: *mut PyObject) -> Option<Place> {
        // SAFETY: the caller keeps both alive, and nobody else changes the table.
        unsafe { look_up_without_asking(table, key, hash_at_hand(table, key)?) }
    }
}

#[cfg(not(Py_GIL_DISABLED))]
#[allow(clippy::missing_safety_doc, reason = "they do nothing")]
mod with_the_gil {
    use crate::ffi::{Given, Py_ssize_t, PyObject, Raised};

    type Args = *mut *mut PyObject;

    #[inline(always)]
    pub(crate) unsafe fn subscript(_: *mut PyObject, _: *mut PyObject) -> Option<Result<Given, Raised>> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn call_get(_: *mut PyObject, _: Args, _: Py_ssize_t) -> Option<Result<Given, Raised>> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn contains(_: *mut PyObject, _: *mut PyObject) -> Option<Result<bool, Raised>> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn assign(_: *mut PyObject, _: *mut PyObject, _: *mut PyObject) -> Option<Result<(), Raised>> {
        None
    }
    #[inline(always)]
    pub(crate) unsafe fn call_set(_: *mut PyObject, _: Args, _: Py_ssize_t) -> Option<Result<Given, Raised>> {
        None
    }
}
#[cfg(not(Py_GIL_DISABLED))]
pub(crate) use with_the_gil::{assign, call_get, call_set, contains, subscript};
