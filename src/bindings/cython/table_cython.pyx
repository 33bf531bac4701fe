# cython: language_level=3
"""libhashtable by Cython: Python with C types. Conversions, exceptions and reference counts are generated."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8

cdef extern from "hashtable.h":
    ctypedef struct ht_table
    ctypedef struct ht_text:
        const char *bytes
        size_t length
    ctypedef union ht_data:
        int64_t integer
        double real
        ht_text text
    ctypedef struct ht_item:
        int32_t kind
        ht_data data
    enum: HT_INT, HT_FLOAT, HT_STRING, HT_OK, HT_NOT_FOUND, HT_NO_MEMORY
    ht_item ht_int(int64_t value)
    ht_item ht_float(double value)
    ht_item ht_string(const char *bytes, size_t length)
    int32_t ht_hash(const ht_item *key, int64_t *hash)
    int32_t ht_new(size_t size, double max_load, ht_table **table)
    int32_t ht_free(ht_table *table)
    int32_t ht_set_hashed(ht_table *table, int64_t hash, const ht_item *key, const ht_item *value, ht_item *old)
    int32_t ht_get_hashed(const ht_table *table, int64_t hash, const ht_item *key, ht_item *value)
    int32_t ht_remove_hashed(ht_table *table, int64_t hash, const ht_item *key, ht_item *old_key, ht_item *old_value)
    int32_t ht_size(const ht_table *table, size_t *size)
    int32_t ht_load(const ht_table *table, size_t *load)
    int32_t ht_picture(const ht_table *table, char *buffer, size_t capacity, size_t *needed)
    const char *ht_error_message(int32_t code)


cdef ht_item to_item(value) except *:
    """The ht_item for a key or a value. The bytes of a string are borrowed from it."""
    cdef Py_ssize_t length
    cdef const char *text
    if isinstance(value, int):
        return ht_int(value)
    if isinstance(value, float):
        return ht_float(value)
    if isinstance(value, str):
        text = PyUnicode_AsUTF8AndSize(value, &length)
        return ht_string(text, length)
    raise TypeError(f"keys and values are int, float or str, not {type(value).__name__}")


cdef from_item(ht_item *item):
    if item.kind == HT_INT:
        return item.data.integer
    if item.kind == HT_FLOAT:
        return item.data.real
    return PyUnicode_DecodeUTF8(item.data.text.bytes, item.data.text.length, NULL)


cdef int32_t check(int32_t status) except -1:
    """Raises what a status means, unless it is good news or HT_NOT_FOUND. Returns it."""
    if status == HT_OK or status == HT_NOT_FOUND:
        return status
    raise (MemoryError if status == HT_NO_MEMORY else ValueError)(ht_error_message(status).decode())


cdef class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    cdef ht_table *table
    cdef object hash_func

    def __cinit__(self, size_t size=4, double max_load=0.5, hash_func=None):
        if hash_func is not None and not callable(hash_func):
            raise TypeError("hash_func must be callable.")
        self.hash_func = hash_func
        check(ht_new(size, max_load, &self.table))

    def __dealloc__(self):
        ht_free(self.table)

    cdef int64_t hash(self, key, ht_item *item) except? -1:
        cdef int64_t answer
        if self.hash_func is None:
            check(ht_hash(item, &answer))
            return answer
        found = self.hash_func(key)
        if not isinstance(found, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        try:
            return found
        except OverflowError:
            return hash(found)

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        cdef ht_item item = to_item(key), worth = to_item(value)
        cdef int64_t hash = self.hash(key, &item)
        check(ht_set_hashed(self.table, hash, &item, &worth, NULL))
        return self

    def get(self, key, default=None):
        """The value of a key."""
        cdef ht_item item = to_item(key), value
        cdef int64_t hash = self.hash(key, &item)
        missing = check(ht_get_hashed(self.table, hash, &item, &value))
        return default if missing else from_item(&value)

    def pop(self, key, *default):
        """Removes a key and returns its value."""
        cdef ht_item item = to_item(key), value
        cdef int64_t hash = self.hash(key, &item)
        if not check(ht_remove_hashed(self.table, hash, &item, NULL, &value)):
            return from_item(&value)
        if default:
            return default[0]
        raise KeyError(key)

    @property
    def size(self):
        """Number of buckets."""
        cdef size_t number
        check(ht_size(self.table, &number))
        return number

    @property
    def load(self):
        """Number of pairs."""
        cdef size_t number
        check(ht_load(self.table, &number))
        return number

    def __repr__(self):
        cdef size_t needed
        check(ht_picture(self.table, NULL, 0, &needed))
        cdef char *picture = <char *> malloc(needed + 1)
        if not picture:
            raise MemoryError
        try:
            check(ht_picture(self.table, picture, needed + 1, &needed))
            return picture[:needed].decode()
        finally:
            free(picture)
