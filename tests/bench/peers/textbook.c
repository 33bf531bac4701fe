/* The textbook extension: a peer for the benchmarks.

   The same type as hashtable.HashTable, the way a first extension in C comes out of a tutorial: a bucket is a linked list of nodes,
   each node an allocation of its own; arguments are parsed with PyArg_ParseTuple (METH_VARARGS); the hash function is a Python
   callable and is called as one, also when it is the builtin `hash`. The algorithm is that of HashTable: bucket `hash mod size`,
   twice as many buckets when a new pair would make load / size exceed max_load.

   Two things a careful tutorial would teach are in it, so that it is a fair peer: a node keeps its hash, so growing calls nothing,
   and two keys are compared only if their hashes are equal. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

typedef struct Node {
    struct Node *next;
    Py_hash_t hash;
    PyObject *key;
    PyObject *value;
} Node;

typedef struct {
    PyObject_HEAD
    Node **buckets;
    Py_ssize_t size;
    Py_ssize_t load;
    double max_load;
    PyObject *hash_func;
} Table;

static Py_ssize_t bucket_of(Py_hash_t hash, Py_ssize_t size)
{
    Py_ssize_t bucket = hash % size;
    return bucket < 0 ? bucket + size : bucket;
}

/* Calls the hash function. Returns 0, or -1 with an exception set. */
static int hash_of(Table *self, PyObject *key, Py_hash_t *hash)
{
    PyObject *result = PyObject_CallFunctionObjArgs(self->hash_func, key, NULL);
    if (result == NULL)
        return -1;
    *hash = PyLong_AsSsize_t(result);
    Py_DECREF(result);
    return *hash == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Finds the pointer to the node of a key, or to the end of its chain. Returns NULL with an exception set if a comparison raises. */
static Node **find(Table *self, PyObject *key, Py_hash_t hash)
{
    Node **link = &self->buckets[bucket_of(hash, self->size)];
    for (; *link != NULL; link = &(*link)->next) {
        if ((*link)->hash == hash) {
            int equal = PyObject_RichCompareBool((*link)->key, key, Py_EQ);
            if (equal < 0)
                return NULL;
            if (equal)
                return link;
        }
    }
    return link;
}

static int grow(Table *self)
{
    Py_ssize_t size = self->size * 2;
    Node **buckets = calloc(size, sizeof(Node *));
    if (buckets == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < self->size; i++) {
        for (Node *node = self->buckets[i], *next; node != NULL; node = next) {
            Node **bucket = &buckets[bucket_of(node->hash, size)];
            next = node->next;
            node->next = *bucket;
            *bucket = node;
        }
    }
    free(self->buckets);
    self->buckets = buckets;
    self->size = size;
    return 0;
}

/* Adds a pair whose key is not there. Returns 0, or -1 with an exception set. */
static int add(Table *self, PyObject *key, Py_hash_t hash, PyObject *value)
{
    while ((double)(self->load + 1) / (double)self->size > self->max_load) {
        if (grow(self) < 0)
            return -1;
    }
    Node *node = malloc(sizeof(Node));
    if (node == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Node **bucket = &self->buckets[bucket_of(hash, self->size)];
    Py_INCREF(key);
    Py_INCREF(value);
    *node = (Node){*bucket, hash, key, value};
    *bucket = node;
    self->load++;
    return 0;
}

static PyObject *table_set(PyObject *op, PyObject *args)
{
    Table *self = (Table *)op;
    PyObject *key, *value;
    Py_hash_t hash;
    if (!PyArg_ParseTuple(args, "OO:set", &key, &value) || hash_of(self, key, &hash) < 0)
        return NULL;
    Node **link = find(self, key, hash);
    if (link == NULL)
        return NULL;
    if (*link != NULL) {
        PyObject *old = (*link)->value;
        Py_INCREF(value);
        (*link)->value = value;
        Py_DECREF(old);
    }
    else if (add(self, key, hash, value) < 0)
        return NULL;
    Py_INCREF(self);
    return (PyObject *)self;
}

static PyObject *table_get(PyObject *op, PyObject *args)
{
    Table *self = (Table *)op;
    PyObject *key, *missing = Py_None;
    Py_hash_t hash;
    if (!PyArg_ParseTuple(args, "O|O:get", &key, &missing) || hash_of(self, key, &hash) < 0)
        return NULL;
    Node **link = find(self, key, hash);
    if (link == NULL)
        return NULL;
    PyObject *result = *link != NULL ? (*link)->value : missing;
    Py_INCREF(result);
    return result;
}

static PyObject *table_setdefault(PyObject *op, PyObject *args)
{
    Table *self = (Table *)op;
    PyObject *key, *value = Py_None;
    Py_hash_t hash;
    if (!PyArg_ParseTuple(args, "O|O:setdefault", &key, &value) || hash_of(self, key, &hash) < 0)
        return NULL;
    Node **link = find(self, key, hash);
    if (link == NULL)
        return NULL;
    if (*link != NULL)
        value = (*link)->value;
    else if (add(self, key, hash, value) < 0)
        return NULL;
    Py_INCREF(value);
    return value;
}

static PyObject *table_pop(PyObject *op, PyObject *args)
{
    Table *self = (Table *)op;
    PyObject *key, *missing = NULL;
    Py_hash_t hash;
    if (!PyArg_ParseTuple(args, "O|O:pop", &key, &missing) || hash_of(self, key, &hash) < 0)
        return NULL;
    Node **link = find(self, key, hash);
    if (link == NULL)
        return NULL;
    Node *node = *link;
    if (node == NULL) {
        if (missing == NULL)
            PyErr_SetObject(PyExc_KeyError, key);
        Py_XINCREF(missing);
        return missing;
    }
    PyObject *result = node->value;
    *link = node->next;
    self->load--;
    Py_DECREF(node->key);
    free(node);
    return result;
}

static int table_traverse(PyObject *op, visitproc visit, void *arg)
{
    Table *self = (Table *)op;
    Py_VISIT(self->hash_func);
    for (Py_ssize_t i = 0; i < self->size; i++) {
        for (Node *node = self->buckets[i]; node != NULL; node = node->next) {
            Py_VISIT(node->key);
            Py_VISIT(node->value);
        }
    }
    return 0;
}

static int table_clear(PyObject *op)
{
    Table *self = (Table *)op;
    Node **buckets = self->buckets;
    Py_ssize_t size = self->size;
    self->buckets = NULL;
    self->size = self->load = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        for (Node *node = buckets[i], *next; node != NULL; node = next) {
            next = node->next;
            Py_DECREF(node->key);
            Py_DECREF(node->value);
            free(node);
        }
    }
    free(buckets);
    Py_CLEAR(self->hash_func);
    return 0;
}

static void table_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    table_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"size", "max_load", "hash_func", NULL};
    Py_ssize_t size = 4;
    double max_load = 0.5;
    PyObject *hash_func = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ndO", names, &size, &max_load, &hash_func))
        return NULL;
    if (size < 1 || !(max_load > 0.0 && max_load <= 1.0)) {
        PyErr_SetString(PyExc_ValueError, "size must be positive, and max_load between 0.0 and 1.0");
        return NULL;
    }
    Table *self = (Table *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    if (hash_func == NULL)
        hash_func = PyDict_GetItemString(PyEval_GetBuiltins(), "hash");
    Py_XINCREF(hash_func);
    self->hash_func = hash_func;
    self->max_load = max_load;
    self->buckets = calloc(size, sizeof(Node *));
    if (self->buckets == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->size = size;
    return (PyObject *)self;
}

static PyMethodDef table_methods[] = {
    {"set", table_set, METH_VARARGS, "Adds or overwrites a pair; returns the table."},
    {"get", table_get, METH_VARARGS, "The value of a key, or a default."},
    {"setdefault", table_setdefault, METH_VARARGS, "The value of a key, which gets this one if it has none."},
    {"pop", table_pop, METH_VARARGS, "Removes a key and returns its value."},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject table_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "textbook.Table",
    .tp_basicsize = sizeof(Table),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = table_new,
    .tp_dealloc = table_dealloc,
    .tp_traverse = table_traverse,
    .tp_clear = table_clear,
    .tp_methods = table_methods,
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "textbook", .m_size = -1};

PyMODINIT_FUNC PyInit_textbook(void)
{
    if (PyType_Ready(&table_type) < 0)
        return NULL;
    PyObject *m = PyModule_Create(&module);
    if (m == NULL)
        return NULL;
    Py_INCREF(&table_type);
    if (PyModule_AddObject(m, "Table", (PyObject *)&table_type) < 0) {
        Py_DECREF(&table_type);
        Py_DECREF(m);
        return NULL;
    }
    return m;
}
