/* An extension with nothing in it: what the import of any extension costs. */

#include <Python.h>

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "empty", .m_size = -1};

PyMODINIT_FUNC PyInit_empty(void)
{
    return PyModule_Create(&module);
}
