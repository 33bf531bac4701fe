/* `Box(content)` owns one object, and can be subclassed. */
#include "course.h"

typedef struct {
    PyObject_HEAD
    PyObject *content;
} Box;

/* `Box(content)`. Borrows its arguments; -1 with an exception set if it fails. */
static int box_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
    PyObject *content = PyTuple_GetItem(arguments, 0);
    if (!content)
        return -1;
    PyObject *old = ((Box *)self)->content;
    ((Box *)self)->content = Py_NewRef(content);
    Py_XDECREF(old);
    return 0;
}

/* The last reference to the box is gone. */
static void box_dealloc(PyObject *self) {
    Py_XDECREF(((Box *)self)->content);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef members[] = {{"content", T_OBJECT_EX, offsetof(Box, content), READONLY, NULL}, {NULL}};

static PyTypeObject Box_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "subclassed.Box",
    .tp_basicsize = sizeof(Box),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = box_init,
    .tp_dealloc = box_dealloc,
    .tp_members = members,
};

MODULE_OF_TYPE(subclassed, Box_Type, "Box")
