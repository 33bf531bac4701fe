// The same in C++, with a type that counts by itself.
#include <Python.h>
#include <memory>
#include <utility>

namespace {

// Owns a reference.
class Owned {
public:
    explicit Owned(PyObject *op) : op_(op) {}
    Owned(Owned &&other) : op_(std::exchange(other.op_, nullptr)) {}
    Owned(const Owned &) = delete;
    ~Owned() { Py_XDECREF(op_); }
    PyObject *get() const { return op_; }
    PyObject *release() { return std::exchange(op_, nullptr); }

private:
    PyObject *op_;
};

Owned borrowed(PyObject *op) { return Owned(Py_NewRef(op)); }

PyObject *right(PyObject *, PyObject *op)
{
    Owned one = borrowed(op);
    auto list = std::make_unique<Owned>(PyList_New(0));
    if (list->get() == nullptr || PyList_Append(list->get(), one.get()) < 0) {
        return nullptr;
    }
    return list->release();
}

PyObject *released(PyObject *, PyObject *op)
{
    Owned one = borrowed(op);
    one.release(); // BUG released
    Py_RETURN_NONE;
}

// Each thread has its own.
thread_local PyObject *kept = nullptr;

PyObject *keep_in_thread(PyObject *, PyObject *op)
{
    Py_XDECREF(kept);
    kept = Py_NewRef(op);
    Py_RETURN_NONE;
}

PyObject *keep_and_lose(PyObject *, PyObject *op)
{
    kept = Py_NewRef(op); // BUG keep_and_lose
    kept = nullptr;
    Py_RETURN_NONE;
}

PyMethodDef functions[] = {{"right", right, METH_O, nullptr}, {"released", released, METH_O, nullptr},
                           {"keep_in_thread", keep_in_thread, METH_O, nullptr}, {"keep_and_lose", keep_and_lose, METH_O, nullptr}, {}};
PyModuleDef definition = {PyModuleDef_HEAD_INIT, "kept_cpp", nullptr, 0, functions};

} // namespace

PyMODINIT_FUNC PyInit_kept_cpp() { return PyModule_Create(&definition); }
