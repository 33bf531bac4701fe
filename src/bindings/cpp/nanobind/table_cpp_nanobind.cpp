// The C++ table by nanobind, as by pybind11.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include "table.hpp"

namespace nb = nanobind;
using chained::Item;
using chained::Table;

class HashByFunction : public chained::Hash {
public:
    explicit HashByFunction(nb::object function) : function(std::move(function)) {}

    std::int64_t of(const Item &key) override
    {
        nb::object answer = function(key);
        if (!nb::isinstance<nb::int_>(answer))
            throw nb::value_error("Invalid hash function -- all keys must hash to an integer.");
        int overflow;
        std::int64_t hash = PyLong_AsLongLongAndOverflow(answer.ptr(), &overflow);
        return overflow ? nb::hash(answer) : hash;
    }

    nb::object function;
};

static void make(Table *place, size_t size, double max_load, nb::object function)
{
    if (function.is_none()) {
        new (place) Table(size, max_load);
        return;
    }
    if (!PyCallable_Check(function.ptr()))
        throw nb::type_error("hash_func must be callable.");
    new (place) Table(size, max_load, std::make_shared<HashByFunction>(std::move(function)));
}

static nb::object pop(Table &table, nb::object key)
{
    try {
        return nb::cast(table.pop(nb::cast<Item>(key)));
    } catch (const chained::Missing &) {
        PyErr_SetObject(PyExc_KeyError, key.ptr());
        throw nb::python_error();
    }
}

static nb::object pop_or(Table &table, const Item &key, nb::object fallback)
{
    try {
        return nb::cast(table.pop(key));
    } catch (const chained::Missing &) {
        return fallback;
    }
}

// C++ owns the hash function, and the garbage collector cannot see into C++: it is told, or a cycle would stay for ever.
static HashByFunction *hash_of(PyObject *self)
{
    return nb::inst_ready(self) ? dynamic_cast<HashByFunction *>(nb::inst_ptr<Table>(self)->hash()) : nullptr;
}

static PyType_Slot collected[] = {
    {Py_tp_traverse, (void *)+[](PyObject *self, visitproc visit, void *arg) {
        Py_VISIT(Py_TYPE(self));
        if (auto hash = hash_of(self))
            Py_VISIT(hash->function.ptr());
        return 0;
    }},
    {Py_tp_clear, (void *)+[](PyObject *self) {
        if (auto hash = hash_of(self))
            hash->function = nb::none();
        return 0;
    }},
    {0, nullptr},
};

NB_MODULE(table_cpp_nanobind, module)
{
    using namespace nb::literals;
    nb::class_<Table>(module, "HashTable", nb::type_slots(collected))
        .def("__init__", &make, "size"_a = 4, "max_load"_a = 0.5, "hash_func"_a = nb::none())
        .def("set", [](nb::object self, const Item &key, const Item &value) {
            nb::cast<Table &>(self).set(key, value);
            return self;
        }, "key"_a, "value"_a)
        .def("get", [](const Table &table, const Item &key, nb::object fallback) {
            auto value = table.get(key);
            return value ? nb::cast(*value) : fallback;
        }, "key"_a, "default"_a = nb::none())
        .def("pop", &pop, "key"_a)
        .def("pop", &pop_or, "key"_a, "default"_a.none())
        .def_prop_ro("size", &Table::size)
        .def_prop_ro("load", &Table::load)
        .def("__repr__", &Table::picture);
}
