/* `total(numbers)` adds up what is in a tuple.
 *
 * The sum is right. A program that calls it all day grows. */
#include "course.h"

/* Borrows `numbers`, a tuple. Returns a new reference, or NULL with an exception set. */
static PyObject *total(PyObject *module, PyObject *numbers) {
    PyObject *sum = PyLong_FromLong(0);
    for (Py_ssize_t at = 0; at < PyTuple_Size(numbers); at++) {
        if (!sum)
            return NULL;
        sum = PyNumber_Add(sum, PyTuple_GetItem(numbers, at));
    }
    return sum;
}

MODULE(total, {"total", total, METH_O, NULL})
