#include <Python.h>
static PyObject *lose(PyObject *m, PyObject *op)
{
    Py_INCREF(op); /* BUG lose */
    Py_RETURN_NONE;
}
static PyMethodDef all[] = {{"lose", lose, METH_O, NULL}, {NULL}};
static PyModuleDef d = {PyModuleDef_HEAD_INIT, "lost", NULL, 0, all};
PyMODINIT_FUNC PyInit_lost(void) { return PyModule_Create(&d); }
