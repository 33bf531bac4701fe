/* What every exercise in C begins with: #include "course.h".
 *
 * It is Python.h itself, by way of the ledger, so that each reference is entered with its line; and the part of an extension that
 * is the same each time, a module with a table of functions and at most one type. */
#ifndef COURSE_H
#define COURSE_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* A static type becomes ready and part of a module. Borrows both. */
static inline int add_type(PyObject *module, PyTypeObject *type, const char *name) {
    if (PyType_Ready(type) < 0)
        return -1;
    Py_INCREF((PyObject *)type);
    if (PyModule_AddObject(module, name, (PyObject *)type) < 0) {
        Py_DECREF((PyObject *)type);
        return -1;
    }
    return 0;
}

/* A module with these functions: MODULE(pairs, {"first", first, METH_O, NULL}) */
#define MODULE(name, ...)                                                                                                      \
    static PyMethodDef module_functions[] = {__VA_ARGS__, {NULL, NULL, 0, NULL}};                                              \
    static PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, .m_name = #name, .m_size = -1,                             \
                                            .m_methods = module_functions};                                                   \
    PyMODINIT_FUNC PyInit_##name(void) { return PyModule_Create(&module_definition); }

/* A module with one type: MODULE_OF_TYPE(boxes, Box_Type, "Box") */
#define MODULE_OF_TYPE(name, type, type_name)                                                                                 \
    static PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, .m_name = #name, .m_size = -1};                            \
    PyMODINIT_FUNC PyInit_##name(void) {                                                                                      \
        PyObject *module = PyModule_Create(&module_definition);                                                               \
        if (module && add_type(module, &type, type_name) < 0) {                                                               \
            Py_DECREF(module);                                                                                                \
            return NULL;                                                                                                      \
        }                                                                                                                     \
        return module;                                                                                                        \
    }

#endif
