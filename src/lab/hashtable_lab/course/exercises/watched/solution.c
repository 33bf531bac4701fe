/* `Node(content)` can be watched by weak references. */
#include "course.h"

typedef struct {
    PyObject_HEAD
    PyObject *content;
    PyObject *watchers;
} Node;

/* `Node(content)`. Borrows its arguments. */
static int node_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
    PyObject *content = PyTuple_GetItem(arguments, 0);
    if (!content)
        return -1;
    PyObject *old = ((Node *)self)->content;
    ((Node *)self)->content = Py_NewRef(content);
    Py_XDECREF(old);
    return 0;
}

static void node_dealloc(PyObject *self) {
    Node *node = (Node *)self;
    if (node->watchers)
        PyObject_ClearWeakRefs(self);
    Py_XDECREF(node->content);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject Node_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "watched.Node",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = node_init,
    .tp_dealloc = node_dealloc,
    /* Here CPython keeps the list of the weak references to a node. */
    .tp_weaklistoffset = offsetof(Node, watchers),
};

MODULE_OF_TYPE(watched, Node_Type, "Node")
