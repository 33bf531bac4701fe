from setuptools import setup
from setuptools_rust import Binding, RustExtension

setup(name="counted", version="1", py_modules=[], rust_extensions=[RustExtension("counted", binding=Binding.PyO3)])
