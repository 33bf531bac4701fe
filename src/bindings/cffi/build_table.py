"""libhashtable by cffi, API mode: makes the module that a C compiler has checked against the header."""

from cffi import FFI
from header import declarations

ffi = FFI()
ffi.cdef(declarations())
ffi.set_source(
    "_cffi_api",
    '#include "hashtable.h"',
    include_dirs=["."],
    library_dirs=["."],
    libraries=["hashtable"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
)

if __name__ == "__main__":
    ffi.compile()
