// libhashtable by nanobind: a C++ class that frees in its destructor, and one line per method, as with pybind11.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>

#include "hashtable.h"

namespace nb = nanobind;

// The item for a key or a value. The bytes of a string are borrowed from it.
static ht_item to_item(nb::handle value)
{
    if (nb::isinstance<nb::int_>(value)) {
        long long number = PyLong_AsLongLong(value.ptr());
        if (number == -1 && PyErr_Occurred())
            throw nb::python_error();
        return ht_int(number);
    }
    if (nb::isinstance<nb::float_>(value))
        return ht_float(nb::cast<double>(value));
    if (nb::isinstance<nb::str>(value)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value.ptr(), &length);
        if (!text)
            throw nb::python_error();
        return ht_string(text, length);
    }
    throw nb::type_error("keys and values are int, float or str");
}

static nb::object from_item(const ht_item &item)
{
    switch (item.kind) {
    case HT_INT: return nb::int_(item.data.integer);
    case HT_FLOAT: return nb::float_(item.data.real);
    default: return nb::str(item.data.text.bytes, item.data.text.length);
    }
}

// Throws what a status means. Whether it is not HT_NOT_FOUND.
static bool check(ht_status status)
{
    if (status == HT_NO_MEMORY)
        throw std::bad_alloc();
    if (status != HT_OK && status != HT_NOT_FOUND)
        throw nb::value_error(ht_error_message(status));
    return status == HT_OK;
}

class HashTable {
public:
    ht_table *table;
    nb::object hash_func; // None for the library's own

    HashTable(size_t size, double max_load, nb::object function) : table(nullptr), hash_func(std::move(function))
    {
        if (!hash_func.is_none() && !PyCallable_Check(hash_func.ptr()))
            throw nb::type_error("hash_func must be callable.");
        check(ht_new(size, max_load, &table));
    }
    HashTable(const HashTable &) = delete;
    ~HashTable() { ht_free(table); }

    int64_t hash_of(nb::handle key, const ht_item &item) const
    {
        int64_t hash;
        if (hash_func.is_none()) {
            check(ht_hash(&item, &hash));
            return hash;
        }
        nb::object answer = hash_func(key);
        if (!nb::isinstance<nb::int_>(answer))
            throw nb::value_error("Invalid hash function -- all keys must hash to an integer.");
        int overflow;
        hash = PyLong_AsLongLongAndOverflow(answer.ptr(), &overflow);
        return overflow ? nb::hash(answer) : hash;
    }

    HashTable &set(nb::handle key, nb::handle value)
    {
        ht_item item = to_item(key), worth = to_item(value);
        int64_t hash = hash_of(key, item);
        check(ht_set_hashed(table, hash, &item, &worth, nullptr));
        return *this;
    }

    nb::object get(nb::handle key, nb::object fallback) const
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        return check(ht_get_hashed(table, hash, &item, &value)) ? from_item(value) : fallback;
    }

    nb::object pop(nb::handle key, std::optional<nb::object> fallback)
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        if (check(ht_remove_hashed(table, hash, &item, nullptr, &value)))
            return from_item(value);
        if (fallback)
            return *fallback;
        PyErr_SetObject(PyExc_KeyError, key.ptr());
        throw nb::python_error();
    }

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
        check(ht_picture(table, buffer.data(), buffer.size(), &needed));
        buffer.resize(needed);
        return buffer;
    }
};

// Without this the garbage collector would not see the hash function, and a cycle through it would stay for ever.
static PyType_Slot collected[] = {
    {Py_tp_traverse, (void *)+[](PyObject *self, visitproc visit, void *arg) {
        Py_VISIT(Py_TYPE(self));
        if (nb::inst_ready(self))
            Py_VISIT(nb::inst_ptr<HashTable>(self)->hash_func.ptr());
        return 0;
    }},
    {Py_tp_clear, (void *)+[](PyObject *self) {
        nb::inst_ptr<HashTable>(self)->hash_func = nb::none();
        return 0;
    }},
    {0, nullptr},
};

NB_MODULE(table_nanobind, module)
{
    using namespace nb::literals;
    nb::class_<HashTable>(module, "HashTable", nb::type_slots(collected))
        .def(nb::init<size_t, double, nb::object>(), "size"_a = 4, "max_load"_a = 0.5, "hash_func"_a = nb::none())
        .def("set", &HashTable::set, "key"_a, "value"_a, nb::rv_policy::none) // there is a Python object: self
        .def("get", &HashTable::get, "key"_a, "default"_a = nb::none())
        .def("pop", [](HashTable &table, nb::handle key) { return table.pop(key, std::nullopt); }, "key"_a)
        .def("pop", [](HashTable &table, nb::handle key, nb::object fallback) { return table.pop(key, fallback); },
             "key"_a, "default"_a.none())
        .def_prop_ro("size", &HashTable::size)
        .def_prop_ro("load", &HashTable::load)
        .def("__repr__", &HashTable::picture);
}
