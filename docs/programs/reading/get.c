/* `h.get(key, default)` as one would write it in C: for the page on reading Rust. A test compiles it. */
#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *hash_func;
} HashTable;

/* Finds the value of a key: 1 found, 0 not there, -1 an exception is set. The value is borrowed. */
int get_item(HashTable *table, PyObject *key, PyObject **value);

PyObject *
get(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs < 1 || nargs > 2) {
        PyErr_SetString(PyExc_TypeError, "get takes one or two arguments");
        return NULL;
    }
    PyObject *value = nargs == 2 ? args[1] : Py_None;
    if (get_item((HashTable *)op, args[0], &value) < 0) {
        return NULL;
    }
    Py_INCREF(value);
    return value;
}
