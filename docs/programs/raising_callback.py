"""A comparison that raises, called by `qsort` through ctypes."""

import ctypes
import sys

c = ctypes.CDLL(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def refuse(a, b):
    raise ValueError("I do not compare")


# What Python does with an exception that nobody can be given. By default it prints all of the traceback.
sys.unraisablehook = lambda unraisable: print("not raised:", repr(unraisable.exc_value))

numbers = (ctypes.c_int * 2)(2, 1)
c.qsort.argtypes, c.qsort.restype = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, Compare], None
try:
    c.qsort(numbers, 2, ctypes.sizeof(ctypes.c_int), Compare(refuse))
    print("qsort came back, and nothing was raised")
except ValueError as error:
    print("raised:", error)
