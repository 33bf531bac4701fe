/* A module that CPython makes of slots for which it asks the file, as from 3.15 on (PEP 793, PEP 820): no call of the C API makes
 * it. What is wrong is marked with BUG and a name. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>

PyABIInfo_VAR(abi_info);

/* ---- the module's state ---- */

typedef struct {
    PyObject *kept;
    PyObject *called_type;
} State;

extern const PySlot exported[];
extern PySlot called_slots[];

static State *state_of(PyObject *module) { return (State *)PyModule_GetState(module); }

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = state_of(module);
    Py_VISIT(state->kept);
    Py_VISIT(state->called_type);
    return 0;
}

static int clear(PyObject *module)
{
    State *state = state_of(module);
    Py_CLEAR(state->kept);
    Py_CLEAR(state->called_type);
    return 0;
}

static void free_state(void *module) { clear((PyObject *)module); }

/* ---- functions ---- */

static PyObject *pair(PyObject *module, PyObject *op) { return PyTuple_Pack(2, op, op); }

static PyObject *leak_pair(PyObject *module, PyObject *op)
{
    PyObject *lost = PyTuple_Pack(2, op, op); /* BUG leak_pair */
    return lost == NULL ? NULL : PyLong_FromLong(2);
}

/* It keeps its argument, and returns what it kept before. */
static PyObject *keep(PyObject *module, PyObject *op)
{
    State *state = state_of(module);
    PyObject *before = state->kept;
    state->kept = Py_NewRef(op);
    return before == NULL ? Py_NewRef(Py_None) : before;
}

static PyObject *overwrite(PyObject *module, PyObject *op)
{
    State *state = state_of(module);
    state->kept = Py_NewRef(op); /* BUG overwrite */
    Py_RETURN_NONE;
}

/* Is the array still what the module is known by, and the other one what the type is known by? */
static PyObject *is_known(PyObject *module, PyObject *unused)
{
    PyTypeObject *type = (PyTypeObject *)state_of(module)->called_type, *found;
    void *token;
    if (PyModule_GetToken(module, &token) < 0 || PyType_GetBaseByToken(type, called_slots, &found) < 0) {
        return NULL;
    }
    Py_XDECREF(found);
    return PyBool_FromLong(token == (void *)exported && found == type);
}

/* ---- a type made of slots, whose objects are called by a function of their own ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc function;
} Called;

static PyObject *called(PyObject *self, PyObject *const *arguments, size_t flagged, PyObject *names)
{
    if (PyVectorcall_NARGS(flagged) == 0) {
        Py_INCREF(self); /* BUG called */
    }
    return PyLong_FromSsize_t(PyVectorcall_NARGS(flagged));
}

static PyObject *called_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Called *self = (Called *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->function = called;
    }
    return (PyObject *)self;
}

static void called_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *called_leak(PyObject *self, PyObject *op)
{
    Py_INCREF(op); /* BUG called_leak */
    Py_RETURN_NONE;
}

static PyMethodDef called_methods[] = {{"leak", called_leak, METH_O, NULL}, {NULL}};
static PyMemberDef called_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Called, function), Py_READONLY, NULL}, {NULL},
};
/* Some in an array as it was before. */
static PyType_Slot called_old[] = {{Py_tp_new, called_new}, {Py_tp_members, called_members}, {0, NULL}};
PySlot called_slots[] = {
    PySlot_DATA(Py_tp_name, "kept_exported.Called"),
    PySlot_SIZE(Py_tp_basicsize, sizeof(Called)),
    PySlot_UINT64(Py_tp_flags, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL),
    PySlot_FUNC(Py_tp_dealloc, called_dealloc),
    PySlot_FUNC(Py_tp_call, PyVectorcall_Call),
    PySlot_STATIC_DATA(Py_tp_methods, called_methods),
    PySlot_DATA(Py_tp_slots, called_old),
    PySlot_DATA(Py_tp_token, called_slots),
    PySlot_DATA(Py_tp_module, NULL), /* filled in below */
    PySlot_END,
};

/* ---- the module ---- */

static int fill(PyObject *module)
{
    PyObject *spec = PyObject_GetAttrString(module, "__spec__");
    if (spec == NULL) {
        return -1;
    }
    if (PyObject_HasAttrString(spec, "lose")) {
        PyObject *lost = PyList_New(0); /* BUG fill */
        if (lost == NULL) {
            Py_DECREF(spec);
            return -1;
        }
    }
    Py_DECREF(spec);
    for (PySlot *slot = called_slots; slot->sl_id != Py_slot_end; slot++) {
        if (slot->sl_id == Py_tp_module) {
            slot->sl_ptr = module;
        }
    }
    state_of(module)->called_type = PyType_FromSlots(called_slots);
    return PyModule_AddObjectRef(module, "Called", state_of(module)->called_type);
}

static PyMethodDef functions[] = {
    {"pair", pair, METH_O, NULL},           {"leak_pair", leak_pair, METH_O, NULL}, {"keep", keep, METH_O, NULL},
    {"overwrite", overwrite, METH_O, NULL}, {"is_known", is_known, METH_NOARGS, NULL}, {NULL},
};

/* It is constant, so it lies in memory that is only to be read. */
static const PyModuleDef_Slot old[] = {{Py_mod_exec, fill}, {0, NULL}};
const PySlot exported[] = {
    PySlot_STATIC_DATA(Py_mod_abi, &abi_info),
    PySlot_STATIC_DATA(Py_mod_name, "kept_exported"),
    PySlot_STATIC_DATA(Py_mod_methods, functions),
    PySlot_SIZE(Py_mod_state_size, sizeof(State)),
    PySlot_FUNC(Py_mod_state_traverse, traverse),
    PySlot_FUNC(Py_mod_state_clear, clear),
    PySlot_FUNC(Py_mod_state_free, free_state),
    PySlot_STATIC_DATA(Py_mod_token, (void *)exported),
    PySlot_DATA(Py_mod_slots, old),
    PySlot_END,
};

PyMODEXPORT_FUNC PyModExport_kept_exported(void) { return (PySlot *)exported; }
