"""Hello and pi by cffi, ABI mode: nothing is compiled; the signatures are C, and nobody checks them."""

import os

from cffi import FFI

ffi = FFI()
ffi.cdef("""
    void nothing(void);
    void hello(const char *name);
    double get_pi(void);
    int64_t ask(int64_t (*hash)(void *context, int64_t key), void *context, int64_t key);
""")
_lib = ffi.dlopen(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhello.so"))
nothing, get_pi = _lib.nothing, _lib.get_pi


def hello(name):
    """Greets somebody."""
    _lib.hello(name.encode("utf-8"))


def ask(function, key):
    """Has C call a Python function."""
    callback = ffi.callback("int64_t(void *, int64_t)", lambda context, key: function(key))
    return _lib.ask(callback, ffi.NULL, key)
