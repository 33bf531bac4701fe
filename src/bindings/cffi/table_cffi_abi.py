"""libhashtable by cffi, ABI mode: the header is read when the module is imported, and nothing is compiled."""

import os

from cffi import FFI
from header import declarations
from table import bind

_ffi = FFI()
_ffi.cdef(declarations())
_library = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhashtable.so")
HashTable = bind(_ffi, _ffi.dlopen(_library))
