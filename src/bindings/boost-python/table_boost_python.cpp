// libhashtable by Boost.Python: a C++ class that frees in its destructor, and one line per method. pybind11 took after it.
#include <boost/noncopyable.hpp>
#include <boost/python.hpp>

#include <string>

#include "hashtable.h"

namespace bp = boost::python;

[[noreturn]] static void raise(PyObject *type, const char *message)
{
    PyErr_SetString(type, message);
    throw bp::error_already_set();
}

// The item for a key or a value. The bytes of a string are borrowed from it.
static ht_item to_item(const bp::object &value)
{
    PyObject *object = value.ptr();
    if (PyLong_Check(object)) {
        long long number = PyLong_AsLongLong(object);
        if (number == -1 && PyErr_Occurred())
            bp::throw_error_already_set();
        return ht_int(number);
    }
    if (PyFloat_Check(object))
        return ht_float(PyFloat_AS_DOUBLE(object));
    if (PyUnicode_Check(object)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(object, &length);
        if (!text)
            bp::throw_error_already_set();
        return ht_string(text, length);
    }
    raise(PyExc_TypeError, "keys and values are int, float or str");
}

static bp::object from_item(const ht_item &item)
{
    switch (item.kind) {
    case HT_INT: return bp::object(item.data.integer);
    case HT_FLOAT: return bp::object(item.data.real);
    default: return bp::str(item.data.text.bytes, item.data.text.length);
    }
}

// Throws what a status means. Whether it is not HT_NOT_FOUND.
static bool check(ht_status status)
{
    if (status != HT_OK && status != HT_NOT_FOUND)
        raise(status == HT_NO_MEMORY ? PyExc_MemoryError : PyExc_ValueError, ht_error_message(status));
    return status == HT_OK;
}

// Boost.Python has no way to tell the garbage collector of the hash function: a cycle through it stays for ever.
class HashTable : boost::noncopyable {
    ht_table *table;
    bp::object hash_func; // None for the library's own

    int64_t hash_of(const bp::object &key, const ht_item &item) const
    {
        int64_t hash;
        if (hash_func.is_none()) {
            check(ht_hash(&item, &hash));
            return hash;
        }
        bp::object answer = hash_func(key);
        if (!PyLong_Check(answer.ptr()))
            raise(PyExc_ValueError, "Invalid hash function -- all keys must hash to an integer.");
        int overflow;
        hash = PyLong_AsLongLongAndOverflow(answer.ptr(), &overflow);
        return overflow ? PyObject_Hash(answer.ptr()) : hash;
    }

    // Either of the fallbacks: the caller's own, or a KeyError.
    bp::object remove(const bp::object &key, const bp::object *fallback)
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        if (check(ht_remove_hashed(table, hash, &item, nullptr, &value)))
            return from_item(value);
        if (fallback)
            return *fallback;
        PyErr_SetObject(PyExc_KeyError, key.ptr());
        throw bp::error_already_set();
    }

public:
    HashTable(size_t size, double max_load, bp::object function) : table(nullptr), hash_func(function)
    {
        if (!hash_func.is_none() && !PyCallable_Check(hash_func.ptr()))
            raise(PyExc_TypeError, "hash_func must be callable.");
        check(ht_new(size, max_load, &table));
    }
    ~HashTable() { ht_free(table); }

    void set(bp::object key, bp::object value)
    {
        ht_item item = to_item(key), worth = to_item(value);
        int64_t hash = hash_of(key, item);
        check(ht_set_hashed(table, hash, &item, &worth, nullptr));
    }

    bp::object get(bp::object key, bp::object fallback) const
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        return check(ht_get_hashed(table, hash, &item, &value)) ? from_item(value) : fallback;
    }

    bp::object pop(bp::object key) { return remove(key, nullptr); }
    bp::object pop_or(bp::object key, bp::object fallback) { return remove(key, &fallback); }

    size_t size() const
    {
        size_t number;
        check(ht_size(table, &number));
        return number;
    }

    size_t load() const
    {
        size_t number;
        check(ht_load(table, &number));
        return number;
    }

    std::string picture() const
    {
        size_t needed;
        check(ht_picture(table, nullptr, 0, &needed));
        std::string buffer(needed + 1, '\0');
        check(ht_picture(table, &buffer[0], buffer.size(), &needed));
        buffer.resize(needed);
        return buffer;
    }
};

BOOST_PYTHON_MODULE(table_boost_python)
{
    using bp::arg;
    bp::class_<HashTable, boost::noncopyable>(
        "HashTable",
        bp::init<size_t, double, bp::object>((arg("size") = 4, arg("max_load") = 0.5, arg("hash_func") = bp::object())))
        .def("set", &HashTable::set, bp::return_self<>())
        .def("get", &HashTable::get, (arg("key"), arg("default") = bp::object()))
        .def("pop", &HashTable::pop)
        .def("pop", &HashTable::pop_or)
        .add_property("size", &HashTable::size)
        .add_property("load", &HashTable::load)
        .def("__repr__", &HashTable::picture);
}
