# cython: language_level=3
"""Hello and pi by Cython: the signatures are given once, and the C compiler checks them against the header."""

from libc.stdint cimport int64_t

cdef extern from "hello.h":
    void c_nothing "nothing"()
    void c_hello "hello"(const char *name)
    double c_get_pi "get_pi"()
    int64_t c_ask "ask"(int64_t (*hash)(void *context, int64_t key) except? -1, void *context, int64_t key) except? -1


def nothing():
    c_nothing()


def hello(str name):
    c_hello(name.encode())


def get_pi():
    return c_get_pi()


cdef int64_t call_python(void *context, int64_t key) except? -1:
    return (<object> context)(key)


def ask(function, key):
    return c_ask(call_python, <void *> function, key)
