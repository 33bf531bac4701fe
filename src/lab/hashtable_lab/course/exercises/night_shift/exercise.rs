//! A deck of things in a list: `top(list)`, `swap(list)`, `rotate(list)`.
//!
//! Only a symptom is given. You have the laboratory's tools, and nobody says in which function it is.

use course::*;

/// The last item. Borrows `list`; a new reference, or NULL with an exception set.
unsafe extern "C" fn top(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object.
    unsafe {
        if PyList_Size(list) == 0 {
            PyErr_SetString(PyExc_IndexError, c"the deck is empty".as_ptr());
            return null_mut();
        }
        Py_XNewRef(PyList_GetItem(list, PyList_Size(list) - 1))
    }
}

/// Exchanges the first and the last item. Borrows `list`; a new reference to None.
unsafe extern "C" fn swap(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object. Both items are ours until the list steals them.
    unsafe {
        let last = PyList_Size(list) - 1;
        if last < 1 {
            return none();
        }
        let a = Py_NewRef(PyList_GetItem(list, 0));
        let b = Py_NewRef(PyList_GetItem(list, last));
        PyList_SetItem(list, 0, b);
        PyList_SetItem(list, last, a);
        none()
    }
}

/// Moves the last item to the front. Borrows `list`; a new reference to None, or NULL with an exception set.
unsafe extern "C" fn rotate(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object; the item is ours while it is in no list.
    unsafe {
        let last = PyList_Size(list) - 1;
        if last < 1 {
            return none();
        }
        let item = PyList_GetItem(list, last);
        if PyList_SetSlice(list, last, last + 1, null_mut()) < 0 {
            return null_mut();
        }
        let status = PyList_Insert(list, 0, item);
        if status < 0 {
            return null_mut();
        }
        none()
    }
}

module!(
    PyInit_night_shift,
    c"night_shift",
    [function(c"top", top, METH_O), function(c"swap", swap, METH_O), function(c"rotate", rotate, METH_O)]
);
