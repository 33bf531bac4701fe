"""What hostile code attacks, for the tests of re-entrancy: the calls, the tables, and the sources that they read.

`LOOKUPS` has every call that looks up a key, `EMPTYING` every one that gives up all pairs. `each_act` runs a test once for each
thing that hostile code can do (`hostile.ACTS`), and `lookups_bear` puts all lookups to one of them.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import weakref

import pytest
from hostile import (
    ACTS,
    HARMLESS,
    Thing,
    Trap,
    assert_sound,
)
from subject import HashTable

# An exception in `__del__` cannot be handed on, and Python says so on standard error.
unraisable_is_fine = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

each_act = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
# Fewer, for tests that take their time.
HARSH = (
    "reads",
    "overwrites",
    "grows",
    "takes_and_gives",
    "clears",
    "begins_anew",
    "hashes_otherwise",
    "destroys",
    "raises",
)
each_harsh_act = pytest.mark.parametrize("act", [ACTS[name] for name in HARSH], ids=HARSH)


def nothing(trap):
    pass


@contextlib.contextmanager
def case(*words):
    """Around one of many cases that a test tries: says which it was, if it fails."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"in the case {', '.join(map(str, words))}") from error


# ---- calls that look a key up ----------------------------------------------------------------------------------------

#: Calls that look up a key. `made` has what they need besides, made beforehand.
LOOKUPS = {
    "[]": lambda table, key, made: table()[key],
    "get": lambda table, key, made: table().get(key),
    "in": lambda table, key, made: key in table(),
    "[]=": lambda table, key, made: table().__setitem__(key, made["value"]),
    "set": lambda table, key, made: table().set(key, made["value"]),
    "setdefault": lambda table, key, made: table().setdefault(key, made["value"]),
    "update by pairs": lambda table, key, made: table().update(made["pairs"]),
    "update by dict": lambda table, key, made: table().update(made["dict"]),
    "update by table": lambda table, key, made: table().update(made["table"]),
    "|=": lambda table, key, made: table().__ior__(made["pairs"]),
    "del": lambda table, key, made: table().__delitem__(key),
    "pop": lambda table, key, made: table().pop(key),
    "pop with default": lambda table, key, made: table().pop(key, None),
    "in keys": lambda table, key, made: key in table().keys(),
    "in items": lambda table, key, made: (key, made["value"]) in table().items(),
    "keys &": lambda table, key, made: table().keys() & made["keys"],
    "isdisjoint": lambda table, key, made: table().keys().isdisjoint(made["keys"]),
}
ADDING = {"[]=", "set", "setdefault", "update by pairs", "update by dict", "update by table", "|="}
REMOVING = {"del", "pop", "pop with default"}


def number_of(key):
    """A hash function that runs no hostile code and keeps no hash to itself."""
    return key.number


def a_table(trap, hash_func=number_of, key_at="", value_at=""):
    """Six pairs in three chains, with hostile code in the key or the value of one of them, pair 4."""
    table = HashTable(8, 1.0, hash_func)
    for number in range(6):
        at = (key_at, value_at) if number == 4 else ("", "")
        table[Thing(trap, f"pair {number}", at[0], number % 3)] = Thing(trap, f"value {number}", at[1])
    return table


def look_up(name, act, times, make_table, key_name, key_at):
    """Makes one of `LOOKUPS` while hostile code is about. Returns the trap, the key, and how the call ended."""
    trap = Trap(act, times)
    trap.table = make_table(trap)
    key, value = Thing(trap, key_name, key_at), Thing(trap, "new value")
    made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
    made["table"] = HashTable(hash_func=id).set(key, value)
    outcome = trap.run(lambda: LOOKUPS[name](lambda: trap.table, key, made))
    return trap, key, shown(outcome)


def shown(outcome):
    """A call's outcome without references to anything."""
    if isinstance(outcome, HashTable):
        return "a table"
    if isinstance(outcome, (set, tuple)):
        return sorted(map(shown, outcome))
    return repr(outcome)


def pairs_of(table):
    return [(repr(key), repr(value)) for key, value in table.items()]


def lookups_bear(act, make_table, key_at, harmless=HARMLESS):
    """Tries all `LOOKUPS` with a key that is there and one that is not, and with code that acts once or thrice."""
    for name, key_name, times in itertools.product(LOOKUPS, ("pair 4", "absent"), (1, 3)):
        with case(name, key_name, times):
            lookup_bears(act, name, make_table, key_name, key_at, times, harmless)


def lookup_bears(act, name, make_table, key_name, key_at, times, harmless):
    tables = []

    def remembered(trap):
        table = make_table(trap)
        tables.append(weakref.ref(table))
        return table

    trap, key, outcome = look_up(name, act, times, remembered, key_name, key_at)
    assert trap.sprung, "the hostile code was never reached"
    if trap.table is None:
        gc.collect(0)
        assert tables[0]() is None, "a destroyed table is still alive"
        return
    assert_sound(trap.table)
    if act in harmless:
        calm, _, expected = look_up(name, nothing, 0, make_table, key_name, key_at)
        assert (outcome, pairs_of(trap.table)) == (expected, pairs_of(calm.table))
    if "Error" not in outcome and "Struck" not in outcome:
        assert name not in ADDING or key in trap.table
        assert name not in REMOVING or key not in trap.table


class Meddling(Thing):
    """Equal to its like, after a function was called."""

    __slots__ = ("meddle",)
    __hash__ = Thing.__hash__

    def __eq__(self, other):
        self.meddle()
        return True


def long_tuple(meddle):
    """A tuple whose comparison with its like calls a function, and then has many items to go."""
    first = Meddling(None, "first")
    first.meddle = meddle
    return (first, *("".join(["item ", str(number)]) for number in range(40)))


def number_of_first(key):
    return key[0].number


# ---- calls that give up all pairs ------------------------------------------------------------------------------------


def fill_with_traps(trap, table):
    for number in range(8):
        table[Thing(trap, f"pair {number}", "del", number % 3)] = Thing(trap, f"value {number}", "del")


class ClearsInRepr(Thing):
    """A value whose repr empties the table."""

    def __repr__(self):
        if self.trap.left and self.trap.table is not None:
            self.trap.table.clear()
        return "<clears>"


EMPTYING = {
    "clear": lambda trap: trap.table.clear(),
    "init": lambda trap: trap.table.__init__(4, 0.5, number_of),
    "setstate": lambda trap: trap.table.__setstate__(HashTable(2, 1.0, number_of).__reduce__()[2]),
    "a snapshot": lambda trap: f"{trap.table:full}",
    "dealloc": lambda trap: trap.table.__delitem__("inner"),
}


# ---- what an update reads --------------------------------------------------------------------------------------------


class Source:
    """A mapping, hostile at one of its methods."""

    def __init__(self, trap, at):
        self.trap = trap
        self.at = at

    def spring(self, point):
        if point == self.at:
            self.trap.spring()

    def keys(self):
        self.spring("keys")
        return Walk(self, [Thing(self.trap, f"pair {number}", number=number % 3) for number in (4, 5, 6, 7)])

    def __getitem__(self, key):
        self.spring("getitem")
        return f"new value of {key!r}"


class Walk:
    """An iterable and iterator that forgets what it has yielded."""

    def __init__(self, source, objects, point="next"):
        self.source = source
        self.objects = objects
        self.point = point

    def __iter__(self):
        self.source.spring("iter" if self.point == "next" else self.point)
        return self

    def __next__(self):
        self.source.spring(self.point)
        if not self.objects:
            raise StopIteration
        return self.objects.pop(0)
