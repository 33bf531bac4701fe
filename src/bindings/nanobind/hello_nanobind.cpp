// Hello and pi by nanobind: as with pybind11, names and functions.
#include <nanobind/nanobind.h>

#include "hello.h"

namespace nb = nanobind;

// A C++ exception must not fly through C: it is turned into Python's own, which waits until we are back.
static int64_t call_python(void *context, int64_t key)
{
    try {
        return nb::cast<int64_t>((*static_cast<nb::callable *>(context))(key));
    } catch (nb::python_error &error) {
        error.restore();
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_TypeError, error.what());
    }
    return -1;
}

NB_MODULE(hello_nanobind, module)
{
    module.def("nothing", &nothing);
    module.def("hello", &hello);
    module.def("get_pi", &get_pi);
    module.def("ask", [](nb::callable function, int64_t key) {
        int64_t hash = ask(call_python, &function, key);
        if (PyErr_Occurred())
            nb::raise_python_error();
        return hash;
    });
}
