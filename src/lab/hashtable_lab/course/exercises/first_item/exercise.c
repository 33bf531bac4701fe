/* `first(list)` returns the first item of a list.
 *
 * Run it a few times on the same list, and the interpreter dies. */
#include "course.h"

/* Borrows `list`. Returns a new reference, or NULL with an exception set. */
static PyObject *first(PyObject *module, PyObject *list) {
    PyObject *item = PyList_GetItem(list, 0);
    return item;
}

MODULE(first_item, {"first", first, METH_O, NULL})
