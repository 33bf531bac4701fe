/* `squares(list)` is a list of the squares.
 *
 * For numbers it is right. */
#include "course.h"

/* Borrows `numbers`, a list. Returns a new reference, or NULL with an exception set. */
static PyObject *squares(PyObject *module, PyObject *numbers) {
    Py_ssize_t size = PyList_Size(numbers);
    if (size < 0)
        return NULL;
    PyObject *list = PyList_New(size);
    if (!list)
        return NULL;
    for (Py_ssize_t at = 0; at < size; at++) {
        PyObject *item = Py_NewRef(PyList_GetItem(numbers, at));
        PyObject *square = PyNumber_Multiply(item, item);
        Py_DECREF(item);
        PyList_SetItem(list, at, square);
    }
    return list;
}

MODULE(squares, {"squares", squares, METH_O, NULL})
