//! `remembered(cache, f, x)` is `f(x)`, and calls f once for each object. The cache is a dict.
//!
//! Only a symptom is given. You have the laboratory's tools, and nobody says in which function it is.

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
            return Py_NewRef(known);
        }
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let result = PyObject_CallOneArg(f, x);
        if result.is_null() {
            return null_mut();
        }
        if PyDict_SetItem(cache, key, result) < 0 {
            Py_DECREF(result);
            return null_mut();
        }
        result
    }
}

module!(PyInit_once_in_a_while, c"once_in_a_while", [function(c"remembered", remembered, METH_VARARGS)]);
