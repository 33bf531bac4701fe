"""Packs the ctypes binding together with the shared library that it binds: one wheel for every Python 3 on a kind of machine.

`make wheel-ctypes` copies this folder, puts `libhashtable.so` beside `hashtable_ctypes/__init__.py`, and builds the wheel there.

A wheel's name ends in three tags: for which Python, for which of Python's binary interfaces, for which machine. The shared library
knows nothing of Python, so only the last one restricts: `py3-none-linux_x86_64`. setuptools cannot guess this. It sees no extension
module and would write `py3-none-any`, a wheel for every machine; told that there is a binary, it would write the tag of the one
Python that builds. So the tags are written here.
"""

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel


class BinaryDistribution(Distribution):
    """A package that is not the same on every machine, although setuptools compiles nothing for it."""

    def has_ext_modules(self):
        return True


class ForEveryPython(bdist_wheel):
    """A wheel whose tags name the machine and nothing else."""

    def get_tag(self):
        _, _, machine = super().get_tag()
        return "py3", "none", machine


setup(
    name="hashtable-ctypes",
    version="0.1.0",
    description="The hash table of `hashtable` through ctypes: a shared library and a binding, for every Python 3",
    license="MIT",
    python_requires=">=3.6",
    packages=["hashtable_ctypes"],
    package_data={"hashtable_ctypes": ["libhashtable.so"]},
    distclass=BinaryDistribution,
    cmdclass={"bdist_wheel": ForEveryPython},
)
