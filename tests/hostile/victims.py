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
    Stage,
    Thing,
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


def nothing(stage):
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


def a_table(stage, hash_func=number_of, key_at="", value_at=""):
    """Six pairs in three chains, with hostile code in the key or the value of one of them, pair 4."""
    table = HashTable(8, 1.0, hash_func)
    for number in range(6):
        at = (key_at, value_at) if number == 4 else ("", "")
        table[Thing(stage, f"pair {number}", at[0], number % 3)] = Thing(stage, f"value {number}", at[1])
    return table


def look_up(name, act, times, make_table, key_name, key_at):
    """Makes one of `LOOKUPS` while hostile code is about. Returns the stage, the key, and how the call ended."""
    stage = Stage(act, times)
    stage.table = make_table(stage)
    key, value = Thing(stage, key_name, key_at), Thing(stage, "new value")
    made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
    made["table"] = HashTable(hash_func=id).set(key, value)
    outcome = stage.run(lambda: LOOKUPS[name](lambda: stage.table, key, made))
    return stage, key, shown(outcome)


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

    def remembered(stage):
        table = make_table(stage)
        tables.append(weakref.ref(table))
        return table

    stage, key, outcome = look_up(name, act, times, remembered, key_name, key_at)
    assert stage.sprung, "the hostile code was never reached"
    if stage.table is None:
        gc.collect(0)
        assert tables[0]() is None, "a destroyed table is still alive"
        return
    assert_sound(stage.table)
    if act in harmless:
        calm, _, expected = look_up(name, nothing, 0, make_table, key_name, key_at)
        assert (outcome, pairs_of(stage.table)) == (expected, pairs_of(calm.table))
    if "Error" not in outcome and "Struck" not in outcome:
        assert name not in ADDING or key in stage.table
        assert name not in REMOVING or key not in stage.table


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


def fill_with_traps(stage, table):
    for number in range(8):
        table[Thing(stage, f"pair {number}", "del", number % 3)] = Thing(stage, f"value {number}", "del")


class ClearsInRepr(Thing):
    """A value whose repr empties the table."""

    def __repr__(self):
        if self.stage.left and self.stage.table is not None:
            self.stage.table.clear()
        return "<clears>"


EMPTYING = {
    "clear": lambda stage: stage.table.clear(),
    "init": lambda stage: stage.table.__init__(4, 0.5, number_of),
    "setstate": lambda stage: stage.table.__setstate__(HashTable(2, 1.0, number_of).__reduce__()[2]),
    "a snapshot": lambda stage: f"{stage.table:full}",
    "dealloc": lambda stage: stage.table.__delitem__("inner"),
}


# ---- what an update reads --------------------------------------------------------------------------------------------


class Source:
    """A mapping, hostile at one of its methods."""

    def __init__(self, stage, at):
        self.stage = stage
        self.at = at

    def spring(self, point):
        if point == self.at:
            self.stage.spring()

    def keys(self):
        self.spring("keys")
        return Walk(self, [Thing(self.stage, f"pair {number}", number=number % 3) for number in (4, 5, 6, 7)])

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
