"""Hello and pi by cffi, API mode: makes the module that a C compiler has checked against the header."""

from cffi import FFI

ffi = FFI()
ffi.cdef("""
    void nothing(void);
    void hello(const char *name);
    double get_pi(void);
    int64_t ask(int64_t (*hash)(void *context, int64_t key), void *context, int64_t key);
    extern "Python" int64_t call_python(void *context, int64_t key);
""")
ffi.set_source(
    "_hello_cffi_api",
    '#include "hello.h"',
    include_dirs=["."],
    library_dirs=["."],
    libraries=["hello"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
)

if __name__ == "__main__":
    ffi.compile()
