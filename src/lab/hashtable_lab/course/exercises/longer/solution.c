/* `longer(a, b)` returns the one with more items in it. */
#include "course.h"

/* Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set. */
static PyObject *longer(PyObject *module, PyObject *arguments) {
    PyObject *a = PyTuple_GetItem(arguments, 0), *b = PyTuple_GetItem(arguments, 1);
    if (!a || !b)
        return NULL;
    Py_ssize_t m = PyObject_Size(a);
    if (m < 0)
        return NULL;
    Py_ssize_t n = PyObject_Size(b);
    if (n < 0)
        return NULL;
    return Py_NewRef(n > m ? b : a);
}

MODULE(longer, {"longer", longer, METH_VARARGS, NULL})
