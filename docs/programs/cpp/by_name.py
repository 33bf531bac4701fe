"""C++ through ctypes: by which names its functions can be found, and what is missing when they are called."""

import ctypes

from counter import library

lib = library()
try:
    lib.plain(41)
except AttributeError as error:
    print("AttributeError:", str(error).rpartition("/")[2])

# The same two functions, by the names that the compiler made.
lib._Z5plainl.argtypes, lib._Z5plainl.restype = [ctypes.c_long], ctypes.c_long
lib._Z5plaind.argtypes, lib._Z5plaind.restype = [ctypes.c_double], ctypes.c_double
print("plain(41) is", lib._Z5plainl(41), "and plain(41.0) is", lib._Z5plaind(41.0))

# A method is a function, whose first argument is the object.
lib.counter_new.argtypes, lib.counter_new.restype = [ctypes.c_long], ctypes.c_void_p
lib.counter_free.argtypes, lib.counter_free.restype = [ctypes.c_void_p], None
next_of = lib._ZN7Counter4nextEv
next_of.argtypes, next_of.restype = [ctypes.c_void_p], ctypes.c_long
counter = lib.counter_new(10)
print("next() is", next_of(counter), "and then", next_of(counter))
del counter
print("its last name is gone, and nobody has called ~Counter()")
counter = lib.counter_new(20)
lib.counter_free(counter)
ctypes.CDLL(None).fflush(None)
