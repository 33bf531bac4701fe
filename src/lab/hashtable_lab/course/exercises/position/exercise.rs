//! `position(list, x)` is the index of the first item that is equal to x, or -1.
//!
//! It is right as long as nobody's `__eq__` does anything but compare.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn position(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps list and object alive; each item is ours while it is compared.
    unsafe {
        let (list, x) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if list.is_null() || x.is_null() {
            return null_mut();
        }
        let mut at = 0;
        // The list may get shorter on the way.
        while at < PyList_Size(list) {
            let item = PyList_GetItem(list, at);
            let equal = PyObject_RichCompareBool(item, x, Py_EQ);
            if equal < 0 {
                return null_mut();
            }
            if equal > 0 {
                return PyLong_FromSsize_t(at);
            }
            at += 1;
        }
        PyLong_FromLong(-1)
    }
}

module!(PyInit_position, c"position", [function(c"position", position, METH_VARARGS)]);
