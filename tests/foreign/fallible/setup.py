from setuptools import Extension, setup

setup(py_modules=[], ext_modules=[Extension("fallible", ["fallible.c"])])
