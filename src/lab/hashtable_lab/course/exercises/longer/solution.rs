//! `longer(a, b)` returns the one with more items in it.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn longer(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps its items alive meanwhile.
    unsafe {
        let (a, b) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if a.is_null() || b.is_null() {
            return null_mut();
        }
        let m = PyObject_Size(a);
        if m < 0 {
            return null_mut();
        }
        let n = PyObject_Size(b);
        if n < 0 {
            return null_mut();
        }
        Py_NewRef(if n > m { b } else { a })
    }
}

module!(PyInit_longer, c"longer", [function(c"longer", longer, METH_VARARGS)]);
