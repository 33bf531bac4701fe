"""The traces that each tool leaves in a module.

The best trace is a name: Cython calls what it makes `__pyx_…`, and a C++ template is compiled under its namespace. But many
modules are stripped, and then only names that others need are left. For such a file a second kind of trace counts: a constant
that the tool's own code has, as a whole. (A word somewhere in the file proves nothing. Our own module contains the words
`pyo3-ffi-0.29/src`, and is not made by PyO3.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hashtable_lab.road.binary import Binary


@dataclass(frozen=True)
class Tool:
    """A tool that makes modules.

    Attributes:
        title: what people call it.
        names: a pattern for the names of what it makes or brings along.
        constants: patterns of constants. One of these is enough.
        itself: the module that is the tool's own, made in another way.
        rust: whether its constants are Rust's. They have no NUL, so that anything may stand before one that has, for C to read.
    """

    title: str
    names: str
    constants: tuple[bytes, ...] = ()
    itself: str = ""
    rust: bool = False

    def trace(self, file: Binary) -> str | None:
        """The trace that it left in a file, in words, or None."""
        if self.itself and file.module == self.itself:
            return None
        named = re.search(self.names, file.names, re.MULTILINE)
        if named:
            begin = file.names.rfind("\n", 0, named.start()) + 1
            return f"the name {file.names[begin:].partition(chr(10))[0][:60]}"
        for pattern in self.constants:
            if file.constant(pattern, begins=not self.rust):
                return f"the constant {pattern.decode()}"
        return None


TOOLS = [
    Tool("Cython", r"^__pyx_|^__Pyx_", (rb"cython_runtime", rb"__pyx_capi__")),
    Tool("pybind11", r"N8pybind11|@pybind11@", (rb"N8pybind11\w+E", rb"\.\?A[UV]\w+@pybind11@@")),
    Tool(
        "nanobind", r"N8nanobind|@nanobind@", (rb"N8nanobind\w+E", rb"\.\?A[UV]\w+@nanobind@@", rb"nanobind\.nb_type_0")
    ),
    Tool("SWIG", r"^SWIG_Python_|^SwigPyObject", (rb"SwigPyObject", rb"swig_runtime_data\d")),
    Tool("Boost.Python", r"N5boost6python|@python@boost@", (rb"N5boost6python\w+E",)),
    Tool("cffi", r"^_cffi_(?:const|[fdx])_", (rb"_init_cffi_1_0_external_module",), itself="_cffi_backend"),
    # 4pyo3 is the crate called pyo3; the declarations of the C API are another, 8pyo3_ffi.
    Tool("PyO3", r"(?<!\d)4pyo3(?!_)|[$.]LT\$pyo3\.\.", (rb"pyo3_runtime\.PanicException",), rust=True),
    Tool("mypyc", r"^CPyStatic|^CPyDef_|^CPyInit_|^CPyPy_", (rb"[0-9a-f]{20}__mypyc(?:\.init_\w+)?",)),
    Tool("f2py", r"^PyFortran|^F2PyDict|^f2py_", (rb"f2py_\w+", rb"_f2py_\w+")),
]

#: The standard library of C++, as it is called by those who need it.
CPLUSPLUS = re.compile(r"libstdc\+\+|libc\+\+|msvcp\d", re.IGNORECASE)

#: Functions that only a build for an interpreter without the GIL calls: they are what Py_INCREF and Py_DECREF are there.
FREE_THREADED = {"_Py_DecRefShared", "_Py_MergeZeroLocalRefcount", "_Py_DecRefSharedDebug"}


def language(file: Binary) -> str:
    """The language of its source, "Rust" or "C++", if it left something that tells. C leaves nothing."""
    if file.rust:
        return "Rust"
    return "C++" if any(CPLUSPLUS.search(name) for name in file.libraries) else ""
