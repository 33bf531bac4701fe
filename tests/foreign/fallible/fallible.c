/* A small extension in C whose error paths nobody has tried. What is wrong with them is marked with BUG and a name, at the call that
 * fails; `right` is right. It knows nothing of the ledger. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* [op, op]; gives back on the way out what it has. */
static PyObject *right(PyObject *module, PyObject *op)
{
    PyObject *list = PyList_New(0);
    if (list == NULL) {
        return NULL;
    }
    if (PyList_Append(list, op) < 0 || PyList_Append(list, op) < 0) {
        Py_DECREF(list);
        return NULL;
    }
    return list;
}

/* The answer is not looked at. */
static PyObject *crashes(PyObject *module, PyObject *op)
{
    PyObject *tuple = PyTuple_New(1); /* BUG crash */
    Py_INCREF(op);
    PyTuple_SET_ITEM(tuple, 0, op);
    return tuple;
}

/* Whatever went wrong, it says nothing. */
static PyObject *swallows(PyObject *module, PyObject *op)
{
    PyObject *text = PyObject_Str(op); /* BUG swallowed */
    if (text == NULL) {
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    return text;
}

/* It takes the exception away, and fails. */
static PyObject *says_nothing(PyObject *module, PyObject *op)
{
    PyObject *text = PyObject_Repr(op); /* BUG no exception */
    if (text == NULL) {
        PyErr_Clear();
    }
    return text;
}

/* It forgets the list when it fails. */
static PyObject *loses(PyObject *module, PyObject *op)
{
    PyObject *list = PyList_New(0); /* LINE lost */
    if (list == NULL) {
        return NULL;
    }
    if (PyList_Append(list, op) < 0) { /* BUG unbalanced */
        return NULL;
    }
    return list;
}

static PyMethodDef functions[] = {
    {"right", right, METH_O, NULL},       {"crashes", crashes, METH_O, NULL},
    {"swallows", swallows, METH_O, NULL}, {"says_nothing", says_nothing, METH_O, NULL},
    {"loses", loses, METH_O, NULL},       {NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "fallible", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_fallible(void) { return PyModuleDef_Init(&definition); }
