//! `each(list, f)` calls f with each item of a list.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference to None, or NULL with an exception set.
unsafe extern "C" fn each(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps list and function alive; each item is ours while f runs.
    unsafe {
        let (list, f) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if list.is_null() || f.is_null() {
            return null_mut();
        }
        let mut at = 0;
        while at < PyList_GET_SIZE(list) {
            let item = PyList_GET_ITEM(list, at);
            Py_INCREF(item);
            let result = PyObject_CallOneArg(f, item);
            Py_DECREF(item);
            if result.is_null() {
                return null_mut();
            }
            Py_DECREF(result);
            at += 1;
        }
        none()
    }
}

module!(PyInit_each, c"each", [function(c"each", each, METH_VARARGS)]);
