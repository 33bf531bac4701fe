/* `pair_of(a, b)` is called with a tuple of two and returns the list `[a, b]`.
 *
 * The list is right when it is looked at. Later the interpreter dies. */
#include "course.h"

/* Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set. */
static PyObject *pair_of(PyObject *module, PyObject *arguments) {
    PyObject *a = PyTuple_GetItem(arguments, 0), *b = PyTuple_GetItem(arguments, 1);
    if (!a || !b)
        return NULL;
    PyObject *list = PyList_New(2);
    if (!list)
        return NULL;
    PyList_SetItem(list, 0, a);
    PyList_SetItem(list, 1, b);
    return list;
}

MODULE(pair_of, {"pair_of", pair_of, METH_VARARGS, NULL})
