/* Hello and pi by SWIG: the header is the description. Only the callback has to be told how. */
%module hello_swig
%{
#include "hello.h"

static int64_t call_python(void *context, int64_t key)
{
    PyObject *answer = PyObject_CallFunction(context, "L", (long long)key);
    int64_t hash = answer ? PyLong_AsLongLong(answer) : -1;
    Py_XDECREF(answer);
    return hash;
}
%}
%include "stdint.i"
/* One Python argument, a function, for two of C's; and look afterwards whether it has raised. */
%typemap(in) (int64_t (*hash)(void *context, int64_t key), void *context) { $1 = call_python; $2 = $input; }
%exception ask { $action if (PyErr_Occurred()) SWIG_fail; }
%include "hello.h"
