//! `remembered(cache, f, x)` is `f(x)`, and calls f once for each object. The cache is a dict.

use course::*;

/// Borrows `arguments`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn remembered(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple. The key and what is made are ours.
    unsafe {
        let (cache, f) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        let x = PyTuple_GetItem(arguments, 2);
        if cache.is_null() || f.is_null() || x.is_null() {
            return null_mut();
        }
        // x may be unhashable, so it is known by its address.
        let key = PyLong_FromVoidPtr(x.cast());
        if key.is_null() {
            return null_mut();
        }
        let answer = answer(cache, key, f, x);
        Py_DECREF(key);
        answer
    }
}

/// What is remembered under a key, or else f(x). Borrows all; a new reference, or NULL with an exception set.
unsafe fn answer(cache: Object, key: Object, f: Object, x: Object) -> Object {
    // SAFETY: the caller keeps all four alive. Ints are compared without Python code.
    unsafe {
        let known = PyDict_GetItemWithError(cache, key);
        if !known.is_null() {
            let known = PyTuple_GetItem(known, 1);
            return Py_NewRef(known);
        }
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let result = PyObject_CallOneArg(f, x);
        if result.is_null() {
            return null_mut();
        }
        let pair = two(x, result);
        if pair.is_null() || PyDict_SetItem(cache, key, pair) < 0 {
            Py_XDECREF(pair);
            Py_DECREF(result);
            return null_mut();
        }
        Py_DECREF(pair);
        result
    }
}

/// `(a, b)`. Borrows both; a new reference, or NULL with an exception set.
unsafe fn two(a: Object, b: Object) -> Object {
    // SAFETY: both are alive; the tuple steals a reference of its own to each.
    unsafe {
        let pair = PyTuple_New(2);
        if !pair.is_null() {
            PyTuple_SET_ITEM(pair, 0, Py_NewRef(a));
            PyTuple_SET_ITEM(pair, 1, Py_NewRef(b));
        }
        pair
    }
}

module!(PyInit_once_in_a_while, c"once_in_a_while", [function(c"remembered", remembered, METH_VARARGS)]);
