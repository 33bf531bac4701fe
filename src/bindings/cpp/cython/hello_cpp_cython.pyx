# cython: language_level=3
# distutils: language=c++
"""The C++ library by Cython: C++ is declared once more, and `except +` makes Python's exceptions of C++'s."""

from libc.stdint cimport int64_t
from libcpp.string cimport string

cdef extern from "hello.hpp":
    long c_plain "plain"(long number)

cdef extern from "hello.hpp" namespace "hello":
    void c_nothing "hello::nothing"()
    double c_pi "hello::pi"()
    void c_hello "hello::hello"(const string &name) except +
    string c_greeting "hello::greeting"(const string &name) except +
    string c_greeting "hello::greeting"(int64_t times) except +
    T c_twice "hello::twice"[T](const T &value) except +
    cppclass c_Guest "hello::Guest":
        c_Guest(string name) except +
        const string &name()
        @staticmethod
        int present()
    cppclass c_Hash "hello::Hash":
        pass
    int64_t c_ask "hello::ask"(c_Hash &hash, int64_t key) except +

# Cython has no classes that derive from a C++ class: this one is C++. It calls the function below, and if that raised, the
# exception waits in the interpreter while C++ unwinds by an exception of its own. `except +` then keeps Python's.
cdef extern from *:
    """
    class HashInPython : public hello::Hash {
    public:
        typedef int64_t (*Call)(PyObject *, int64_t);
        HashInPython(PyObject *hash, Call call) : hash(hash), call(call) {}
        int64_t of(int64_t key) override
        {
            int64_t answer = call(hash, key);
            if (PyErr_Occurred())
                throw std::runtime_error("raised in Python");
            return answer;
        }
    private:
        PyObject *hash; // borrowed: it lives as long as the call of ask()
        Call call;
    };
    """
    cppclass HashInPython(c_Hash):
        HashInPython(object hash, int64_t (*call)(object, int64_t) except? -1)


cdef int64_t call_python(object hash, int64_t key) except? -1:
    return hash.of(key) if isinstance(hash, Hash) else hash(key)


def plain(long number):
    return c_plain(number)


def nothing():
    c_nothing()


def get_pi():
    return c_pi()


def hello(str name):
    c_hello(name.encode())


def greeting(who):
    if isinstance(who, str):
        return c_greeting(<string> who.encode()).decode()
    return c_greeting(<int64_t> who).decode()


def twice(value):
    if isinstance(value, str):
        return c_twice[string](value.encode()).decode()
    if isinstance(value, float):
        return c_twice[double](value)
    return c_twice[int64_t](value)


cdef class Guest:
    cdef c_Guest *guest

    def __cinit__(self, str name):
        self.guest = new c_Guest(name.encode())

    def __dealloc__(self):
        del self.guest

    @property
    def name(self):
        return self.guest.name().decode()

    @staticmethod
    def present():
        return c_Guest.present()


class Hash:
    """To be derived from: `of(key)` is called by C++."""

    def of(self, key):
        raise NotImplementedError("of")


def ask(hash, int64_t key):
    cdef HashInPython *asked = new HashInPython(hash, call_python)
    try:
        return c_ask(asked[0], key)
    finally:
        del asked
