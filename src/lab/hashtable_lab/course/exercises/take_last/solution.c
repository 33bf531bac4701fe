/* `take_last(list)` removes the last item of a list and returns it. */
#include "course.h"

/* Borrows `list`. Returns a new reference, or NULL with an exception set. */
static PyObject *take_last(PyObject *module, PyObject *list) {
    Py_ssize_t size = PyList_Size(list);
    if (size < 0)
        return NULL;
    PyObject *item = PyList_GetItem(list, size - 1);
    if (!item)
        return NULL;
    Py_INCREF(item);
    /* A slice is deleted by putting NULL in its place. */
    if (PyList_SetSlice(list, size - 1, size, NULL) < 0) {
        Py_DECREF(item);
        return NULL;
    }
    return item;
}

MODULE(take_last, {"take_last", take_last, METH_O, NULL})
