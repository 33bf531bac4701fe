/* Hello and pi by Python's C API: each argument taken apart, each result put together by hand. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "hello.h"

static PyObject *py_nothing(PyObject *module, PyObject *unused)
{
    nothing();
    Py_RETURN_NONE;
}

static PyObject *py_hello(PyObject *module, PyObject *args)
{
    const char *name; /* borrowed; "s" refuses what is no str, and a NUL in it */
    if (!PyArg_ParseTuple(args, "s", &name))
        return NULL;
    hello(name);
    Py_RETURN_NONE;
}

static PyObject *py_get_pi(PyObject *module, PyObject *unused)
{
    return PyFloat_FromDouble(get_pi());
}

/* C sees only -1 when the function raises; the exception waits in the thread until we are back. */
static int64_t call_python(void *context, int64_t key)
{
    PyObject *answer = PyObject_CallFunction(context, "L", (long long)key);
    int64_t hash = answer ? PyLong_AsLongLong(answer) : -1;
    Py_XDECREF(answer);
    return hash;
}

static PyObject *py_ask(PyObject *module, PyObject *args)
{
    PyObject *function; /* borrowed */
    long long key;
    if (!PyArg_ParseTuple(args, "OL", &function, &key))
        return NULL;
    int64_t hash = ask(call_python, function, key);
    return PyErr_Occurred() ? NULL : PyLong_FromLongLong(hash);
}

static PyMethodDef functions[] = {
    {"nothing", py_nothing, METH_NOARGS, NULL},
    {"hello", py_hello, METH_VARARGS, NULL},
    {"get_pi", py_get_pi, METH_NOARGS, NULL},
    {"ask", py_ask, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "hello_c_api", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit_hello_c_api(void)
{
    return PyModule_Create(&module);
}
