/* `with_cleanup(f, done)` returns `f()`, and calls `done` in any case.
 *
 * When `f` fails, something goes wrong that is not what `f` raised. */
#include "course.h"

/* Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set. */
static PyObject *with_cleanup(PyObject *module, PyObject *arguments) {
    PyObject *f = PyTuple_GetItem(arguments, 0), *done = PyTuple_GetItem(arguments, 1);
    if (!f || !done)
        return NULL;
    PyObject *result = PyObject_CallNoArgs(f);
    PyObject *cleaned = PyObject_CallNoArgs(done);
    if (!cleaned) {
        Py_XDECREF(result);
        return NULL;
    }
    Py_DECREF(cleaned);
    return result;
}

MODULE(with_cleanup, {"with_cleanup", with_cleanup, METH_VARARGS, NULL})
