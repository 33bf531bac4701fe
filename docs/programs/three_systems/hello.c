/*
 * A module for Python, hello, for the stable ABI: and without Python.h, which is made for one system. What it would say is written out.
 */
#include <stddef.h>

typedef struct object PyObject;

/* Lent by the interpreter. */
PyObject *PyModule_Create2(void *definition, int version);
PyObject *PyUnicode_FromFormat(const char *format, ...);
extern PyObject _Py_NoneStruct;

/* As the stable ABI fixes them. */
typedef struct {
    const char *name;
    PyObject *(*function)(PyObject *, PyObject *);
    int flags;
    const char *documentation;
} PyMethodDef;

typedef struct {
    struct {
        ptrdiff_t count;
        void *type, *init;
        ptrdiff_t index;
        PyObject *copy;
    } base;
    const char *name, *documentation;
    ptrdiff_t size;
    PyMethodDef *methods;
    void *slots, *traverse, *clear, *free;
} PyModuleDef;

enum { METH_O = 8, ABI_VERSION = 3 };

static PyObject *hello(PyObject *module, PyObject *name)
{
    return name == &_Py_NoneStruct ? PyUnicode_FromFormat("Hello!") : PyUnicode_FromFormat("Hello, %U!", name);
}

static PyMethodDef methods[] = {{"hello", hello, METH_O, "What one says to somebody."}, {NULL, NULL, 0, NULL}};
static PyModuleDef definition = {{1, NULL, NULL, 0, NULL}, "hello", NULL, -1, methods, NULL, NULL, NULL, NULL};

#ifdef _WIN32
/* A DLL has a function that is called when it is loaded; a C library would bring one. */
int DllMainCRTStartup(void *library, unsigned reason, void *reserved)
{
    return 1;
}

__declspec(dllexport)
#endif
PyObject *PyInit_hello(void)
{
    return PyModule_Create2(&definition, ABI_VERSION);
}
