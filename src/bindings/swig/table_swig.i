/*
 * libhashtable by SWIG: hashtable.h is included, and all its functions are wrapped. Typemaps say what Python gives and
 * gets for an item, a status and a pointer to a result; the class on top is written in Python. For another language the
 * typemaps and the class would be written again, and nothing else.
 */
%module table_swig
%{
#include "hashtable.h"

/* The item for a key or a value; 0 with an exception set if there is none. Borrows the bytes of a string from it. */
static int to_item(PyObject *value, ht_item *item)
{
    if (PyLong_Check(value)) {
        *item = ht_int(PyLong_AsLongLong(value));
    } else if (PyFloat_Check(value)) {
        *item = ht_float(PyFloat_AS_DOUBLE(value));
    } else if (PyUnicode_Check(value)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value, &length);
        *item = ht_string(text, text ? length : 0);
    } else {
        PyErr_Format(PyExc_TypeError, "keys and values are int, float or str, not %s", Py_TYPE(value)->tp_name);
    }
    return !PyErr_Occurred();
}

static PyObject *from_item(const ht_item *item)
{
    switch (item->kind) {
    case HT_INT: return PyLong_FromLongLong(item->data.integer);
    case HT_FLOAT: return PyFloat_FromDouble(item->data.real);
    case HT_STRING: return PyUnicode_DecodeUTF8(item->data.text.bytes, item->data.text.length, NULL);
    default: Py_RETURN_NONE;
    }
}
%}
%include "stdint.i"

%typemap(in) const struct ht_item * (ht_item item) { if (!to_item($input, &item)) SWIG_fail; $1 = &item; }

/* What C writes through a pointer, Python gets as the result. What Python does not ask for is NULL. */
%typemap(in, numinputs=0) struct ht_item *value (ht_item item), struct ht_item *old_value (ht_item item)
    { item.kind = HT_NONE; $1 = &item; }
%typemap(argout) struct ht_item *value, struct ht_item *old_value { $result = from_item($1); if (!$result) SWIG_fail; }
%typemap(in, numinputs=0) struct ht_item *old, struct ht_item *old_key { $1 = NULL; }
%typemap(in, numinputs=0) struct ht_table **table (ht_table *made) { $1 = &made; }
%typemap(argout) struct ht_table **table { $result = SWIG_NewPointerObj(*$1, SWIGTYPE_p_ht_table, 0); }
%typemap(in, numinputs=0) size_t *size (size_t number), size_t *load (size_t number) { $1 = &number; }
%typemap(argout) size_t *size, size_t *load { $result = PyLong_FromSize_t(*$1); }

/* A picture needs a buffer: ask how long, then draw. */
%typemap(in, numinputs=0) (char *buffer, size_t capacity, size_t *needed) (size_t length)
    { $1 = NULL; $2 = 0; $3 = &length; }
%typemap(argout) (char *buffer, size_t capacity, size_t *needed)
{
    char *picture = malloc(*$3 + 1);
    if (!picture || ht_picture(arg1, picture, *$3 + 1, $3) != HT_OK) {
        free(picture);
        PyErr_NoMemory();
        SWIG_fail;
    }
    $result = PyUnicode_DecodeUTF8(picture, *$3, NULL);
    free(picture);
}

%typemap(out) ht_status
{
    if ($1 == HT_NOT_FOUND) {
        PyErr_SetNone(PyExc_KeyError);
        SWIG_fail;
    }
    if ($1 != HT_OK) {
        PyErr_SetString($1 == HT_NO_MEMORY ? PyExc_MemoryError : PyExc_ValueError, ht_error_message($1));
        SWIG_fail;
    }
    $result = Py_None;
    Py_INCREF($result);
}

%ignore ht_hash; /* its result would need one more typemap, and nobody here asks */
%ignore ht_new_with_equal;
%ignore ht_next;
%ignore ht_statistics;
%include "hashtable.h"

%pythoncode %{
class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    _table = None

    def __init__(self, size=4, max_load=0.5, hash_func=None):
        if hash_func is not None and not callable(hash_func):
            raise TypeError("hash_func must be callable.")
        table = ht_new(size, max_load)
        self.__del__()
        self._table, self._hash_func = table, hash_func

    def __del__(self):
        table, self._table = self._table, None
        ht_free(table)

    def _call(self, function, hashed, key, *rest):
        """The function to call, and its arguments. Not called here: a KeyError of the hash function is not the library's."""
        if self._hash_func is None:
            return function, (self._table, key, *rest)
        answer = self._hash_func(key)
        if not isinstance(answer, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        if not -(2**63) <= answer < 2**63:
            answer = hash(answer)
        return hashed, (self._table, answer, key, *rest)

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        function, arguments = self._call(ht_set, ht_set_hashed, key, value)
        function(*arguments)
        return self

    def get(self, key, default=None):
        """The value of a key."""
        function, arguments = self._call(ht_get, ht_get_hashed, key)
        try:
            return function(*arguments)
        except KeyError:
            return default

    def pop(self, key, *default):
        """Removes a key and returns its value."""
        function, arguments = self._call(ht_remove, ht_remove_hashed, key)
        try:
            return function(*arguments)
        except KeyError:
            if default:
                return default[0]
            raise KeyError(key) from None

    @property
    def size(self):
        """Number of buckets."""
        return ht_size(self._table)

    @property
    def load(self):
        """Number of pairs."""
        return ht_load(self._table)

    def __repr__(self):
        return ht_picture(self._table)
%}
