//! Views as sets: `h.keys() & other`, `h.items() <= other`, `isdisjoint` and their like.
//!
//! A view on keys or items behaves as a set. The operations make a real `set`, as those of `dict`'s views do: first of
//! the left operand, then updated with what the right one yields. CPython calls these functions when *either* operand
//! is a view.

use crate::errors::entry;
use crate::ffi::*;
use crate::views::view::{REVERSED, contains, is_set_like_view};

/// `one - other`: a new reference to a set.
///
/// # Safety
/// Called by CPython, with a view on keys or items among the two. So are the three that follow.
pub(crate) unsafe extern "C" fn nb_subtract(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: both operands are kept for the call, and `changed_set` asks nothing else of them.
    entry(|| unsafe { give(changed_set(one, c"difference_update", other)?) })
}

/// `one | other`: a new reference to a set.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn nb_or(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: both operands are kept for the call, and `changed_set` asks nothing else of them.
    entry(|| unsafe { give(changed_set(one, c"update", other)?) })
}

/// `one ^ other`: a new reference to a set.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn nb_xor(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: both operands are kept for the call, and `changed_set` asks nothing else of them.
    entry(|| unsafe { give(changed_set(one, c"symmetric_difference_update", other)?) })
}

/// `one & other`: a new reference to a set of what the other yields and the view contains.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn nb_and(one: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: both operands are kept for the call. One is a view of ours, or this slot would not have been found: the
    // one that says so. The set is ours until it is returned or given back.
    entry(|| unsafe {
        let (view, other) = if is_set_like_view(one) { (one, other) } else { (other, one) };
        let set = new_reference(PySet_New(core::ptr::null_mut()))?;
        // [R21]
        let filled = new_reference(PyObject_GetIter(other)).and_then(|iterator| {
            for_each(iterator, |object| {
                if contains(view, object)? {
                    status(PySet_Add(set, object))?;
                }
                Ok(())
            })
        });
        give(or_give_back(set, filled)?)
    })
}

/// `set(one)`, after its method of this name was called with `other`: a new reference.
unsafe fn changed_set(
    one: *mut PyObject,
    method: &core::ffi::CStr,
    other: *mut PyObject,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps both alive. The set is ours until it is returned or given back, the method and its None
    // until their DECREFs.
    unsafe {
        let set = new_reference(PySet_New(one))?;
        let changed = new_reference(PyObject_GetAttrString(set, method.as_ptr())).and_then(|method| {
            let none = PyObject_CallOneArg(method, other); // [R21]
            Py_DECREF(method);
            Py_DECREF(new_reference(none)?);
            Ok(())
        });
        or_give_back(set, changed)
    }
}

/// `view == other`, `<=` and so on, between a view on keys or items and a set or another such view; also one of a
/// dict's. A new reference to True, False or NotImplemented.
///
/// # Safety
/// Called by CPython, with a view on keys or items first.
pub(crate) unsafe extern "C" fn tp_richcompare(
    op: *mut PyObject,
    other: *mut PyObject,
    operator: c_int,
) -> *mut PyObject {
    // SAFETY: the right object stands first, the other is asked what it is; both are kept for the call.
    entry(|| unsafe {
        let set_like = PyAnySet_Check(other) != 0
            || PyDictKeys_Check(other) != 0
            || PyDictItems_Check(other) != 0
            || is_set_like_view(other);
        if !set_like {
            return give(not_implemented());
        }
        let (length, other_length) = (length_of(op)?, length_of(other)?);
        let answer = match operator {
            Py_EQ => length == other_length && all_in(op, other)?,
            Py_NE => length != other_length || !all_in(op, other)?,
            Py_LT => length < other_length && all_in(op, other)?,
            Py_LE => length <= other_length && all_in(op, other)?,
            Py_GT => length > other_length && all_in(other, op)?,
            _ => length >= other_length && all_in(other, op)?,
        };
        give(Py_NewRef(if answer { Py_True() } else { Py_False() }))
    })
}

unsafe fn length_of(op: *mut PyObject) -> Result<Py_ssize_t, Raised> {
    // SAFETY: the operand is kept for the call that we are in, also while its `__len__` runs.
    let length = unsafe { PyObject_Size(op) }; // [R21]
    if length < 0 { Err(Raised) } else { Ok(length) }
}

/// Is everything that `one` yields in `other`?
unsafe fn all_in(one: *mut PyObject, other: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: both operands are kept for the call that we are in; `none_is` owns the object meanwhile.
    unsafe { none_is(one, |object| Ok(status(PySequence_Contains(other, object))? == 0)) } // [R21]
}

/// Is nothing that `one` yields such that `test` says yes? Stops at the first that is.
unsafe fn none_is(
    one: *mut PyObject,
    mut test: impl FnMut(*mut PyObject) -> Result<bool, Raised>,
) -> Result<bool, Raised> {
    // SAFETY: the caller keeps `one` alive; the iterator is ours until its DECREF, each object until its own.
    unsafe {
        let iterator = new_reference(PyObject_GetIter(one))?; // [R21]
        let mut answer = Ok(true);
        while matches!(answer, Ok(true)) {
            let object = PyIter_Next(iterator); // [R21]
            if object.is_null() {
                if !PyErr_Occurred().is_null() {
                    answer = Err(Raised);
                }
                break;
            }
            answer = test(object).map(|yes| !yes);
            Py_DECREF(object);
        }
        Py_DECREF(iterator);
        answer
    }
}

/// `view.isdisjoint(other)`: a new reference to True or False.
///
/// # Safety
/// Called by CPython, with a view on keys or items.
pub(crate) unsafe extern "C" fn isdisjoint(op: *mut PyObject, other: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a view; both are kept for the call.
    entry(|| unsafe {
        let disjoint = if op == other { length_of(op)? == 0 } else { none_is(other, |object| contains(op, object))? };
        give(Py_NewRef(if disjoint { Py_True() } else { Py_False() }))
    })
}

/// What a view on keys or items has by name.
pub(crate) static mut SET_VIEW_METHODS: [PyMethodDef; 3] = [
    REVERSED,
    one_argument(
        c"isdisjoint",
        isdisjoint,
        c"isdisjoint($self, other, /)
--

Return True if the view and other, an iterable, have nothing in common.",
    ),
    PyMethodDef::zeroed(),
];
