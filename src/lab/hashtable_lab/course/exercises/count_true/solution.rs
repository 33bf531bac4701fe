//! `count_true(iterable)` is how many items are true.

use course::*;

/// Borrows `iterable`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn count_true(_module: Object, iterable: Object) -> Object {
    // SAFETY: CPython passes a living object. The iterator is ours, and so is each item.
    unsafe {
        let iterator = PyObject_GetIter(iterable);
        if iterator.is_null() {
            return null_mut();
        }
        let mut count = 0;
        loop {
            let item = PyIter_Next(iterator);
            if item.is_null() {
                break;
            }
            let yes = PyObject_IsTrue(item);
            Py_DECREF(item);
            if yes < 0 {
                break;
            }
            count += yes;
        }
        Py_DECREF(iterator);
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        PyLong_FromLong(count.into())
    }
}

module!(PyInit_count_true, c"count_true", [function(c"count_true", count_true, METH_O)]);
