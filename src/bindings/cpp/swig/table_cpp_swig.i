/*
 * The C++ table by SWIG. It knows std::string and std::shared_ptr, but no std::variant: typemaps say what Python gives and gets
 * for an item. The hash function is a director; the class on top, with Python's names and defaults, is written in Python.
 */
%module(directors="1") table_cpp_swig
%{
#include "table.hpp"

/* The item for a key or a value; 0 with an exception set if there is none. */
static int to_item(PyObject *value, chained::Item &item)
{
    if (PyLong_Check(value)) {
        item = (std::int64_t)PyLong_AsLongLong(value);
    } else if (PyFloat_Check(value)) {
        item = PyFloat_AS_DOUBLE(value);
    } else if (PyUnicode_Check(value)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value, &length);
        if (text)
            item = std::string(text, length);
    } else {
        PyErr_Format(PyExc_TypeError, "keys and values are int, float or str, not %s", Py_TYPE(value)->tp_name);
    }
    return !PyErr_Occurred();
}

static PyObject *from_item(const chained::Item &item)
{
    if (auto integer = std::get_if<std::int64_t>(&item))
        return PyLong_FromLongLong(*integer);
    if (auto real = std::get_if<double>(&item))
        return PyFloat_FromDouble(*real);
    const std::string &text = std::get<std::string>(item);
    return PyUnicode_DecodeUTF8(text.data(), text.size(), NULL);
}
%}
%include "stdint.i"
%include "std_string.i"
%include "std_shared_ptr.i"
%include "exception.i"
%exception {
    try {
        $action
    } catch (const Swig::DirectorException &) {
        SWIG_fail;
    } catch (const chained::Missing &) {
        PyErr_SetNone(PyExc_KeyError);
        SWIG_fail;
    } catch (const std::bad_alloc &) {
        PyErr_NoMemory();
        SWIG_fail;
    } catch (const std::exception &error) {
        SWIG_exception(SWIG_ValueError, error.what());
    }
}
%feature("director:except") { if ($error) throw Swig::DirectorMethodException(); }
%feature("director") chained::Hash;
%shared_ptr(chained::Hash)

%typemap(in) const chained::Item & (chained::Item item) { if (!to_item($input, item)) SWIG_fail; $1 = &item; }
%typemap(directorin) const chained::Item & { $input = from_item($1); }
%typemap(out) chained::Item { $result = from_item($1); }
%typemap(out) std::optional<chained::Item>
{
    std::optional<chained::Item> found = $1;
    $result = found ? from_item(*found) : Py_None;
    if (!found)
        Py_INCREF(Py_None);
}
%ignore chained::Missing;
%ignore chained::Table::hash;
%include "table.hpp"

%pythoncode %{
class _HashByFunction(Hash):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def of(self, key):
        answer = self.function(key)
        if not isinstance(answer, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        return answer if -(2**63) <= answer < 2**63 else hash(answer)


_nothing = object()


class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    def __init__(self, size=4, max_load=0.5, hash_func=None):
        if hash_func is not None and not callable(hash_func):
            raise TypeError("hash_func must be callable.")
        # C++ shares the C++ half of the hash function. Its Python half is ours to keep.
        self._hash = None if hash_func is None else _HashByFunction(hash_func)
        self._table = Table(size, max_load, self._hash)

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        self._table.set(key, value)
        return self

    def get(self, key, default=None):
        """The value of a key."""
        value = self._table.get(key)
        return default if value is None else value

    def pop(self, key, default=_nothing):
        """Removes a key and returns its value."""
        try:
            return self._table.pop(key)
        except KeyError as error:
            if error.args:  # one of the hash function's
                raise
            if default is not _nothing:
                return default
            raise KeyError(key) from None

    @property
    def size(self):
        """Number of buckets."""
        return self._table.size()

    @property
    def load(self):
        """Number of pairs."""
        return self._table.load()

    def __repr__(self):
        return self._table.picture()
%}
