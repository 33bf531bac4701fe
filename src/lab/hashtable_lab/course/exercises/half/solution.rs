//! `half(n)` is half of an int, towards zero.

use course::*;

/// Borrows `n`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn half(_module: Object, n: Object) -> Object {
    // SAFETY: CPython passes a living object.
    unsafe {
        let number = PyLong_AsLong(n);
        if number == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        PyLong_FromLong(number / 2)
    }
}

module!(PyInit_half, c"half", [function(c"half", half, METH_O)]);
