"""What `import hashtable` does, done by hand: find the file, load it, find the function, call it."""

import ctypes
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

candidates = [Path(folder, "hashtable" + ending) for folder in sys.path for ending in EXTENSION_SUFFIXES]
file = next(candidate for candidate in candidates if candidate.is_file())
print("found:", file.name)

# PyDLL keeps the GIL during a call, and this function uses Python's objects; CDLL would release it.
shared_object = ctypes.PyDLL(str(file))  # dlopen
function = shared_object.PyInit_hashtable  # dlsym
function.restype = ctypes.py_object

hashtable = function()
# The import enters the module among those of this interpreter, where the extension looks for what it keeps there.
definition_of = ctypes.pythonapi.PyModule_GetDef
definition_of.argtypes, definition_of.restype = [ctypes.py_object], ctypes.c_void_p
enter = ctypes.pythonapi.PyState_AddModule
enter.argtypes = [ctypes.py_object, ctypes.c_void_p]
enter(hashtable, definition_of(hashtable))
print("called:", type(hashtable), hashtable.__name__)
print(hashtable.HashTable(hash_func=len).set("pi", 3.14159), end="")
