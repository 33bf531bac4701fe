//! `attribute_or(x, name, default)` is an attribute, or the default if there is none.
//!
//! It never fails, and that is what is wrong with it.

use course::*;

/// Borrows `arguments`, a tuple of three. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn attribute_or(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple, which keeps its items alive meanwhile.
    unsafe {
        let (x, name) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        let default = PyTuple_GetItem(arguments, 2);
        if x.is_null() || name.is_null() || default.is_null() {
            return null_mut();
        }
        let value = PyObject_GetAttr(x, name);
        if !value.is_null() {
            return value;
        }
        PyErr_Clear();
        Py_NewRef(default)
    }
}

module!(PyInit_attribute_or, c"attribute_or", [function(c"attribute_or", attribute_or, METH_VARARGS)]);
