/* `with_cleanup(f, done)` returns `f()`, and calls `done` in any case. */
#include "course.h"

/* Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set. */
static PyObject *with_cleanup(PyObject *module, PyObject *arguments) {
    PyObject *f = PyTuple_GetItem(arguments, 0), *done = PyTuple_GetItem(arguments, 1);
    if (!f || !done)
        return NULL;
    PyObject *kind = NULL, *value = NULL, *trace = NULL;
    PyObject *result = PyObject_CallNoArgs(f);
    PyErr_Fetch(&kind, &value, &trace);
    PyObject *cleaned = PyObject_CallNoArgs(done);
    if (!cleaned) {
        Py_XDECREF(result);
        Py_XDECREF(kind);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        return NULL;
    }
    Py_DECREF(cleaned);
    PyErr_Restore(kind, value, trace);
    return result;
}

MODULE(with_cleanup, {"with_cleanup", with_cleanup, METH_VARARGS, NULL})
