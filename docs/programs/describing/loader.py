"""Loads any library that describes itself, and makes a module of it."""

from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int64, c_void_p
from itertools import count, takewhile
from types import ModuleType

VERSION, TYPES = 1, {"i": c_int64, "d": c_double, "s": c_char_p}


class Function(Structure):
    _fields_ = [("name", c_char_p), ("address", c_void_p), ("types", c_char_p), ("doc", c_char_p)]


class Library(Structure):
    _fields_ = [("version", c_int64), ("name", c_char_p), ("functions", POINTER(Function))]


def load(file):
    """A module with the functions of the library in a file, or ImportError if it does not describe itself as we know it."""
    shared_object = CDLL(str(file))
    try:
        describe = CFUNCTYPE(POINTER(Library))(("describe_library", shared_object))
    except AttributeError:
        raise ImportError(f"{file} does not describe itself: it has no describe_library") from None
    library = describe().contents
    if library.version != VERSION:
        raise ImportError(
            f"{file} describes itself in version {library.version}, and this is a reader of version {VERSION}"
        )
    module = ModuleType(library.name.decode())
    module.__library__ = shared_object  # the functions live as long as it does
    for function in takewhile(lambda function: function.name, map(library.functions.__getitem__, count())):
        types = [TYPES[letter] for letter in function.types.decode()]
        python_function = CFUNCTYPE(*types)(function.address)
        python_function.__doc__ = function.doc.decode()
        setattr(module, function.name.decode(), python_function)
    return module
