/* `record(dict, key)` stores the length of a key under the key. */
#include "course.h"

/* Borrows `arguments`, a dict and a key. Returns a new reference to None, or NULL with an exception set. */
static PyObject *record(PyObject *module, PyObject *arguments) {
    PyObject *dict = PyTuple_GetItem(arguments, 0), *key = PyTuple_GetItem(arguments, 1);
    if (!dict || !key)
        return NULL;
    Py_ssize_t size = PyObject_Size(key);
    if (size < 0)
        return NULL;
    PyObject *length = PyLong_FromSsize_t(size);
    if (!length)
        return NULL;
    int status = PyDict_SetItem(dict, key, length);
    Py_DECREF(length);
    if (status < 0)
        return NULL;
    return Py_NewRef(Py_None);
}

MODULE(record, {"record", record, METH_VARARGS, NULL})
