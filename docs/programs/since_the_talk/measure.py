"""What one Python says of itself, as JSON. Written so that Python 2.7, the talk's, understands it too."""

import ctypes
import gc
import json
import sys


def counts():
    """The talk's first demo: an object with two names, then a function that calls itself and looks at its argument.

    The names are global, as at the prompt. Last, the same with a name that is local.
    """
    global o, p
    o = object()
    found = {"one name": sys.getrefcount(o)}
    p = o
    found["two names"] = sys.getrefcount(o)
    inside, frames = [], []

    def call(argument, depth):
        inside.append(sys.getrefcount(argument))
        frames.append(sum(type(holder).__name__ == "frame" for holder in gc.get_referrers(argument)))
        if depth > 1:
            call(argument, depth - 1)

    call(o, 3)
    found["in calls"], found["frames seen in calls"] = inside, frames
    del p
    local = object()
    found["a local name"] = sys.getrefcount(local)
    return found


def counted(thing):
    """Whether a hundred more references to a thing make its count a hundred higher. If not, it is immortal."""
    before = sys.getrefcount(thing)
    held = [thing] * 100
    more = sys.getrefcount(thing) - before
    del held
    return more == 100


def immortal():
    """Which objects are not counted."""
    made = "".join(["made", " at ", "run time"])
    intern = getattr(sys, "intern", None) or __builtins__.intern
    things = {
        "a fresh object": object(),
        "None": None,
        "True": True,
        "the int 1": 1,
        "the int 1000, computed": int("1000"),
        "the builtin hash": hash,
        "the type object": object,
        "()": (),
        "a str in the source": "a_name",
        "a str made at run time": made,
        "the same, interned": intern("".join(["interned", " at ", "run time"])),
    }
    return [name for name in things if not counted(things[name])]


NAMES = [
    "PyInt_FromLong",
    "PyString_FromString",
    "Py_InitModule4_64",
    "PyNumber_Divide",
    "PyObject_Compare",
    "PyCObject_FromVoidPtr",
    "PyLong_FromLong",
    "PyCapsule_New",
    "PyModule_Create2",
    "PyType_FromSpec",
    "PyModuleDef_Init",
    "PyObject_Vectorcall",
    "Py_NewRef",
    "PyModule_AddObjectRef",
    "PyDict_GetItemRef",
    "PyUnstable_Module_SetGIL",
]


def c_api():
    """Which of these names of the C API the interpreter has. What a header only defines as a macro is none of them."""
    return [name for name in NAMES if hasattr(ctypes.pythonapi, name)]


def main():
    found = {"version": sys.version.split()[0], "counts": counts(), "immortal": immortal(), "C API": c_api()}
    # Py_IncRef is Py_XINCREF as a function: NULL is nothing to it.
    ctypes.pythonapi.Py_IncRef.argtypes = [ctypes.c_void_p]
    ctypes.pythonapi.Py_IncRef(None)
    found["Py_IncRef(NULL) came back"] = True
    print(json.dumps(found))


if __name__ == "__main__":
    main()
