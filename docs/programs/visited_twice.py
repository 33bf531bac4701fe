"""A tp_traverse that shows an object twice, though the table owns it once: an object that is in use is destroyed.

With ctypes another function can be put into a type. That breaks things for good, so it is done in this process and in no other.
"""

import ctypes
import gc
import json
import os
import sys
import weakref

from hashtable import HashTable

# Where a type has its tp_traverse: after the two fields that every object begins with, and 21 more.
PLACE = ctypes.c_void_p.from_address(id(HashTable) + object.__basicsize__ + 21 * ctypes.sizeof(ctypes.c_void_p))
Visit = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
Traverse = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
right = Traverse(PLACE.value)


def hash_function():
    """A hash function that knows its table."""

    def function(key):
        return table.load

    table = HashTable(hash_func=function)
    return function


def collect(named, shown):
    """Lets the garbage collector look at a table and its hash function, which own each other.

    Args:
        named: whether a variable owns a reference to the function all the time.
        shown: how often the table shows the function to the collector. It owns it once.

    Returns:
        "gone", "kept", or "destroyed": it is there, and what it consists of was taken away.
    """
    variable = hash_function()
    the_function, the_table, watch = id(variable), id(variable.__closure__[0].cell_contents), weakref.ref(variable)
    if not named:
        del variable

    def traverse(table, visit, argument):
        if table != the_table:
            return right(table, visit, argument)
        show = Visit(visit)

        def each(thing, argument):
            return any([show(thing, argument) for _ in range(shown if thing == the_function else 1)])

        filtered = Visit(each)
        return right(table, ctypes.cast(filtered, ctypes.c_void_p), argument)

    wrong = Traverse(traverse)
    PLACE.value = ctypes.cast(wrong, ctypes.c_void_p).value
    gc.collect()
    PLACE.value = ctypes.cast(right, ctypes.c_void_p).value
    if named and variable.__closure__ is None:
        return "destroyed"
    return "gone" if watch() is None else "kept"


if __name__ == "__main__":
    if sys.argv[1:] == ["--all"]:
        cases = [(named, shown) for named in (0, 1) for shown in (0, 1, 2)]
        print(json.dumps([[*case, collect(*case)] for case in cases]))
    else:
        print("A table and its hash function own each other. A variable owns the function all the time.")
        print("The table shows the function once:  it is", collect(True, 1))
        print("The table shows the function twice: it is", collect(True, 2))
    # What is broken by now must not be used again, not even to tidy up.
    sys.stdout.flush()
    os._exit(0)
