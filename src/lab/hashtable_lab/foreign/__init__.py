"""Other people's extensions: built with the ledger, without an edited line, and judged.

table.py      what each call of the C API does with references, as data
header.py     makes of it a `Python.h` that enters everything, for one CPython
flags.py      a compiler that finds that header first, and the linker's part
build.py      builds a package with it, in an environment of its own
rust.py       the same for Rust: a pyo3-ffi that enters everything
judge.py      runs a program with such a package, and makes the report
faults.py     makes each call that may fail, fail
"""
