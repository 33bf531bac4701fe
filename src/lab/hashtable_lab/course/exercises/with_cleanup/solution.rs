//! `with_cleanup(f, done)` returns `f()`, and calls `done` in any case.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set.
#[allow(deprecated)]
unsafe extern "C" fn with_cleanup(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps the functions alive. What is fetched is ours until it is restored.
    unsafe {
        let (f, done) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if f.is_null() || done.is_null() {
            return null_mut();
        }
        let (mut kind, mut value, mut trace) = (null_mut(), null_mut(), null_mut());
        let result = PyObject_CallNoArgs(f);
        PyErr_Fetch(&mut kind, &mut value, &mut trace);
        let cleaned = PyObject_CallNoArgs(done);
        if cleaned.is_null() {
            Py_XDECREF(result);
            Py_XDECREF(kind);
            Py_XDECREF(value);
            Py_XDECREF(trace);
            return null_mut();
        }
        Py_DECREF(cleaned);
        PyErr_Restore(kind, value, trace);
        result
    }
}

module!(PyInit_with_cleanup, c"with_cleanup", [function(c"with_cleanup", with_cleanup, METH_VARARGS)]);
