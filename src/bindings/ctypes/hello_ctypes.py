"""Hello and pi by ctypes: nothing is compiled. The author repeats each C signature, and nobody checks it."""

import ctypes
import os

_lib = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhello.so"))
_Hash = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
_lib.hello.argtypes, _lib.hello.restype = [ctypes.c_char_p], None
_lib.ask.argtypes, _lib.ask.restype = [_Hash, ctypes.c_void_p, ctypes.c_int64], ctypes.c_int64

nothing = _lib.nothing
nothing.argtypes, nothing.restype = [], None
get_pi = _lib.get_pi
get_pi.argtypes, get_pi.restype = [], ctypes.c_double


def hello(name):
    """Greets somebody."""
    _lib.hello(name.encode("utf-8"))


def ask(function, key):
    """Has C call a Python function."""
    return _lib.ask(_Hash(lambda context, key: function(key)), None, key)
