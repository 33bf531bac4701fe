/* `first(list)` returns the first item of a list. */
#include "course.h"

/* Borrows `list`. Returns a new reference, or NULL with an exception set. */
static PyObject *first(PyObject *module, PyObject *list) {
    PyObject *item = PyList_GetItem(list, 0);
    Py_XINCREF(item);
    return item;
}

MODULE(first_item, {"first", first, METH_O, NULL})
