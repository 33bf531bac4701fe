"""What a leak check reads before and after its rounds of calls: the meters, one line each in `METERS`. Runs in the child.

To add one, write a function that finds what there is to read in a statement's namespace, and enter it in `METERS`.
"""

from __future__ import annotations

import gc
import sys
import sysconfig
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

#: What a statement can name.
Names = dict[str, Any]

#: Of what it is read ("" for the whole process), and how.
Reading = tuple[str, Callable[[], int]]

#: From this count on an object is immortal on CPython 3.12 and 3.13, which cannot be asked.
_IMMORTAL_COUNT = 2**30

WITHOUT_THE_GIL = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

_SIZED = (list, dict, set, deque, bytearray)


class Meter:
    """Something that can be counted.

    Attributes:
        kind: a key of `WORDS`.
        name: of which object it is the count or length; else "".
        read: reads it.
        readings: what it showed, one for each moment. That memory is there from the start: reading must not show in what is read.
        about: more about the object, for machines.
    """

    def __init__(self, kind: str, name: str, read: Callable[[], int], moments: int) -> None:
        self.kind, self.name, self.read = kind, name, read
        self.readings = array("q", bytes(8 * moments))
        self.about: dict[str, str] = {}


def immortal(thing: Any) -> bool:
    """Whether the count of an object never moves."""
    is_immortal = getattr(sys, "_is_immortal", None)  # CPython 3.14 and newer
    if is_immortal is not None and is_immortal(thing):
        return True
    if is_immortal is not None and WITHOUT_THE_GIL:
        # Functions, modules and types have a large number added to their counts: what the interpreter itself does with them is
        # counted elsewhere. What an extension does moves the rest.
        return False
    return sys.getrefcount(thing) >= _IMMORTAL_COUNT


def type_name(kind: type) -> str:
    """The name of a type, with its module unless that is `builtins` or the statement's own."""
    module = getattr(kind, "__module__", "builtins")
    # A metaclass that is made in C may have a descriptor there, meant for its instances.
    plain = type(module) is not str or module in ("builtins", "__main__")
    return kind.__qualname__ if plain else f"{module}.{kind.__qualname__}"


def arguments(names: dict[str, Any]) -> dict[str, Any]:
    """The objects whose counts are watched, by the name of each: what a namespace names, and what its modules name."""
    found: dict[int, tuple[str, Any]] = {}
    for name, thing in names.items():
        if not (name.startswith("__") and name.endswith("__")):
            found.setdefault(id(thing), (name, thing))
    for name, module in list(found.values()):
        if isinstance(module, types.ModuleType):
            for inner, thing in vars(module).items():
                if not (inner.startswith("__") and inner.endswith("__")):
                    found.setdefault(id(thing), (f"{name}.{inner}", thing))
    return {name: thing for name, thing in found.values() if not immortal(thing)}


def _objects(names: Names) -> Iterable[Reading]:
    return [("", lambda: len(gc.get_objects()))]


def _blocks(names: Names) -> Iterable[Reading]:
    return [("", sys.getallocatedblocks)]


def _references(names: Names) -> Iterable[Reading]:
    total = getattr(sys, "gettotalrefcount", None)  # a debug build of CPython
    return [] if total is None else [("", total)]


def _counts(names: Names) -> Iterable[Reading]:
    return [(name, _count_of(thing)) for name, thing in arguments(names).items()]


def _lengths(names: Names) -> Iterable[Reading]:
    sized = [name for name, thing in names.items() if isinstance(thing, _SIZED) and not name.startswith("__")]
    return [(name, _length_of(names, name)) for name in sized]


def _count_of(thing: Any) -> Callable[[], int]:
    return lambda: sys.getrefcount(thing)


def _length_of(names: dict[str, Any], name: str) -> Callable[[], int]:
    def length() -> int:
        thing = names.get(name)  # the statement may have rebound the name
        return len(thing) if isinstance(thing, _SIZED) else 0

    return length


#: Every kind of meter that is there from the start: what it reads, in words, and how it is found.
METERS: dict[str, tuple[str, Callable[[Names], Iterable[Reading]]]] = {
    "objects": ("objects that the garbage collector tracks", _objects),
    "blocks": ("memory blocks of CPython's allocator", _blocks),
    "references": ("all references", _references),
    "count": ("references to `{name}`", _counts),
    "length": ("length of `{name}`", _lengths),
}

#: Every kind of meter in words; those of objects that the census suspects are made later.
WORDS = {**{kind: words for kind, (words, _) in METERS.items()}, "reachable": "references to {name}"}


def meters(names: Names, moments: int) -> list[Meter]:
    """All meters for a statement that runs in a namespace, each with room for so many readings."""
    return [Meter(kind, name, read, moments) for kind, (_, find) in METERS.items() for name, read in find(names)]
