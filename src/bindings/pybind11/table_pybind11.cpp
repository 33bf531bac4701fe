// libhashtable by pybind11: a C++ class that frees in its destructor, and one line per method.
#include <pybind11/pybind11.h>

#include <optional>
#include <string>

#include "hashtable.h"

namespace py = pybind11;

// The item for a key or a value. The bytes of a string are borrowed from it.
static ht_item to_item(py::handle value)
{
    if (py::isinstance<py::int_>(value)) {
        long long number = PyLong_AsLongLong(value.ptr());
        if (number == -1 && PyErr_Occurred())
            throw py::error_already_set();
        return ht_int(number);
    }
    if (py::isinstance<py::float_>(value))
        return ht_float(value.cast<double>());
    if (py::isinstance<py::str>(value)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value.ptr(), &length);
        if (!text)
            throw py::error_already_set();
        return ht_string(text, length);
    }
    throw py::type_error("keys and values are int, float or str");
}

static py::object from_item(const ht_item &item)
{
    switch (item.kind) {
    case HT_INT: return py::int_(item.data.integer);
    case HT_FLOAT: return py::float_(item.data.real);
    default: return py::str(item.data.text.bytes, item.data.text.length);
    }
}

// Throws what a status means. Whether it is not HT_NOT_FOUND.
static bool check(ht_status status)
{
    if (status == HT_NO_MEMORY)
        throw std::bad_alloc();
    if (status != HT_OK && status != HT_NOT_FOUND)
        throw py::value_error(ht_error_message(status));
    return status == HT_OK;
}

class HashTable {
public:
    ht_table *table;
    py::object hash_func; // None for the library's own

    HashTable(size_t size, double max_load, py::object function) : table(nullptr), hash_func(std::move(function))
    {
        if (!hash_func.is_none() && !PyCallable_Check(hash_func.ptr()))
            throw py::type_error("hash_func must be callable.");
        check(ht_new(size, max_load, &table));
    }
    HashTable(const HashTable &) = delete;
    ~HashTable() { ht_free(table); }

    int64_t hash_of(py::handle key, const ht_item &item) const
    {
        int64_t hash;
        if (hash_func.is_none()) {
            check(ht_hash(&item, &hash));
            return hash;
        }
        py::object answer = hash_func(key);
        if (!py::isinstance<py::int_>(answer))
            throw py::value_error("Invalid hash function -- all keys must hash to an integer.");
        int overflow;
        hash = PyLong_AsLongLongAndOverflow(answer.ptr(), &overflow);
        return overflow ? py::hash(answer) : hash;
    }

    HashTable &set(py::handle key, py::handle value)
    {
        ht_item item = to_item(key), worth = to_item(value);
        int64_t hash = hash_of(key, item);
        check(ht_set_hashed(table, hash, &item, &worth, nullptr));
        return *this;
    }

    py::object get(py::handle key, py::object fallback) const
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        return check(ht_get_hashed(table, hash, &item, &value)) ? from_item(value) : fallback;
    }

    py::object pop(py::handle key, std::optional<py::object> fallback)
    {
        ht_item item = to_item(key), value;
        int64_t hash = hash_of(key, item);
        if (check(ht_remove_hashed(table, hash, &item, nullptr, &value)))
            return from_item(value);
        if (fallback)
            return *fallback;
        PyErr_SetObject(PyExc_KeyError, key.ptr());
        throw py::error_already_set();
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
static void collect(PyHeapTypeObject *heap_type)
{
    PyTypeObject *type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject *self, visitproc visit, void *arg) {
        Py_VISIT(Py_TYPE(self));
        if (py::detail::is_holder_constructed(self))
            Py_VISIT(py::cast<HashTable &>(py::handle(self)).hash_func.ptr());
        return 0;
    };
    type->tp_clear = [](PyObject *self) {
        if (py::detail::is_holder_constructed(self))
            py::cast<HashTable &>(py::handle(self)).hash_func = py::none();
        return 0;
    };
}

PYBIND11_MODULE(table_pybind11, module)
{
    using namespace py::literals;
    py::class_<HashTable>(module, "HashTable", py::custom_type_setup(collect))
        .def(py::init<size_t, double, py::object>(), "size"_a = 4, "max_load"_a = 0.5, "hash_func"_a = py::none())
        .def("set", &HashTable::set, "key"_a, "value"_a)
        .def("get", &HashTable::get, "key"_a, "default"_a = py::none())
        .def("pop", [](HashTable &table, py::handle key) { return table.pop(key, std::nullopt); })
        .def("pop", [](HashTable &table, py::handle key, py::object fallback) { return table.pop(key, fallback); })
        .def_property_readonly("size", &HashTable::size)
        .def_property_readonly("load", &HashTable::load)
        .def("__repr__", &HashTable::picture);
}
