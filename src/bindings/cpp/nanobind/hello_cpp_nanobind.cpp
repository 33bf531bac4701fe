// The C++ library by nanobind: as by pybind11, but each type that crosses is included by name.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/trampoline.h>

#include "hello.hpp"

namespace nb = nanobind;

// A subclass in Python overrides a virtual method: the call comes here first, and goes on to Python.
class HashInPython : public hello::Hash {
public:
    NB_TRAMPOLINE(hello::Hash, 1);
    std::int64_t of(std::int64_t key) override { NB_OVERRIDE_PURE(of, key); }
};

// The same for a mere function.
class HashByFunction : public hello::Hash {
public:
    explicit HashByFunction(nb::callable function) : function(std::move(function)) {}
    std::int64_t of(std::int64_t key) override { return nb::cast<std::int64_t>(function(key)); }
    nb::callable function;
};

NB_MODULE(hello_cpp_nanobind, module)
{
    module.def("plain", &plain);
    module.def("nothing", &hello::nothing);
    module.def("get_pi", &hello::pi);
    module.def("hello", &hello::hello);
    // Overloads have no address until one says which; a template is nothing until one says for what.
    module.def("greeting", nb::overload_cast<const std::string &>(&hello::greeting));
    module.def("greeting", nb::overload_cast<std::int64_t>(&hello::greeting));
    module.def("twice", &hello::twice<std::int64_t>);
    module.def("twice", &hello::twice<double>);
    module.def("twice", &hello::twice<std::string>);
    nb::class_<hello::Guest>(module, "Guest")
        .def(nb::init<std::string>())
        .def_prop_ro("name", &hello::Guest::name)
        .def_static("present", &hello::Guest::present);
    nb::class_<hello::Hash, HashInPython>(module, "Hash").def(nb::init<>()).def("of", &hello::Hash::of);
    module.def("ask", &hello::ask);
    module.def("ask", [](nb::callable function, std::int64_t key) {
        HashByFunction hash(std::move(function));
        return hello::ask(hash, key);
    });
}
