"""Packs the form for the stable ABI: one wheel for CPython 3.12 and every later one. `make wheels` builds it.

A wheel's name ends in three tags: for which Python, for which of Python's binary interfaces, for which machine. An extension is
otherwise for the one version that built it, `cp312-cp312`. This one says `cp312-abi3`: from 3.12 on, by the stable ABI. The two
lines that say `py_limited_api` do that: one names the module's file, the other the wheel.
"""

import os

from setuptools import setup
from setuptools_rust import Binding, RustExtension

os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")

setup(
    name="hashtable-abi3",
    version="0.1.0",
    description="The hash table of `hashtable` by the stable ABI: one file for CPython 3.12 and every later one",
    license="MIT",
    python_requires=">=3.12",
    packages=[],
    rust_extensions=[
        RustExtension(
            "hashtable_abi3",
            path="Cargo.toml",
            binding=Binding.NoBinding,
            features=["abi3"],
            debug=False,
            args=["--locked"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp312"}},
)
