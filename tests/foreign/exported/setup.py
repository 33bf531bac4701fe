from setuptools import Extension, setup

setup(
    name="exported",
    version="1",
    py_modules=[],
    ext_modules=[
        Extension("kept_exported", ["kept_exported.c"]),
        Extension("kept_exported_cpp", ["kept_exported_cpp.cpp"], language="c++"),
    ],
)
