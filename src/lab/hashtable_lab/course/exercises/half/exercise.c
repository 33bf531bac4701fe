/* `half(n)` is half of an int, towards zero.
 *
 * For one number among all it goes wrong. */
#include "course.h"

/* Borrows `n`. Returns a new reference, or NULL with an exception set. */
static PyObject *half(PyObject *module, PyObject *n) {
    long number = PyLong_AsLong(n);
    if (number == -1)
        return NULL;
    return PyLong_FromLong(number / 2);
}

MODULE(half, {"half", half, METH_O, NULL})
