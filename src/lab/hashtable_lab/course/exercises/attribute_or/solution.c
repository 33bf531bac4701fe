/* `attribute_or(x, name, default)` is an attribute, or the default if there is none. */
#include "course.h"

/* Borrows `arguments`, a tuple of three. Returns a new reference, or NULL with an exception set. */
static PyObject *attribute_or(PyObject *module, PyObject *arguments) {
    PyObject *x = PyTuple_GetItem(arguments, 0), *name = PyTuple_GetItem(arguments, 1);
    PyObject *fallback = PyTuple_GetItem(arguments, 2);
    if (!x || !name || !fallback)
        return NULL;
    PyObject *value = PyObject_GetAttr(x, name);
    if (value)
        return value;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        return NULL;
    PyErr_Clear();
    return Py_NewRef(fallback);
}

MODULE(attribute_or, {"attribute_or", attribute_or, METH_VARARGS, NULL})
