# cython: language_level=3
from libc.math cimport M_PI


def hello(str name):
    """What one says to somebody."""
    return f"Hello, {name}!"


def pi():
    """Pi."""
    return M_PI
