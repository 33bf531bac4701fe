"""Hello and pi by cffi, API mode: the Python half. build_hello.py makes the other."""

from _hello_cffi_api import ffi
from _hello_cffi_api import lib as _lib

nothing, get_pi = _lib.nothing, _lib.get_pi


def hello(name):
    """Greets somebody."""
    _lib.hello(name.encode("utf-8"))


@ffi.def_extern()
def call_python(context, key):
    """What C calls: `context` leads back to the Python function."""
    return ffi.from_handle(context)(key)


def ask(function, key):
    """Has C call a Python function."""
    return _lib.ask(_lib.call_python, ffi.new_handle(function), key)
