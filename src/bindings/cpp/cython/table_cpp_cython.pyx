# cython: language_level=3
# distutils: language=c++
"""The C++ table by Cython. The object owns a C++ object, through a pointer; items are converted by hand."""

from libc.stdint cimport int64_t
from libcpp.memory cimport shared_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8

cdef extern from *:
    void missing() except *  # what becomes of an exception of pop(): it is below, in C++

cdef extern from "table.hpp" namespace "chained":
    cppclass Item:
        Item()
        Item(int64_t)
        Item(double)
        Item(string)
    cppclass Hash:
        pass
    cppclass Table:
        Table(size_t size, double max_load, shared_ptr[Hash] hash) except +
        void set(const Item &key, const Item &value) except +
        optional[Item] get(const Item &key) except +
        Item pop(const Item &key) except +missing
        size_t size() except +
        size_t load() except +
        string picture() except +

cdef extern from "<variant>" namespace "std":
    const int64_t *as_int "std::get_if<std::int64_t>"(const Item *item)
    const double *as_float "std::get_if<double>"(const Item *item)
    const string *as_string "std::get_if<std::string>"(const Item *item)

# The hash function, in C++, since Cython has no classes that derive from a C++ class.
cdef extern from *:
    """
    class HashByFunction : public chained::Hash {
    public:
        typedef int64_t (*Call)(PyObject *, const chained::Item &);
        HashByFunction(PyObject *function, Call call) : function(function), call(call) {}
        int64_t of(const chained::Item &key) override
        {
            int64_t answer = call(function, key);
            if (PyErr_Occurred())
                throw std::runtime_error("raised in Python");
            return answer;
        }
    private:
        PyObject *function; // borrowed: the Python object owns it, and the table with this
        Call call;
    };

    static void missing()
    {
        if (PyErr_Occurred())
            return;
        try {
            throw;
        } catch (const chained::Missing &) {
            PyErr_SetNone(PyExc_KeyError);
        } catch (const std::bad_alloc &) {
            PyErr_NoMemory();
        } catch (const std::exception &error) {
            PyErr_SetString(PyExc_ValueError, error.what());
        }
    }
    """
    cppclass HashByFunction(Hash):
        HashByFunction(object function, int64_t (*call)(object, const Item &) except? -1)


cdef Item to_item(value) except *:
    cdef Py_ssize_t length
    cdef const char *text
    if isinstance(value, int):
        return Item(<int64_t> value)
    if isinstance(value, float):
        return Item(<double> value)
    if isinstance(value, str):
        text = PyUnicode_AsUTF8AndSize(value, &length)
        return Item(string(text, length))
    raise TypeError(f"keys and values are int, float or str, not {type(value).__name__}")


cdef from_item(const Item &item):
    if as_int(&item):
        return as_int(&item)[0]
    if as_float(&item):
        return as_float(&item)[0]
    cdef const string *text = as_string(&item)
    return PyUnicode_DecodeUTF8(text.data(), text.size(), NULL)


cdef int64_t call_python(object function, const Item &key) except? -1:
    answer = function(from_item(key))
    if not isinstance(answer, int):
        raise ValueError("Invalid hash function -- all keys must hash to an integer.")
    try:
        return answer
    except OverflowError:
        return hash(answer)


cdef class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    cdef Table *table
    cdef object hash_func

    def __cinit__(self, size_t size=4, double max_load=0.5, hash_func=None):
        cdef shared_ptr[Hash] hash
        if hash_func is not None:
            if not callable(hash_func):
                raise TypeError("hash_func must be callable.")
            hash.reset(<Hash *> new HashByFunction(hash_func, call_python))
        self.hash_func = hash_func
        self.table = new Table(size, max_load, hash)

    def __dealloc__(self):
        del self.table

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        self.table.set(to_item(key), to_item(value))
        return self

    def get(self, key, default=None):
        """The value of a key."""
        cdef optional[Item] value = self.table.get(to_item(key))
        return from_item(value.value()) if value.has_value() else default

    def pop(self, key, *default):
        """Removes a key and returns its value."""
        cdef Item value
        try:
            value = self.table.pop(to_item(key))
        except KeyError as error:
            if error.args:  # one of the hash function's
                raise
            if default:
                return default[0]
            raise KeyError(key) from None
        return from_item(value)

    @property
    def size(self):
        """Number of buckets."""
        return self.table.size()

    @property
    def load(self):
        """Number of pairs."""
        return self.table.load()

    def __repr__(self):
        return self.table.picture().decode()
