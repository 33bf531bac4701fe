//! The tuple that an iterator over items yields, used again.
//!
//! Such a tuple is usually unpacked at once (`for key, value in h.items()`) and dropped. So the iterator keeps a
//! reference to the one that it yielded last, and if at the next step it is the only owner, nobody can see that it is
//! the same tuple with other items. `dict` does so too.

use crate::ffi::*;

/// The tuple `(key, value)`, a new reference: the one in the field `last` if nobody else has it, else a new one, which
/// `last` then has too. Steals key and value, also if it fails.
///
/// # Safety
/// The field is one of an object that is alive during the call. It is NULL, or owns a tuple of two that this function
/// made. The caller owns key and value.
#[inline(never)]
pub(crate) unsafe fn pair_reusing(
    last: *mut *mut PyObject,
    key: *mut PyObject,
    value: *mut PyObject,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: the field's owner is alive, and with it the tuple; key and value are ours, and then the tuple's. What the
    // tuple had before is released last, when the tuple has a second owner: no code that runs then can make this
    // function change a tuple that it can see.
    unsafe {
        let pair = *last;
        if !pair.is_null() && is_owned_once(pair) {
            Py_INCREF(pair);
            let old_key = replace_in_tuple(pair, 0, key);
            let old_value = replace_in_tuple(pair, 1, value);
            track_again(pair);
            Py_DECREF(old_key); // [R22]
            Py_DECREF(old_value); // [R22]
            return Ok(pair);
        }
        let pair = pair_of(key, value)?;
        if can_be_owned_once() {
            Py_XSETREF(last, Py_NewRef(pair)); // [R22]
        }
        Ok(pair)
    }
}

/// The tuple `(key, value)`, a new reference. Steals both, also if it fails.
///
/// # Safety
/// The caller owns both.
pub(crate) unsafe fn pair_of(key: *mut PyObject, value: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: both are ours, and the tuple's from `SET_ITEM` on; nobody else has seen the tuple yet. Making it may run
    // the garbage collector, which is why the two had to be owned before.
    unsafe {
        let pair = PyTuple_New(2); // [R10]
        if pair.is_null() {
            Py_DECREF(key);
            Py_DECREF(value);
            return Err(Raised);
        }
        PyTuple_SET_ITEM(pair, 0, key);
        PyTuple_SET_ITEM(pair, 1, value);
        Ok(pair)
    }
}
