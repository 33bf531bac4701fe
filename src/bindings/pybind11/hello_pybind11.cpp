// Hello and pi by pybind11: names and functions; what they take and return, the templates read from the C++ types.
#include <pybind11/pybind11.h>

#include "hello.h"

namespace py = pybind11;

// A C++ exception must not fly through C: it is turned into Python's own, which waits until we are back.
static int64_t call_python(void *context, int64_t key)
{
    try {
        return (*static_cast<py::function *>(context))(key).cast<int64_t>();
    } catch (py::error_already_set &error) {
        error.restore();
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_TypeError, error.what());
    }
    return -1;
}

PYBIND11_MODULE(hello_pybind11, module)
{
    module.def("nothing", &nothing);
    module.def("hello", &hello);
    module.def("get_pi", &get_pi);
    module.def("ask", [](py::function function, int64_t key) {
        int64_t hash = ask(call_python, &function, key);
        if (PyErr_Occurred())
            throw py::error_already_set();
        return hash;
    });
}
