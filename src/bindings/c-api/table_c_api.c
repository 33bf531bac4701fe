/*
 * libhashtable by Python's C API, by hand. Everything that the other roads generate is here to be read: who owns which
 * reference, what happens when something fails, and how the garbage collector learns of the hash function.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "hashtable.h"

typedef struct {
    PyObject_HEAD
    ht_table *table;     /* owned */
    PyObject *hash_func; /* owned; NULL for the library's own */
} HashTable;

/* The item for a key or a value, -1 with an exception set if there is none. Borrows the bytes of a string from `value`,
   and takes no reference. */
static int to_item(PyObject *value, ht_item *item)
{
    if (PyLong_Check(value)) {
        long long number = PyLong_AsLongLong(value);
        if (number == -1 && PyErr_Occurred())
            return -1;
        *item = ht_int(number);
    } else if (PyFloat_Check(value)) {
        *item = ht_float(PyFloat_AS_DOUBLE(value));
    } else if (PyUnicode_Check(value)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value, &length);
        if (text == NULL)
            return -1;
        *item = ht_string(text, length);
    } else {
        PyErr_Format(PyExc_TypeError, "keys and values are int, float or str, not %s", Py_TYPE(value)->tp_name);
        return -1;
    }
    return 0;
}

/* A new reference. */
static PyObject *from_item(const ht_item *item)
{
    switch (item->kind) {
    case HT_INT: return PyLong_FromLongLong(item->data.integer);
    case HT_FLOAT: return PyFloat_FromDouble(item->data.real);
    default: return PyUnicode_DecodeUTF8(item->data.text.bytes, item->data.text.length, NULL);
    }
}

/* 0 for HT_OK, 1 for HT_NOT_FOUND, -1 with an exception set for everything else. */
static int check(ht_status status)
{
    if (status == HT_OK || status == HT_NOT_FOUND)
        return status;
    PyErr_SetString(status == HT_NO_MEMORY ? PyExc_MemoryError : PyExc_ValueError, ht_error_message(status));
    return -1;
}

/* The hash of a key, both of its forms borrowed. -1 with an exception set. The hash function may run any code. */
static int hash_of(HashTable *self, PyObject *key, const ht_item *item, int64_t *hash)
{
    if (self->hash_func == NULL)
        return check(ht_hash(item, hash));
    PyObject *answer = PyObject_CallFunctionObjArgs(self->hash_func, key, NULL); /* a new reference */
    if (answer == NULL)
        return -1;
    int overflow = 0;
    if (PyLong_Check(answer)) {
        *hash = PyLong_AsLongLongAndOverflow(answer, &overflow);
        if (overflow)
            *hash = PyObject_Hash(answer);
    } else {
        PyErr_SetString(PyExc_ValueError, "Invalid hash function -- all keys must hash to an integer.");
    }
    Py_DECREF(answer);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"size", "max_load", "hash_func", NULL};
    Py_ssize_t size = 4;
    double max_load = 0.5;
    PyObject *hash_func = NULL; /* borrowed */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ndO", names, &size, &max_load, &hash_func))
        return NULL;
    if (hash_func == Py_None)
        hash_func = NULL;
    if (hash_func != NULL && !PyCallable_Check(hash_func)) {
        PyErr_SetString(PyExc_TypeError, "hash_func must be callable.");
        return NULL;
    }
    HashTable *self = (HashTable *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    Py_XINCREF(hash_func);
    self->hash_func = hash_func;
    if (check(ht_new(size < 0 ? 0 : (size_t)size, max_load, &self->table)) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int table_traverse(HashTable *self, visitproc visit, void *arg)
{
    Py_VISIT(self->hash_func);
    return 0;
}

static int table_clear(HashTable *self)
{
    Py_CLEAR(self->hash_func);
    return 0;
}

static void table_dealloc(HashTable *self)
{
    PyObject_GC_UnTrack(self);
    table_clear(self);
    ht_free(self->table);
    Py_TYPE(self)->tp_free(self);
}

/* Whether a method got so many arguments; with an exception set if not. */
static int counted(const char *name, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (least <= count && count <= most)
        return 1;
    PyErr_Format(PyExc_TypeError, "%s() takes %zd to %zd arguments (%zd given)", name, least, most, count);
    return 0;
}

static PyObject *table_set(HashTable *self, PyObject *const *args, Py_ssize_t count)
{
    ht_item key, value;
    int64_t hash;
    if (!counted("set", count, 2, 2) || to_item(args[0], &key) < 0 || to_item(args[1], &value) < 0)
        return NULL;
    if (hash_of(self, args[0], &key, &hash) < 0 || check(ht_set_hashed(self->table, hash, &key, &value, NULL)) < 0)
        return NULL;
    Py_INCREF(self); /* who gets a result owns it: this is the line that the talk forgot */
    return (PyObject *)self;
}

static PyObject *table_get(HashTable *self, PyObject *const *args, Py_ssize_t count)
{
    ht_item key, value;
    int64_t hash;
    if (!counted("get", count, 1, 2) || to_item(args[0], &key) < 0)
        return NULL;
    if (hash_of(self, args[0], &key, &hash) < 0)
        return NULL;
    int missing = check(ht_get_hashed(self->table, hash, &key, &value));
    if (missing < 0)
        return NULL;
    if (!missing)
        return from_item(&value);
    PyObject *fallback = count == 2 ? args[1] : Py_None;
    Py_INCREF(fallback);
    return fallback;
}

static PyObject *table_pop(HashTable *self, PyObject *const *args, Py_ssize_t count)
{
    ht_item key, value;
    int64_t hash;
    if (!counted("pop", count, 1, 2) || to_item(args[0], &key) < 0)
        return NULL;
    if (hash_of(self, args[0], &key, &hash) < 0)
        return NULL;
    int missing = check(ht_remove_hashed(self->table, hash, &key, NULL, &value));
    if (missing < 0)
        return NULL;
    if (!missing)
        return from_item(&value);
    if (count == 1) {
        PyErr_SetObject(PyExc_KeyError, args[0]);
        return NULL;
    }
    Py_INCREF(args[1]);
    return args[1];
}

static PyObject *table_size(HashTable *self, void *unused)
{
    size_t size;
    return check(ht_size(self->table, &size)) < 0 ? NULL : PyLong_FromSize_t(size);
}

static PyObject *table_load(HashTable *self, void *unused)
{
    size_t load;
    return check(ht_load(self->table, &load)) < 0 ? NULL : PyLong_FromSize_t(load);
}

static PyObject *table_repr(HashTable *self)
{
    size_t needed;
    if (check(ht_picture(self->table, NULL, 0, &needed)) < 0)
        return NULL;
    char *picture = PyMem_Malloc(needed + 1);
    if (picture == NULL)
        return PyErr_NoMemory();
    PyObject *result = NULL;
    if (check(ht_picture(self->table, picture, needed + 1, &needed)) == 0)
        result = PyUnicode_DecodeUTF8(picture, needed, NULL);
    PyMem_Free(picture);
    return result;
}

static PyMethodDef methods[] = {
    {"set", (PyCFunction)(void (*)(void))table_set, METH_FASTCALL, "Adds a pair or overwrites a value; returns the table."},
    {"get", (PyCFunction)(void (*)(void))table_get, METH_FASTCALL, "The value of a key."},
    {"pop", (PyCFunction)(void (*)(void))table_pop, METH_FASTCALL, "Removes a key and returns its value."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"size", (getter)table_size, NULL, "Number of buckets.", NULL},
    {"load", (getter)table_load, NULL, "Number of pairs.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyTypeObject type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "table_c_api.HashTable",
    .tp_doc = "A hash table; without `hash_func` the library's default hash is used.",
    .tp_basicsize = sizeof(HashTable),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = table_new,
    .tp_traverse = (traverseproc)table_traverse,
    .tp_clear = (inquiry)table_clear,
    .tp_dealloc = (destructor)table_dealloc,
    .tp_repr = (reprfunc)table_repr,
    .tp_methods = methods,
    .tp_getset = attributes,
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "table_c_api", .m_size = -1};

PyMODINIT_FUNC PyInit_table_c_api(void)
{
    PyObject *made = PyType_Ready(&type) < 0 ? NULL : PyModule_Create(&module);
    if (made == NULL)
        return NULL;
    Py_INCREF(&type);
    if (PyModule_AddObject(made, "HashTable", (PyObject *)&type) < 0) { /* steals, but only if it succeeds */
        Py_DECREF(&type);
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
