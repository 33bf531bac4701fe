"""Builds the extension: `python setup.py build`, then import it from `build/lib*`.

Two modules come from the one source in `src/extension`:

* `hashtable`, what people use: a release build that carries nothing of the laboratory;
* `hashtable_traced`, the same with the cargo feature `trace`: every layer says what it does.

With them come the laboratory, `hashtable_lab`, and what type checkers read. Everything else about the package (name, version,
what the laboratory needs) is in pyproject.toml.
"""

import os
import sys

if sys.version_info < (3, 9):
    sys.exit("hashtable needs CPython 3.9 or newer; this is Python %d.%d." % sys.version_info[:2])

try:
    from setuptools import find_packages, setup
    from setuptools_rust import Binding, RustExtension
except ImportError as missing:
    sys.exit(
        f"setup.py needs the package {missing.name!r}: "
        f"run `{sys.executable} -m pip install setuptools setuptools-rust` and try again."
    )

# An extension takes the interpreter's symbols from the process that loads it. Without this, pyo3-ffi would link libpython,
# and the module would bring a second interpreter along.
os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")


def module(name, path="src/extension/Cargo.toml", features=(), profile="release"):
    return RustExtension(
        name,
        path=path,
        # `Binding.PyO3` insists on a dependency called `pyo3`; the extension has only `pyo3-ffi`.
        binding=Binding.NoBinding,
        features=list(features),
        # `setup.py develop` and `pip install -e` would otherwise make a debug build.
        debug=False,
        # Every build is made from the versions that Cargo.lock names.
        args=["--locked", f"--profile={profile}"],
    )


setup(
    rust_extensions=[
        module("hashtable"),
        module("hashtable_traced", features=["trace"], profile="laboratory"),
        # The ledger in a file of its own, for other people's extensions.
        module("hashtable_lab.foreign.engine", "src/ledger/engine/Cargo.toml", profile="laboratory"),
    ],
    packages=[
        *find_packages("src/lab", include=["hashtable_lab", "hashtable_lab.*"]),
        "hashtable-stubs",
        "hashtable_traced-stubs",
    ],
    # One folder for all that is written in Python: then `pip install -e .` puts the modules there too, and finds them.
    package_dir={"": "src/lab"},
    package_data={
        "": ["*.pyi", "py.typed", "*.supp"],
        "hashtable_lab.course": ["prelude/*", "exercises/*/*"],
        "hashtable_lab.field": ["*.toml", "cases/*.toml", "reports/*.toml"],
        "hashtable_lab.foreign.calls": ["*.tsv", "*.h"],
        "hashtable_lab.replay": ["page/*"],
    },
)
