// The C++ library by pybind11: one line for what has a counterpart in Python, and the templates read the rest from the types.
#include <pybind11/pybind11.h>

#include "hello.hpp"

namespace py = pybind11;

// A subclass in Python overrides a virtual method: the call comes here first, and goes on to Python.
class HashInPython : public hello::Hash {
public:
    std::int64_t of(std::int64_t key) override { PYBIND11_OVERRIDE_PURE(std::int64_t, hello::Hash, of, key); }
};

// The same for a mere function.
class HashByFunction : public hello::Hash {
public:
    explicit HashByFunction(py::function function) : function(std::move(function)) {}
    std::int64_t of(std::int64_t key) override { return function(key).cast<std::int64_t>(); }
    py::function function;
};

PYBIND11_MODULE(hello_cpp_pybind11, module)
{
    module.def("plain", &plain);
    module.def("nothing", &hello::nothing);
    module.def("get_pi", &hello::pi);
    module.def("hello", &hello::hello);
    // Overloads have no address until one says which; a template is nothing until one says for what.
    module.def("greeting", py::overload_cast<const std::string &>(&hello::greeting));
    module.def("greeting", py::overload_cast<std::int64_t>(&hello::greeting));
    module.def("twice", &hello::twice<std::int64_t>);
    module.def("twice", &hello::twice<double>);
    module.def("twice", &hello::twice<std::string>);
    py::class_<hello::Guest>(module, "Guest")
        .def(py::init<std::string>())
        .def_property_readonly("name", &hello::Guest::name)
        .def_static("present", &hello::Guest::present);
    py::class_<hello::Hash, HashInPython>(module, "Hash").def(py::init<>()).def("of", &hello::Hash::of);
    module.def("ask", &hello::ask);
    module.def("ask", [](py::function function, std::int64_t key) {
        HashByFunction hash(std::move(function));
        return hello::ask(hash, key);
    });
}
