// Hello and pi by Boost.Python: names and functions; what they take and return, the templates read from the C++ types.
#include <boost/python.hpp>

#include "hello.h"

namespace bp = boost::python;

// A C++ exception must not fly through C. Boost.Python's says only that Python's own waits: so it is enough to stop it.
static int64_t call_python(void *context, int64_t key)
{
    try {
        return bp::extract<int64_t>((*static_cast<bp::object *>(context))(key));
    } catch (const bp::error_already_set &) {
        return -1;
    }
}

static int64_t py_ask(bp::object function, int64_t key)
{
    int64_t hash = ask(call_python, &function, key);
    if (PyErr_Occurred())
        bp::throw_error_already_set();
    return hash;
}

BOOST_PYTHON_MODULE(hello_boost_python)
{
    bp::def("nothing", &nothing);
    bp::def("hello", &hello);
    bp::def("get_pi", &get_pi);
    bp::def("ask", &py_ask);
}
