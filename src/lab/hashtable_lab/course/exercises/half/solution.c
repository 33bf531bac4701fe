/* `half(n)` is half of an int, towards zero. */
#include "course.h"

/* Borrows `n`. Returns a new reference, or NULL with an exception set. */
static PyObject *half(PyObject *module, PyObject *n) {
    long number = PyLong_AsLong(n);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromLong(number / 2);
}

MODULE(half, {"half", half, METH_O, NULL})
