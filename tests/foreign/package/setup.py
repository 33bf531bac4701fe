from setuptools import Extension, setup

setup(
    py_modules=[],
    ext_modules=[
        Extension("kept_c", ["kept_c.c"]),
        Extension("kept_called", ["kept_called.c"]),
        Extension("kept_cpp", ["kept_cpp.cpp"], language="c++"),
        Extension("kept_cython", ["kept_cython.pyx"]),
    ],
)
