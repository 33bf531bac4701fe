/* What a `get` on an empty table costs at the least: a type whose `get` takes its arguments with METH_FASTCALL, looks at their number,
   hashes the key, as `get` must (a list is to be refused even by an empty table), sees that nothing is there, and returns the
   default. */

#include <Python.h>

typedef struct {
    PyObject_HEAD
    Py_ssize_t load;
} Table;

static PyObject *table_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs < 1 || nargs > 2) {
        PyErr_SetString(PyExc_TypeError, "get expected 1 or 2 arguments");
        return NULL;
    }
    if (PyObject_Hash(args[0]) == -1)
        return NULL;
    if (((Table *)self)->load != 0) {
        PyErr_SetString(PyExc_SystemError, "this table has no pairs");
        return NULL;
    }
    PyObject *result = nargs == 2 ? args[1] : Py_None;
    Py_INCREF(result);
    return result;
}

static PyMethodDef table_methods[] = {
    {"get", (PyCFunction)(void (*)(void))table_get, METH_FASTCALL, "The default."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject table_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "fastcall.Table",
    .tp_basicsize = sizeof(Table),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_methods = table_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "fastcall", .m_size = -1};

PyMODINIT_FUNC PyInit_fastcall(void)
{
    if (PyType_Ready(&table_type) < 0)
        return NULL;
    PyObject *m = PyModule_Create(&module);
    if (m == NULL)
        return NULL;
    Py_INCREF(&table_type);
    if (PyModule_AddObject(m, "Table", (PyObject *)&table_type) < 0) {
        Py_DECREF(&table_type);
        Py_DECREF(m);
        return NULL;
    }
    return m;
}
