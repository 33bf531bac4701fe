/* The smallest module: hello(name) and pi(). By hand, against the C API. */
#include <Python.h>

static PyObject *hello(PyObject *module, PyObject *name)
{
    return PyUnicode_FromFormat("Hello, %U!", name);
}

static PyObject *pi(PyObject *module, PyObject *nothing)
{
    return PyFloat_FromDouble(3.14159265358979323846);
}

static PyMethodDef methods[] = {
    {"hello", hello, METH_O, "What one says to somebody."},
    {"pi", pi, METH_NOARGS, "Pi."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "hello", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_hello(void)
{
    return PyModuleDef_Init(&definition);
}
