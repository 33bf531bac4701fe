// The same in C++.
#include <Python.h>

namespace {

PyABIInfo_VAR(abi_info);

PyObject *pair(PyObject *, PyObject *op) { return PyTuple_Pack(2, op, op); }

PyObject *leak_pair(PyObject *, PyObject *op)
{
    PyObject *lost = PyTuple_Pack(2, op, op); // BUG leak_pair
    return lost == nullptr ? nullptr : PyLong_FromLong(2);
}

PyMethodDef functions[] = {
    {"pair", pair, METH_O, nullptr}, {"leak_pair", leak_pair, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr},
};
PySlot slots[] = {
    PySlot_PTR_STATIC(Py_mod_abi, &abi_info),
    PySlot_PTR_STATIC(Py_mod_name, "kept_exported_cpp"),
    PySlot_PTR_STATIC(Py_mod_methods, functions),
    PySlot_END,
};

} // namespace

PyMODEXPORT_FUNC PyModExport_kept_exported_cpp(void) { return slots; }
