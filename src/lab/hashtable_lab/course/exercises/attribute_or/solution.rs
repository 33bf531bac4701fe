//! `attribute_or(x, name, default)` is an attribute, or the default if there is none.

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
        if PyErr_ExceptionMatches(PyExc_AttributeError) == 0 {
            return null_mut();
        }
        PyErr_Clear();
        Py_NewRef(default)
    }
}

module!(PyInit_attribute_or, c"attribute_or", [function(c"attribute_or", attribute_or, METH_VARARGS)]);
