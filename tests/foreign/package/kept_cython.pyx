# cython: language_level=3
"""The same in Cython: functions, a class, a generator; and what goes wrong where counts are moved by hand."""

from cpython.ref cimport Py_INCREF


def right(x, *more, key=None):
    """All in order."""
    table = {x: more}
    table["key"] = key
    return [table, (x, key)], f"{len(more)}"


def caught(function):
    """Whatever happens."""
    try:
        return function()
    except ValueError as error:
        return str(error)
    finally:
        more = [1, 2.5, "three"]


def raised(at):
    """For each line that an exception has come from, Cython keeps a code object, in an array in the order of lines."""
    if at == 1:
        raise ValueError(at)
    if at == 2:
        raise ValueError(at)
    if at == 3:
        raise ValueError(at)
    if at == 4:
        raise ValueError(at)
    if at == 5:
        raise ValueError(at)
    if at == 6:
        raise ValueError(at)
    if at == 7:
        raise ValueError(at)
    if at == 8:
        raise ValueError(at)
    raise ValueError(at)


def lost(x):
    """Takes a reference by hand and forgets it."""
    Py_INCREF(x)  # BUG lost
    return 1


def counted(n):
    """A generator."""
    for number in range(n):
        yield number, [number]


cdef class Keeper:
    """Keeps things."""
    cdef object what
    cdef public list all

    def __init__(self, what):
        self.what = what
        self.all = []

    def put(self, what):
        self.all.append(self.what)
        self.what = what
        return self

    def __len__(self):
        return len(self.all)


def guarded(n):
    """A generator that is left in the middle of what may raise."""
    for number in range(n):
        try:
            yield number
        except ValueError:
            yield -1
