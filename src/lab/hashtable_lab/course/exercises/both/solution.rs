//! `both(f, g)` calls two functions and returns a tuple of what they return.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn both(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps the functions alive. Each result is ours.
    unsafe {
        let (f, g) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if f.is_null() || g.is_null() {
            return null_mut();
        }
        let one = PyObject_CallNoArgs(f);
        if one.is_null() {
            return null_mut();
        }
        let two = PyObject_CallNoArgs(g);
        if two.is_null() {
            Py_DECREF(one);
            return null_mut();
        }
        let pair = PyTuple_New(2);
        if pair.is_null() {
            Py_DECREF(one);
            Py_DECREF(two);
            return null_mut();
        }
        PyTuple_SET_ITEM(pair, 0, one);
        PyTuple_SET_ITEM(pair, 1, two);
        pair
    }
}

module!(PyInit_both, c"both", [function(c"both", both, METH_VARARGS)]);
