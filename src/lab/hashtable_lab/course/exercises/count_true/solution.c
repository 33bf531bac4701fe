/* `count_true(iterable)` is how many items are true. */
#include "course.h"

/* Borrows `iterable`. Returns a new reference, or NULL with an exception set. */
static PyObject *count_true(PyObject *module, PyObject *iterable) {
    PyObject *iterator = PyObject_GetIter(iterable);
    if (!iterator)
        return NULL;
    long count = 0;
    PyObject *item;
    while ((item = PyIter_Next(iterator)) != NULL) {
        int yes = PyObject_IsTrue(item);
        Py_DECREF(item);
        if (yes < 0)
            break;
        count += yes;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    return PyLong_FromLong(count);
}

MODULE(count_true, {"count_true", count_true, METH_O, NULL})
