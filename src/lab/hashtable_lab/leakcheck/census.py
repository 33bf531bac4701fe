"""The references of every object that can be reached, counted: what finds a leak that only moves counts. Runs in the child.

An extension that forgets a DECREF on an object that lives on anyway allocates nothing: no block, no byte of the heap,
no object more. Only that object's count tells, and nobody knows beforehand which object it will be. So all are counted:
the garbage collector's objects, and what they refer to as their `tp_traverse` shows it, and what these refer to, and so
on, with the type of each, and the keys of each dict. That reaches the strings and numbers in a class or a module, which
the collector does not track.

What C keeps to itself (a static variable, a field that `tp_traverse` does not visit) is not reached, nor is an object made
later; for these there are the other meters.
"""

from __future__ import annotations

import gc
import sys
from array import array
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from hashtable_lab.leakcheck.meters import Meter, immortal, type_name
from hashtable_lab.leakcheck.rule import FIRST_ROUNDS, LIMIT

#: Of these types the value says which object it is; of others only the address does.
_PLAIN = (str, bytes, int, float, complex, bool, type(None))

#: How a type's own dict is read, whatever its metaclass says.
_DICT: Any = type.__dict__["__dict__"]

#: A value is shown up to so many characters.
_SHOWN = 60


def reachable(apart: Iterable[object]) -> list[Any]:
    """Every object that can be reached from those which the garbage collector tracks.

    Args:
        apart: objects that are left out.

    Returns:
        The objects whose count can move, each once.
    """
    seen: dict[int, Any] = {}
    todo = gc.get_objects()
    while todo:
        fresh = []
        for thing in todo:
            if id(thing) not in seen:
                seen[id(thing)] = thing
                fresh.append(thing)
        todo = gc.get_referents(*fresh)
        # The collector does not say of which type an object is, nor what a type refers to that is a static variable of C.
        todo.extend({type(thing) for thing in fresh})
        for thing in fresh:
            # Its real type: a proxy claims to be an instance of what it stands for.
            if issubclass(type(thing), type):
                todo.extend(gc.get_referents(_DICT.__get__(thing)))
            elif issubclass(type(thing), dict):
                # A str makes no cycle, so the `tp_traverse` of a dict with no other keys passes them over.
                todo.extend(dict.keys(thing))
        # Our own list is one more object, and the next round makes another.
        seen.setdefault(id(fresh), None)
    left_out = {id(seen), *map(id, apart)}
    return [
        thing
        for address, thing in seen.items()
        if address == id(thing) and not (address in left_out or type(thing) is FrameType or immortal(thing))
    ]


def describe(thing: Any) -> tuple[str, str]:
    """An object's type, and what tells it from others: its value or name if it has one that is plain, else its address.

    No code of the object's own runs for it.
    """
    kind = type(thing)
    if kind in _PLAIN:
        value = repr(thing)
        shown = value if len(value) <= _SHOWN else f"{value[: _SHOWN - 3]}..."
    elif issubclass(kind, type):
        shown = type_name(thing)
    elif kind in (FunctionType, BuiltinFunctionType):
        shown = thing.__qualname__
    elif kind is ModuleType and type(vars(thing).get("__name__")) is str:
        shown = vars(thing)["__name__"]
    else:
        shown = f"at {id(thing):#x}"
    return type_name(kind), shown


class Census:
    """Counts the references of all objects that can be reached, during the first rounds.

    Attributes:
        objects: the objects. The census has a reference to each, so that none goes meanwhile.
    """

    def __init__(self, apart: Iterable[object]) -> None:
        """Finds the objects.

        Args:
            apart: objects to leave out: they are watched otherwise, or are our own.
        """
        self.objects = reachable((*apart, self))
        # Counts are kept in memory that is there from the start: a list of them would itself refer to numbers.
        self._counts = array("q", bytes(8 * (FIRST_ROUNDS + 1) * len(self.objects)))

    def read(self, moment: int) -> None:
        """Counts, before the first round (0) or after one of the first (its number)."""
        size = len(self.objects)
        self._counts[moment * size : (moment + 1) * size] = array("q", map(sys.getrefcount, self.objects))

    def suspects(self, calls: int, moments: int) -> list[Meter]:
        """Those whose count has moved enough in the first rounds to be looked at further: each becomes a meter of its own.

        To be called right after the reading that ends the first rounds.

        Args:
            calls: how many calls there were in the first rounds, together.
            moments: how many readings a meter has room for.
        """
        size = len(self.objects)
        first, last = self._counts[:size], self._counts[FIRST_ROUNDS * size :]
        found = []
        for number, (before, after) in enumerate(zip(first, last)):
            if abs(after - before) >= LIMIT * calls:
                kind, value = describe(self.objects[number])
                meter = Meter("reachable", f"{kind} {value}", self._reader(number), moments)
                meter.about = {"type": kind, "value": value, "address": hex(id(self.objects[number]))}
                # The meter reads in another way than `read` does, and so by a reference more or less.
                other = meter.read() - after
                for moment, count in enumerate(self._counts[number::size]):
                    meter.readings[moment] = count + other
                found.append((abs(after - before), meter))
        return [meter for _, meter in sorted(found, key=lambda pair: -pair[0])]

    def _reader(self, number: int) -> Callable[[], int]:
        objects = self.objects
        return lambda: sys.getrefcount(objects[number])
