//! Options in a dict: `first_of(options, names)`, `how_many(options, names)`.
//!
//! Only a symptom is given. You have the laboratory's tools, and nobody says in which function it is.

use course::*;

/// The first option that is there, or None. Borrows `arguments`; a new reference, or NULL with an exception set.
unsafe extern "C" fn first_of(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple; each name is ours while it is looked up.
    unsafe {
        let (options, names) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if options.is_null() || names.is_null() {
            return null_mut();
        }
        let mut at = 0;
        while at < PyList_Size(names) {
            let name = Py_NewRef(PyList_GetItem(names, at));
            let value = Py_XNewRef(PyDict_GetItemWithError(options, name));
            Py_DECREF(name);
            if !value.is_null() {
                return value;
            }
            at += 1;
        }
        none()
    }
}

/// How many of the names are there. Borrows `arguments`; a new reference, or NULL with an exception set.
unsafe extern "C" fn how_many(_module: Object, arguments: Object) -> Object {
    // SAFETY: as above.
    unsafe {
        let (options, names) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if options.is_null() || names.is_null() {
            return null_mut();
        }
        let (mut at, mut count) = (0, 0);
        while at < PyList_Size(names) {
            let name = Py_NewRef(PyList_GetItem(names, at));
            let there = PyDict_Contains(options, name);
            Py_DECREF(name);
            if there < 0 {
                return null_mut();
            }
            count += there;
            at += 1;
        }
        PyLong_FromLong(count.into())
    }
}

module!(
    PyInit_somewhere_else,
    c"somewhere_else",
    [function(c"first_of", first_of, METH_VARARGS), function(c"how_many", how_many, METH_VARARGS)]
);
