/* `both(f, g)` calls two functions and returns a tuple of what they return. */
#include "course.h"

/* Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set. */
static PyObject *both(PyObject *module, PyObject *arguments) {
    PyObject *f = PyTuple_GetItem(arguments, 0), *g = PyTuple_GetItem(arguments, 1);
    if (!f || !g)
        return NULL;
    PyObject *one = PyObject_CallNoArgs(f);
    if (!one)
        return NULL;
    PyObject *two = PyObject_CallNoArgs(g);
    if (!two) {
        Py_DECREF(one);
        return NULL;
    }
    PyObject *pair = PyTuple_New(2);
    if (!pair) {
        Py_DECREF(one);
        Py_DECREF(two);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, one);
    PyTuple_SET_ITEM(pair, 1, two);
    return pair;
}

MODULE(both, {"both", both, METH_VARARGS, NULL})
