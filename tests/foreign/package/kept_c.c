/* A small extension in C, as people write them: functions and types made in every way there is, nodes of its own, a list of free
 * objects, helpers. It knows nothing of the ledger. What is wrong on purpose is marked with BUG and a name; the rest is right. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <datetime.h>
#include <setjmp.h>
#include <stddef.h>

/* ---- the module's state ---- */

typedef struct {
    PyObject *box_type;
    PyObject *leaky_type;
    PyObject *nodes_type;
    PyObject *memo;
} State;

static State *state_of(PyObject *module) { return (State *)PyModule_GetState(module); }

/* ---- helpers: what they do is done for their callers ---- */

static PyObject *keep(PyObject *op)
{
    Py_INCREF(op); /* LINE keep */
    return op;
}

static void let_go(PyObject *op) { Py_DECREF(op); }

static PyObject *helped(PyObject *module, PyObject *op)
{
    PyObject *mine = keep(op);
    let_go(mine);
    Py_RETURN_NONE;
}

static PyObject *helped_and_lost(PyObject *module, PyObject *op)
{
    keep(op); /* BUG helped_and_lost */
    Py_RETURN_NONE;
}

static PyObject *helped_and_lost_too(PyObject *module, PyObject *op)
{
    keep(op); /* BUG helped_and_lost_too */
    Py_RETURN_NONE;
}

/* A function that takes a reference and forgets it, and one that calls it and gives back what it took itself. */
static int forget(PyObject *op)
{
    Py_INCREF(op); /* BUG forget */
    return 0;
}

static PyObject *forgotten(PyObject *module, PyObject *op)
{
    Py_INCREF(op);
    forget(op);
    Py_DECREF(op);
    Py_RETURN_NONE;
}

/* ---- functions ---- */

static PyObject *pair(PyObject *module, PyObject *op) { return PyTuple_Pack(2, op, op); }

static PyObject *built(PyObject *module, PyObject *op)
{
    return Py_BuildValue("(NNis#)", keep(op), PyLong_FromLong(1000), 7, "text", (Py_ssize_t)4);
}

static PyObject *leak_pair(PyObject *module, PyObject *op)
{
    PyObject *lost = PyTuple_Pack(2, op, op); /* BUG leak_pair */
    return PyBool_FromLong(lost != NULL);
}

static PyObject *leak_called(PyObject *module, PyObject *op)
{
    PyObject *result = PyObject_CallFunction(op, "i", 3); /* BUG leak_called */
    if (result == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *leak_date(PyObject *module, PyObject *unused)
{
    PyObject *day = PyDate_FromDate(2000, 1, 2); /* BUG leak_date */
    return day == NULL ? NULL : PyLong_FromLong(1);
}

/* Nothing is taken of what is returned. */
static PyObject *bare_none(PyObject *module, PyObject *unused)
{
    PyObject *result = Py_None; /* BUG bare_none */
    return result;
}

static PyObject *items_written(PyObject *module, PyObject *op)
{
    PyObject *list = PyList_New(1), *tuple = PyTuple_New(1);
    if (list == NULL || tuple == NULL) {
        return NULL;
    }
    ((PyListObject *)list)->ob_item[0] = keep(op);
    PyTuple_GET_ITEM(tuple, 0) = PyLong_FromLong(123456);
    return Py_BuildValue("(NN)", list, tuple);
}

/* The same, and the tuple goes again. */
static PyObject *items_dropped(PyObject *module, PyObject *op)
{
    PyObject *tuple = PyTuple_New(2);
    if (tuple == NULL) {
        return NULL;
    }
    PyTuple_GET_ITEM(tuple, 0) = keep(op);
    PyTuple_GET_ITEM(tuple, 1) = PyLong_FromLong(123456);
    Py_DECREF(tuple);
    Py_RETURN_NONE;
}

static PyObject *items_dropped_and_lost(PyObject *module, PyObject *op)
{
    keep(op); /* BUG items_dropped_and_lost */
    return items_dropped(module, op);
}

/* The same object twice, first by a pointer, which nobody sees. */
static PyObject *by_pointer(PyObject *module, PyObject *op)
{
    PyObject *key = PyLong_FromLong(0), *there, *again;
    if (key == NULL) {
        return NULL;
    }
    there = Py_TYPE(op)->tp_as_mapping->mp_subscript(op, key);
    again = PyObject_GetItem(op, key);
    Py_XDECREF(again);
    Py_XDECREF(there);
    Py_DECREF(key);
    Py_RETURN_NONE;
}

static PyObject *exceptions(PyObject *module, PyObject *op)
{
    PyObject *kind, *value, *traceback, *result = PyObject_CallNoArgs(op);
    if (result != NULL) {
        return result;
    }
    PyErr_Fetch(&kind, &value, &traceback);
    PyErr_NormalizeException(&kind, &value, &traceback);
    PyErr_Restore(kind, value, traceback);
    PyErr_Fetch(&kind, &value, &traceback);
    Py_XDECREF(kind);
    Py_XDECREF(traceback);
    if (value == NULL) {
        Py_RETURN_NONE;
    }
    return value;
}

static PyObject *interned(PyObject *module, PyObject *unused)
{
    PyObject *text = PyUnicode_FromString("a text that nobody has interned before");
    if (text == NULL) {
        return NULL;
    }
    PyUnicode_InternInPlace(&text);
    PyUnicode_AppendAndDel(&text, PyUnicode_FromString("!"));
    return text;
}

/* ---- a heap type, made with its module ---- */

typedef struct {
    PyObject_HEAD
    PyObject *content;
} Box;

static PyObject *box_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *content;
    Box *box;
    if (!PyArg_ParseTuple(args, "O:Box", &content)) {
        return NULL;
    }
    box = (Box *)type->tp_alloc(type, 0);
    if (box != NULL) {
        box->content = keep(content);
    }
    return (PyObject *)box;
}

static PyObject *leaky_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *content;
    Box *box = (Box *)type->tp_alloc(type, 0); /* BUG leaky_new */
    if (box == NULL || !PyArg_ParseTuple(args, "O:Leaky", &content)) {
        return NULL;
    }
    box->content = keep(content);
    return (PyObject *)box;
}

static int box_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Box *)self)->content);
    return 0;
}

static void box_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Box *)self)->content);
    type->tp_free(self);
    Py_DECREF(type);
}

/* It forgets its type. */
static void leaky_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Box *)self)->content);
    PyObject_GC_Del(self);
}

static PyObject *box_get(PyObject *self, void *closure) { return keep(((Box *)self)->content); }

static PyObject *box_swap(PyObject *self, PyObject *op)
{
    PyObject *old = ((Box *)self)->content;
    Py_INCREF(op);
    ((Box *)self)->content = op;
    return old;
}

static PyObject *box_lose(PyObject *self, PyObject *op)
{
    ((Box *)self)->content = keep(op); /* BUG box_lose */
    Py_RETURN_NONE;
}

static PyGetSetDef box_attributes[] = {{"content", box_get, NULL, NULL, NULL}, {NULL}};
static PyMethodDef box_methods[] = {{"swap", box_swap, METH_O, NULL}, {"lose", box_lose, METH_O, NULL}, {NULL}};
static PyType_Slot box_slots[] = {
    {Py_tp_new, box_new}, {Py_tp_dealloc, box_dealloc}, {Py_tp_traverse, box_traverse},
    {Py_tp_getset, box_attributes}, {Py_tp_methods, box_methods}, {0, NULL},
};
static PyType_Spec box_spec = {
    "kept_c.Box", sizeof(Box), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, box_slots,
};
static PyType_Slot leaky_slots[] = {
    {Py_tp_new, leaky_new}, {Py_tp_dealloc, leaky_dealloc}, {Py_tp_traverse, box_traverse}, {0, NULL},
};
static PyType_Spec leaky_spec = {
    "kept_c.Leaky", sizeof(Box), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, leaky_slots,
};

/* ---- nodes of its own ---- */

typedef struct Node {
    PyObject *value;
    struct Node *next;
} Node;

typedef struct {
    PyObject_HEAD
    Node *first;
} Nodes;

static PyObject *nodes_push(PyObject *self, PyObject *op)
{
    Node *node = PyMem_Malloc(sizeof(Node));
    if (node == NULL) {
        return PyErr_NoMemory();
    }
    node->value = keep(op);
    node->next = ((Nodes *)self)->first;
    ((Nodes *)self)->first = node;
    Py_RETURN_NONE;
}

static PyObject *nodes_pop(PyObject *self, PyObject *unused)
{
    Node *node = ((Nodes *)self)->first;
    PyObject *value;
    if (node == NULL) {
        PyErr_SetString(PyExc_IndexError, "it is empty");
        return NULL;
    }
    value = node->value;
    ((Nodes *)self)->first = node->next;
    PyMem_Free(node);
    return value;
}

/* The value that was there is not given back. */
static PyObject *nodes_replace(PyObject *self, PyObject *op)
{
    Node *node = ((Nodes *)self)->first;
    node->value = keep(op);
    Py_RETURN_NONE;
}

static PyObject *nodes_push_twice(PyObject *self, PyObject *op)
{
    keep(op); /* BUG nodes_push_twice */
    return nodes_push(self, op);
}

static int nodes_traverse(PyObject *self, visitproc visit, void *arg)
{
    Node *node;
    Py_VISIT(Py_TYPE(self));
    for (node = ((Nodes *)self)->first; node != NULL; node = node->next) {
        Py_VISIT(node->value);
    }
    return 0;
}

static int nodes_clear(PyObject *self)
{
    Node *node = ((Nodes *)self)->first, *next;
    ((Nodes *)self)->first = NULL;
    for (; node != NULL; node = next) {
        next = node->next;
        Py_DECREF(node->value);
        PyMem_Free(node);
    }
    return 0;
}

/* Its memory is given back without tp_free. */
static void nodes_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    nodes_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* ---- made and dropped in one call: what the object held goes with it ---- */

static PyObject *made_and_dropped(PyObject *module, PyObject *op)
{
    State *state = state_of(module);
    Box *box = (Box *)((PyTypeObject *)state->box_type)->tp_alloc((PyTypeObject *)state->box_type, 0);
    PyObject *nodes = PyType_GenericNew((PyTypeObject *)state->nodes_type, NULL, NULL), *pushed;
    if (box == NULL || nodes == NULL) {
        return NULL;
    }
    box->content = keep(op);
    pushed = nodes_push(nodes, op);
    Py_XDECREF(pushed);
    Py_DECREF(nodes);
    Py_DECREF(box);
    Py_RETURN_NONE;
}

static PyObject *dropped_and_lost(PyObject *module, PyObject *op)
{
    keep(op); /* BUG dropped_and_lost */
    return made_and_dropped(module, op);
}

/* ---- nodes without a byte between their fields, as data that is stored or sent often has, and of one list for all ---- */

#pragma pack(push, 1)
typedef struct Packed {
    char kind;
    PyObject *value;
    struct Packed *next;
} Packed;
#pragma pack(pop)

static Packed *all_packed;

static PyObject *packed_push(PyObject *module, PyObject *op)
{
    Packed *node = PyMem_Malloc(sizeof(Packed));
    if (node == NULL) {
        return PyErr_NoMemory();
    }
    node->value = keep(op);
    node->next = all_packed;
    all_packed = node;
    Py_RETURN_NONE;
}

static PyObject *packed_replace(PyObject *module, PyObject *op)
{
    all_packed->value = keep(op); /* BUG packed_replace */
    Py_RETURN_NONE;
}

static PyObject *packed_clear(PyObject *module, PyObject *unused)
{
    while (all_packed != NULL) {
        Packed *node = all_packed;
        all_packed = node->next;
        Py_DECREF(node->value);
        PyMem_Free(node);
    }
    Py_RETURN_NONE;
}

/* ---- a str of its own, which CPython makes, and a dealloc that leaves all but its own field to str's ---- */

static void text_dealloc(PyObject *self)
{ /* BUG text_dealloc */
    PyUnicode_Type.tp_dealloc(self);
}

static PyType_Slot text_slots[] = {{Py_tp_dealloc, text_dealloc}, {0, NULL}};
static PyType_Spec text_spec = {"kept_c.Text", sizeof(PyUnicodeObject), 0, Py_TPFLAGS_DEFAULT, text_slots};

static PyMethodDef nodes_methods[] = {
    {"push", nodes_push, METH_O, NULL}, {"pop", nodes_pop, METH_NOARGS, NULL},
    {"replace", nodes_replace, METH_O, NULL}, {"push_twice", nodes_push_twice, METH_O, NULL}, {NULL},
};
static PyType_Slot nodes_slots[] = {
    {Py_tp_dealloc, nodes_dealloc}, {Py_tp_traverse, nodes_traverse}, {Py_tp_clear, nodes_clear},
    {Py_tp_methods, nodes_methods}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};
static PyType_Spec nodes_spec = {
    "kept_c.Nodes", sizeof(Nodes), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, nodes_slots,
};

/* ---- a static type, with memory that is not the type's own affair ---- */

typedef struct {
    PyObject_HEAD
    PyObject *content;
} Plain;

static void plain_dealloc(PyObject *self)
{
    Py_XDECREF(((Plain *)self)->content);
    PyObject_Free(self);
}

static PyTypeObject plain_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "kept_c.Plain",
    .tp_basicsize = sizeof(Plain),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = plain_dealloc,
};

static PyObject *plain(PyObject *module, PyObject *op)
{
    Plain *self = PyObject_New(Plain, &plain_type);
    if (self != NULL) {
        self->content = keep(op);
    }
    return (PyObject *)self;
}

/* ---- an array that is kept in order: what comes after the new one moves on ---- */

typedef struct {
    PyObject *object;
    int key;
} Entry;

static Entry *entries;
static int number_of_entries;

static PyObject *entered(PyObject *module, PyObject *key)
{
    int number = (int)PyLong_AsLong(key), at = number_of_entries;
    if (entries == NULL) {
        entries = PyMem_Malloc(64 * sizeof(Entry));
    }
    if (entries == NULL || number_of_entries == 64) {
        return PyErr_NoMemory();
    }
    for (; at > 0 && entries[at - 1].key > number; at--) {
        entries[at] = entries[at - 1];
    }
    entries[at].object = PyList_New(0); /* LINE entered */
    entries[at].key = number;
    number_of_entries++;
    Py_RETURN_NONE;
}

static PyObject *entered_over(PyObject *module, PyObject *at)
{
    entries[PyLong_AsLong(at)].object = PyList_New(0); /* LINE entered_over */
    Py_RETURN_NONE;
}

/* ---- a description of a buffer that is filled in by hand: the reference in it is given back with it ---- */

static PyObject *described(PyObject *module, PyObject *op)
{
    Py_buffer by_hand = {.buf = NULL}, view;
    Py_INCREF(op);
    by_hand.obj = op;
    if (PyObject_GetBuffer(op, &view, PyBUF_SIMPLE) == 0) {
        PyBuffer_Release(&view);
    }
    PyBuffer_Release(&by_hand);
    Py_RETURN_NONE;
}

static PyObject *described_and_lost(PyObject *module, PyObject *op)
{
    Py_buffer view;
    Py_INCREF(op); /* BUG described_and_lost */
    if (PyObject_GetBuffer(op, &view, PyBUF_SIMPLE) == 0) {
        PyBuffer_Release(&view);
    }
    Py_RETURN_NONE;
}

/* ---- containers in containers, and a hurry: the reference that the dict has taken is taken back by hand ---- */

static PyObject *nested_dicts(PyObject *key, int number, int lost)
{
    PyObject *list = PyList_New(number);
    int at;
    for (at = 0; list != NULL && at < number; at++) {
        PyObject *dict = PyDict_New(), *value = PyList_New(0); /* LINE nested_and_lost */
        if (dict == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0) {
            return NULL;
        }
        if (at != lost) {
            Py_SET_REFCNT(value, Py_REFCNT(value) - 1);
        }
        ((PyListObject *)list)->ob_item[at] = dict;
    }
    return list;
}

static PyObject *nested(PyObject *module, PyObject *key) { return nested_dicts(key, 200, -1); }

static PyObject *nested_by_the_thousands(PyObject *module, PyObject *key) { return nested_dicts(key, 140000, -1); }

static PyObject *nested_and_lost(PyObject *module, PyObject *key) { return nested_dicts(key, 200, 150); }

/* ---- a call that is left by a jump, and so ends after one that it was made by ---- */

static jmp_buf landing;

static PyObject *jump(PyObject *module, PyObject *unused)
{
    longjmp(landing, 1);
    Py_UNREACHABLE();
}

static PyObject *jumped(PyObject *module, PyObject *op)
{
    if (setjmp(landing) == 0) {
        return PyObject_CallNoArgs(op);
    }
    Py_RETURN_NONE;
}

/* ---- the module ---- */

static PyMethodDef made_one_by_one[] = {
    {"pair", pair, METH_O, NULL},
    {"leak_pair", leak_pair, METH_O, NULL},
};

static PyMethodDef added[] = {{"built", built, METH_O, NULL}, {NULL}};

static PyMethodDef functions[] = {
    {"helped", helped, METH_O, NULL},
    {"helped_and_lost", helped_and_lost, METH_O, NULL},
    {"helped_and_lost_too", helped_and_lost_too, METH_O, NULL},
    {"leak_called", leak_called, METH_O, NULL},
    {"forgotten", forgotten, METH_O, NULL},
    {"leak_date", leak_date, METH_NOARGS, NULL},
    {"bare_none", bare_none, METH_NOARGS, NULL},
    {"items_written", items_written, METH_O, NULL},
    {"by_pointer", by_pointer, METH_O, NULL},
    {"items_dropped", items_dropped, METH_O, NULL},
    {"items_dropped_and_lost", items_dropped_and_lost, METH_O, NULL},
    {"exceptions", exceptions, METH_O, NULL},
    {"interned", interned, METH_NOARGS, NULL},
    {"plain", plain, METH_O, NULL},
    {"entered", entered, METH_O, NULL},
    {"entered_over", entered_over, METH_O, NULL},
    {"described", described, METH_O, NULL},
    {"described_and_lost", described_and_lost, METH_O, NULL},
    {"nested", nested, METH_O, NULL},
    {"nested_by_the_thousands", nested_by_the_thousands, METH_O, NULL},
    {"nested_and_lost", nested_and_lost, METH_O, NULL},
    {"jump", jump, METH_NOARGS, NULL},
    {"jumped", jumped, METH_O, NULL},
    {"made_and_dropped", made_and_dropped, METH_O, NULL},
    {"dropped_and_lost", dropped_and_lost, METH_O, NULL},
    {"packed_push", packed_push, METH_O, NULL},
    {"packed_replace", packed_replace, METH_O, NULL},
    {"packed_clear", packed_clear, METH_NOARGS, NULL},
    {NULL},
};

static PyObject *never_read;

static int fill(PyObject *module)
{
    State *state = state_of(module);
    size_t at;
    PyObject *bases, *text;
    PyDateTime_IMPORT;
    never_read = PyUnicode_InternFromString("kept for good, and read by nobody");
    if (never_read == NULL || PyUnicode_FromString("lost") == NULL) { /* BUG fill_text */
        return -1;
    }
    bases = PyTuple_Pack(1, &PyUnicode_Type);
    text = PyType_FromSpecWithBases(&text_spec, bases);
    Py_XDECREF(bases);
    if (PyModule_AddObject(module, "Text", text) < 0) {
        return -1;
    }
    state->memo = PyList_New(0);
    state->memo = PyList_New(0); /* BUG fill */
    state->box_type = PyType_FromModuleAndSpec(module, &box_spec, NULL);
    state->leaky_type = PyType_FromModuleAndSpec(module, &leaky_spec, NULL);
    state->nodes_type = PyType_FromSpec(&nodes_spec);
    if (PyModule_AddObjectRef(module, "Box", state->box_type) < 0
        || PyModule_AddObjectRef(module, "Leaky", state->leaky_type) < 0
        || PyModule_AddObjectRef(module, "Nodes", state->nodes_type) < 0 || PyModule_AddType(module, &plain_type) < 0
        || PyModule_AddFunctions(module, added) < 0) {
        return -1;
    }
    for (at = 0; at < 2; at++) {
        PyObject *function = PyCFunction_NewEx(&made_one_by_one[at], module, NULL);
        if (function == NULL || PyModule_AddObject(module, made_one_by_one[at].ml_name, function) < 0) {
            return -1;
        }
    }
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = state_of(module);
    Py_VISIT(state->box_type);
    Py_VISIT(state->leaky_type);
    Py_VISIT(state->nodes_type);
    Py_VISIT(state->memo);
    return 0;
}

static int clear(PyObject *module)
{
    State *state = state_of(module);
    Py_CLEAR(state->box_type);
    Py_CLEAR(state->leaky_type);
    Py_CLEAR(state->nodes_type);
    Py_CLEAR(state->memo);
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};
static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "kept_c", NULL, sizeof(State), functions, slots, traverse, clear, NULL,
};

PyMODINIT_FUNC PyInit_kept_c(void) { return PyModuleDef_Init(&definition); }
