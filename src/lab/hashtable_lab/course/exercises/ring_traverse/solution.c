/* `Pair(one, two)` owns two objects, which may own the pair. */
#include "course.h"

typedef struct {
    PyObject_HEAD
    PyObject *one, *two;
} Pair;

static int pair_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
    Pair *pair = (Pair *)self;
    PyObject *one = PyTuple_GetItem(arguments, 0), *two = PyTuple_GetItem(arguments, 1);
    if (!one || !two)
        return -1;
    PyObject *old_one = pair->one, *old_two = pair->two;
    pair->one = Py_NewRef(one);
    pair->two = Py_NewRef(two);
    Py_XDECREF(old_one);
    Py_XDECREF(old_two);
    return 0;
}

/* Tells the garbage collector of each reference that the pair owns. Py_VISIT leaves NULL out, and returns what `visit` says. */
static int pair_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((Pair *)self)->one);
    Py_VISIT(((Pair *)self)->two);
    return 0;
}

/* Gives up what the pair owns, so that a cycle comes apart. The pair itself lives on, empty. */
static int pair_clear(PyObject *self) {
    Py_CLEAR(((Pair *)self)->one);
    Py_CLEAR(((Pair *)self)->two);
    return 0;
}

static void pair_dealloc(PyObject *self) {
    /* The collector must not see a pair that is half gone. */
    PyObject_GC_UnTrack(self);
    pair_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyMemberDef members[] = {{"one", T_OBJECT_EX, offsetof(Pair, one), READONLY, NULL},
                                {"two", T_OBJECT_EX, offsetof(Pair, two), READONLY, NULL},
                                {NULL}};

static PyTypeObject Pair_Type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "ring_traverse.Pair",
    .tp_basicsize = sizeof(Pair),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = pair_init,
    .tp_dealloc = pair_dealloc,
    .tp_traverse = pair_traverse,
    .tp_clear = pair_clear,
    .tp_members = members,
};

MODULE_OF_TYPE(ring_traverse, Pair_Type, "Pair")
