//! `record(dict, key)` stores the length of a key under the key.

use course::*;

/// Borrows `arguments`, a dict and a key. Returns a new reference to None, or NULL with an exception set.
unsafe extern "C" fn record(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps its items alive meanwhile.
    unsafe {
        let (dict, key) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if dict.is_null() || key.is_null() {
            return null_mut();
        }
        let size = PyObject_Size(key);
        if size < 0 {
            return null_mut();
        }
        let length = PyLong_FromSsize_t(size);
        if length.is_null() {
            return null_mut();
        }
        let status = PyDict_SetItem(dict, key, length);
        Py_DECREF(length);
        if status < 0 {
            return null_mut();
        }
        none()
    }
}

module!(PyInit_record, c"record", [function(c"record", record, METH_VARARGS)]);
