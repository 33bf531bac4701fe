// The C++ table by pybind11. Items, strings and most exceptions cross by themselves; the hash function derives from Hash.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "table.hpp"

namespace py = pybind11;
using chained::Item;
using chained::Table;

class HashByFunction : public chained::Hash {
public:
    explicit HashByFunction(py::object function) : function(std::move(function)) {}

    std::int64_t of(const Item &key) override
    {
        py::object answer = function(key);
        if (!py::isinstance<py::int_>(answer))
            throw py::value_error("Invalid hash function -- all keys must hash to an integer.");
        int overflow;
        std::int64_t hash = PyLong_AsLongLongAndOverflow(answer.ptr(), &overflow);
        return overflow ? py::hash(answer) : hash;
    }

    py::object function;
};

static std::unique_ptr<Table> make(size_t size, double max_load, py::object function)
{
    if (function.is_none())
        return std::make_unique<Table>(size, max_load);
    if (!PyCallable_Check(function.ptr()))
        throw py::type_error("hash_func must be callable.");
    return std::make_unique<Table>(size, max_load, std::make_shared<HashByFunction>(std::move(function)));
}

static py::object pop(Table &table, py::object key)
{
    try {
        return py::cast(table.pop(key.cast<Item>()));
    } catch (const chained::Missing &) {
        PyErr_SetObject(PyExc_KeyError, key.ptr());
        throw py::error_already_set();
    }
}

static py::object pop_or(Table &table, const Item &key, py::object fallback)
{
    try {
        return py::cast(table.pop(key));
    } catch (const chained::Missing &) {
        return fallback;
    }
}

// C++ owns the hash function, and the garbage collector cannot see into C++: it is told, or a cycle would stay for ever.
static HashByFunction *hash_of(PyObject *self)
{
    if (!py::detail::is_holder_constructed(self))
        return nullptr;
    return dynamic_cast<HashByFunction *>(py::cast<Table &>(py::handle(self)).hash());
}

static void collect(PyHeapTypeObject *heap_type)
{
    PyTypeObject *type = &heap_type->ht_type;
    type->tp_flags |= Py_TPFLAGS_HAVE_GC;
    type->tp_traverse = [](PyObject *self, visitproc visit, void *arg) {
        Py_VISIT(Py_TYPE(self));
        if (auto hash = hash_of(self))
            Py_VISIT(hash->function.ptr());
        return 0;
    };
    type->tp_clear = [](PyObject *self) {
        if (auto hash = hash_of(self))
            hash->function = py::none();
        return 0;
    };
}

PYBIND11_MODULE(table_cpp_pybind11, module)
{
    using namespace py::literals;
    py::class_<Table>(module, "HashTable", py::custom_type_setup(collect))
        .def(py::init(&make), "size"_a = 4, "max_load"_a = 0.5, "hash_func"_a = py::none())
        .def("set", [](py::object self, const Item &key, const Item &value) {
            self.cast<Table &>().set(key, value);
            return self;
        }, "key"_a, "value"_a)
        .def("get", [](const Table &table, const Item &key, py::object fallback) {
            auto value = table.get(key);
            return value ? py::cast(*value) : fallback;
        }, "key"_a, "default"_a = py::none())
        .def("pop", &pop, "key"_a)
        .def("pop", &pop_or, "key"_a, "default"_a)
        .def_property_readonly("size", &Table::size)
        .def_property_readonly("load", &Table::load)
        .def("__repr__", &Table::picture);
}
