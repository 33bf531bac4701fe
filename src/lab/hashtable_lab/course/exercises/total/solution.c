/* `total(numbers)` adds up what is in a tuple. */
#include "course.h"

/* Borrows `numbers`, a tuple. Returns a new reference, or NULL with an exception set. */
static PyObject *total(PyObject *module, PyObject *numbers) {
    PyObject *sum = PyLong_FromLong(0);
    for (Py_ssize_t at = 0; at < PyTuple_Size(numbers); at++) {
        if (!sum)
            return NULL;
        PyObject *more = PyNumber_Add(sum, PyTuple_GetItem(numbers, at));
        Py_DECREF(sum);
        sum = more;
    }
    return sum;
}

MODULE(total, {"total", total, METH_O, NULL})
