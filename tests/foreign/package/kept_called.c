/* Functions that CPython finds in rarer ways than the others. Their bugs come if they are asked for: by the argument 1, by an
 * object that is called "bad", by a spec of the module that has an attribute `lose`. What is wrong is marked with BUG and a name. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <string.h>
#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

static PyObject *lost_on(const char *what)
{
    return PyErr_Format(PyExc_TypeError, "%s takes one argument", what);
}

static int is_one(PyObject *op) { return PyLong_CheckExact(op) && PyLong_AsLong(op) == 1; }

/* ---- objects that are called by a function of their own (vectorcall) ---- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc function;
} Called;

/* The argument, or the value of the keyword, as often as there are arguments. */
static PyObject *called(PyObject *self, PyObject *const *arguments, size_t flagged, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flagged) + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (count != 1) {
        return lost_on("it");
    }
    if (is_one(arguments[0])) {
        Py_INCREF(self); /* BUG called */
    }
    return PyTuple_Pack(1, arguments[0]);
}

/* A static type. To make one of its objects is a vectorcall as well, of the type. */
static PyObject *called_made(PyObject *type, PyObject *const *arguments, size_t flagged, PyObject *names)
{
    Called *self = (Called *)PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->function = called;
    if (PyVectorcall_NARGS(flagged) == 1 && is_one(arguments[0])) {
        PyObject *lost = PyList_New(0); /* BUG called_made */
        if (lost == NULL) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

static PyTypeObject called_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "kept_called.Called",
    .tp_basicsize = sizeof(Called),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Called, function),
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall = called_made,
};

/* A heap type, of which some objects have no function of their own. These are called by tp_call. */
static PyObject *may_be_called_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Called *self = (Called *)type->tp_alloc(type, 0);
    if (self != NULL && PyTuple_GET_SIZE(arguments) == 1) {
        self->function = called;
    }
    return (PyObject *)self;
}

static PyObject *may_be_called_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    if (PyTuple_GET_SIZE(arguments) != 1) {
        return lost_on("it");
    }
    if (is_one(PyTuple_GET_ITEM(arguments, 0))) {
        Py_INCREF(self); /* BUG may_be_called_call */
    }
    return Py_BuildValue("[O]", PyTuple_GET_ITEM(arguments, 0));
}

static void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef may_be_called_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Called, function), Py_READONLY, NULL}, {NULL},
};
static PyType_Slot may_be_called_slots[] = {
    {Py_tp_new, may_be_called_new}, {Py_tp_call, may_be_called_call}, {Py_tp_dealloc, dealloc},
    {Py_tp_members, may_be_called_members}, {0, NULL},
};
static PyType_Spec may_be_called_spec = {
    "kept_called.MayBeCalled", sizeof(Called), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL, may_be_called_slots,
};

/* ---- buffers ---- */

typedef struct {
    PyObject_HEAD
    PyObject *bytes; /* while there is a buffer */
    int bad;
} Lender;

static PyObject *lender_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    Lender *self = (Lender *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->bad = PyTuple_GET_SIZE(arguments) == 1;
    }
    return (PyObject *)self;
}

static int lender_lend(PyObject *op, Py_buffer *view, int flags)
{
    Lender *self = (Lender *)op;
    if (self->bad) {
        PyObject *lost = PyList_New(0); /* BUG lender_lend */
        if (lost == NULL) {
            return -1;
        }
    }
    self->bytes = PyBytes_FromString("it is lent");
    if (self->bytes == NULL) {
        return -1;
    }
    return PyBuffer_FillInfo(view, op, PyBytes_AS_STRING(self->bytes), 10, 1, flags);
}

static void lender_take_back(PyObject *op, Py_buffer *view)
{
    Lender *self = (Lender *)op;
    PyObject *bytes = self->bytes;
    self->bytes = NULL;
    Py_DECREF(bytes);
    if (self->bad) {
        self->bytes = PyBytes_FromString("lost"); /* BUG lender_take_back */
        self->bytes = NULL;
    }
}

static PyType_Slot lender_slots[] = {
    {Py_tp_new, lender_new}, {Py_bf_getbuffer, lender_lend}, {Py_bf_releasebuffer, lender_take_back},
    {Py_tp_dealloc, dealloc}, {0, NULL},
};
static PyType_Spec lender_spec = {"kept_called.Lender", sizeof(Lender), 0, Py_TPFLAGS_DEFAULT, lender_slots};

/* ---- coroutines ---- */

#if PY_VERSION_HEX >= 0x030A0000
static PyObject *awaited(PyObject *self)
{
    Py_INCREF(self);
    return self;
}

static PyObject *no_next(PyObject *self) { return NULL; }

/* It returns a list of what it was sent, at once. */
static PySendResult sent(PyObject *self, PyObject *value, PyObject **result)
{
    if (((Lender *)self)->bad) {
        Py_INCREF(value); /* BUG sent */
    }
    *result = PyList_New(0);
    if (*result == NULL || PyList_Append(*result, value) < 0) {
        Py_CLEAR(*result);
        return PYGEN_ERROR;
    }
    return PYGEN_RETURN;
}

static PyType_Slot sent_slots[] = {
    {Py_tp_new, lender_new}, {Py_am_await, awaited}, {Py_tp_iter, awaited}, {Py_tp_iternext, no_next}, {Py_am_send, sent},
    {Py_tp_dealloc, dealloc}, {0, NULL},
};
static PyType_Spec sent_spec = {"kept_called.Sent", sizeof(Lender), 0, Py_TPFLAGS_DEFAULT, sent_slots};
#endif

/* ---- a heap type that is made by a vectorcall ---- */

#if PY_VERSION_HEX >= 0x030E0000
static PyType_Slot made_slots[] = {{Py_tp_vectorcall, called_made}, {Py_tp_dealloc, dealloc}, {0, NULL}};
static PyType_Spec made_spec = {"kept_called.Made", sizeof(Called), 0, Py_TPFLAGS_DEFAULT, made_slots};
#endif

/* ---- the module ---- */

static PyObject *create(PyObject *spec, PyModuleDef *definition)
{
    PyObject *name, *module;
    if (PyObject_HasAttrString(spec, "lose")) {
        PyObject *lost = PyList_New(0); /* BUG create */
        if (lost == NULL) {
            return NULL;
        }
    }
    name = PyObject_GetAttrString(spec, "name");
    if (name == NULL) {
        return NULL;
    }
    module = PyModule_NewObject(name);
    Py_DECREF(name);
    return module;
}

static int add(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromSpec(spec);
    int result = type == NULL ? -1 : PyModule_AddObject(module, strrchr(spec->name, '.') + 1, type);
    if (result < 0) {
        Py_XDECREF(type);
    }
    return result;
}

static int fill(PyObject *module)
{
    if (PyModule_AddType(module, &called_type) < 0 || add(module, &may_be_called_spec) < 0 || add(module, &lender_spec) < 0) {
        return -1;
    }
#if PY_VERSION_HEX >= 0x030A0000
    if (add(module, &sent_spec) < 0) {
        return -1;
    }
#endif
#if PY_VERSION_HEX >= 0x030E0000
    if (add(module, &made_spec) < 0) {
        return -1;
    }
#endif
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_create, create}, {Py_mod_exec, fill}, {0, NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "kept_called", NULL, 0, NULL, slots};

PyMODINIT_FUNC PyInit_kept_called(void) { return PyModuleDef_Init(&definition); }
