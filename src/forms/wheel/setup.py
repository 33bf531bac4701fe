"""Packs the form for the stable ABI: one wheel for CPython 3.12 and all later ones.

`make wheels PYTHONS=abi3` builds it. Two things make it a wheel for many versions. The module is compiled for the limited API, and
its file says so: `hashtable_abi3.abi3.so`. And the tags of the wheel say it to pip: `cp312-abi3`. The first of them names the
*oldest* CPython here; in the name of an ordinary wheel it is the only one.
"""

import os

from setuptools import setup
from setuptools_rust import Binding, RustExtension

# See the project's own setup.py.
os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")

setup(
    name="hashtable-abi3",
    version="0.1.0",
    description="The hash table of `hashtable` by the stable ABI: one file for CPython 3.12 and later",
    license="MIT",
    python_requires=">=3.12",
    packages=[],
    rust_extensions=[
        RustExtension(
            "hashtable_abi3",
            path="../Cargo.toml",
            binding=Binding.NoBinding,
            features=["abi3"],
            py_limited_api=True,
            debug=False,
            args=["--locked", "--profile=release"],
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp312"}},
)
