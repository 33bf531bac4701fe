"""Re-entrancy: hostile code at every point where the extension hands control to Python.

src/extension/lib.rs numbers those points [R1], [R2], ... Here the tests for number 7 are called `test_r07_...`, and the first
test of all demands that the list, the marks in the source and the tests agree.

At each point hostile code does each of the things in `hostile.ACTS` to the table with which a call is just busy. Whatever that is,
there must be no crash, no endless loop, no pair lost or doubled (`assert_sound`), and a table that is destroyed in the
middle of a call must really be gone after it. What leaves the table as it is must not change what the call does, either.
"""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import importlib
import inspect
import itertools
import operator
import pickle
import re
import sys
import weakref

import hostile
import pytest
from hostile import (
    ACTS,
    HARMLESS,
    Stage,
    Struck,
    Thing,
    assert_sound,
    fresh,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable

# An exception in `__del__` cannot be handed on, and Python says so on standard error.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

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
GC_RUNS_IN_ALLOCATION = sys.version_info < (3, 12)


def nothing(stage):
    pass


@contextlib.contextmanager
def case(*words):
    """Around one of many cases that a test tries: says which it was, if it fails."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"in the case {', '.join(map(str, words))}") from error


# ---- the numbers -----------------------------------------------------------------------------------------------------


def disagreements(listed, marked, tested):
    """Compares the numbers of lib.rs's list, of the marks and of the tests.

    Args:
        listed: for each number in the list, the files that it names.
        marked: for each number in the sources, the files in which it is.
        tested: the numbers that have a test.

    Returns:
        A line for everything that does not fit.
    """
    found = []
    if list(listed) != list(range(1, len(listed) + 1)):
        found.append(f"the list is not numbered from 1 on: {list(listed)}")
    for number in sorted({*listed, *marked, *tested}):
        if number not in listed:
            found.append(f"[R{number}] is not in the list")
        if number not in tested:
            found.append(f"[R{number}] has no test")
        if number not in marked:
            found.append(f"[R{number}] marks no line")
        elif listed.get(number) and listed[number] != marked[number]:
            found.append(f"[R{number}] is listed for {sorted(listed[number])} and marked in {sorted(marked[number])}")
    return found


def numbers_in(source):
    """The three arguments of `disagreements`, read from the source and from this file."""
    folder = source / "src" / "extension"
    listed, marked = {}, {}
    for line in (folder / "lib.rs").read_text(encoding="utf-8").splitlines():
        entry = re.match(r"//! (\d+)\. `\[R(\d+)\]` (.*)", line)
        if entry:
            assert entry[1] == entry[2]
            listed[int(entry[1])] = set(re.findall(r"\w+\.rs", entry[3]))
    for file in sorted(folder.glob("*.rs")):
        text = file.read_text(encoding="utf-8")
        for number in re.findall(r"// \[R(\d+)\]", text):
            marked.setdefault(int(number), set()).add(file.name)
    tests = [re.match(r"test_r(\d+)_", name) for name in globals()]
    return listed, marked, {int(match[1]) for match in tests if match}


def test_the_list_the_marks_and_the_tests_agree(source):
    listed, marked, tested = numbers_in(source)
    assert len(listed) >= 20
    assert disagreements(listed, marked, tested) == []


def test_that_comparison_fires():
    """The control: each way in which the three can disagree is told."""
    fine = {1: {"a.rs"}, 2: set()}, {1: {"a.rs"}, 2: {"b.rs", "c.rs"}}, {1, 2}
    assert disagreements(*fine) == []
    listed, marked, tested = fine
    assert disagreements({1: {"a.rs"}}, marked, tested) == ["[R2] is not in the list"]
    assert disagreements(listed, {1: {"a.rs"}}, tested) == ["[R2] marks no line"]
    assert disagreements(listed, marked, {2}) == ["[R1] has no test"]
    assert disagreements({1: {"b.rs"}, 2: set()}, marked, tested) == [
        "[R1] is listed for ['b.rs'] and marked in ['a.rs']"
    ]
    assert disagreements({2: set(), 1: {"a.rs"}}, marked, tested) == ["the list is not numbered from 1 on: [2, 1]"]


# ---- looking up: R1 to R4 --------------------------------------------------------------------------------------------

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


@each_act
def test_r01_the_hash_function_is_hostile(act):
    def make(stage):
        def hash_func(key):
            stage.spring()
            return key.number

        return a_table(stage, hash_func)

    lookups_bear(act, make, "")


@each_act
def test_r02_the_hash_of_a_key_is_hostile(act):
    lookups_bear(act, lambda stage: a_table(stage, hash), "hash")


@each_act
@pytest.mark.parametrize("ask", ["hash_of", "bucket_of"])
@pytest.mark.parametrize("hash_func", [hash, number_of], ids=["R2", "R1"])
def test_r01_r02_asking_for_a_hash(act, ask, hash_func):
    stage = Stage(act)
    key = Thing(stage, "key", "hash")
    stage.table = a_table(stage, hash if hash_func is hash else (lambda key: hash(key)))
    outcome = stage.run(lambda: getattr(stage.table, ask)(key))
    assert stage.sprung == 1
    assert outcome in (1, Struck)
    assert stage.table is None or assert_sound(stage.table) is None


def test_r01_another_hash_function_is_asked_again():
    """GUARD: a hash from a function that the table no longer has is not used."""

    def first(key):
        table.__init__(4, 0.5, second)
        return 1

    def second(key):
        return 2

    table = HashTable(4, 0.5, first)
    table["a"] = "value"
    assert list(table.items()) == [("a", "value")]
    assert table["a"] == "value"
    assert [len(bucket) for bucket in table.buckets()] == [0, 0, 1, 0]


def test_r01_a_table_that_is_always_made_anew():
    calls = []

    def hash_func(key):
        calls.append(key)
        assert len(calls) < 10_000, "this would go on for ever"
        table.__init__(4, 0.5, hash_func)
        return 1

    table = HashTable(4, 0.5, hash_func)
    with pytest.raises(RuntimeError, match=r"^HashTable kept changing during a lookup$"):
        table["a"] = 1
    assert len(table) == 0


def test_r01_the_function_that_is_running_is_kept():
    """GUARD: the hash function is owned while it runs. (An `lru_cache` uses its own memory after the call that it caches.)"""

    def hash_func(key):
        table.__init__(4, 0.5, number_or_hash)
        return hash(key)

    def number_or_hash(key):
        return hash(key)

    for _ in range(20):
        table = HashTable(4, 0.5, functools.lru_cache(maxsize=None)(hash_func))
        table["a"] = 1
        assert list(table.items()) == [("a", 1)]
        assert_sound(table)


def test_r01_a_hash_function_that_looks_itself_up():
    def hash_func(key):
        return table.get(key, 1)

    table = HashTable(4, 0.5, hash_func)
    with pytest.raises(RecursionError):
        table["a"] = 1
    assert len(table) == 0


@each_act
@pytest.mark.parametrize("where", ["eq", "bool"])
def test_r03_a_comparison_is_hostile(act, where):
    lookups_bear(act, a_table, where)


def test_r03_the_candidate_is_kept_during_the_comparison():
    """GUARD: a key is owned while it is compared. (A tuple goes on with its items after the first comparison.)"""
    for _ in range(20):
        table = HashTable(4, 0.5, number_of_first)
        table[long_tuple(lambda: table.clear())] = 1
        assert (long_tuple(lambda: None) in table) is False
        assert_sound(table)


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


def test_r03_a_found_pair_that_is_no_longer_there():
    """GUARD: what a walk found is worth nothing if the table has changed since."""

    class Key(Thing):
        __hash__ = None

        def __eq__(self, other):
            if armed:
                armed.pop()
                table.clear()
            return True

    armed = []
    for call in (
        lambda key: table.get(key, "none"),
        lambda key: table.pop(key, "none"),
        lambda key: table.setdefault(key, "none"),
    ):
        table = HashTable(8, 1.0, number_of)
        table[Key(None, "a")] = 1
        armed.append(1)
        assert call(Key(None, "a")) == "none"
    assert len(table) == 1


def test_r03_a_comparison_that_always_changes_the_table():
    """GUARD: a lookup begins anew only so many times."""
    compared = []

    class Key(Thing):
        __hash__ = None

        def __eq__(self, other):
            if not isinstance(other, Key) or self.number != 1:
                return self is other
            compared.append(1)
            assert len(compared) < 10_000, "this would go on for ever"
            table["x"] = 1
            del table["x"]
            return False

    table = HashTable(8, 1.0, lambda key: getattr(key, "number", 5))
    table[Key(None, "a")] = 1
    for call in (
        lambda: table.get(Key(None, "b")),
        lambda: table.set(Key(None, "b"), 2),
        lambda: table.pop(Key(None, "b")),
        lambda: table.setdefault(Key(None, "b")),
        lambda: table.update([(Key(None, "b"), 2)]),
        lambda: Key(None, "b") in table.keys(),
    ):
        compared.clear()
        with pytest.raises(RuntimeError, match=r"^HashTable kept changing during a lookup$"):
            call()
        assert 100 <= len(compared) <= 5000
    assert len(table) == 1


def test_r03_another_hash_function_during_a_comparison():
    """GUARD: the same as with [R1]: no pair is filed under the hash of a function that the table no longer has."""

    class Key:
        def __eq__(self, other):
            if armed:
                armed.pop()
                table.__init__(8, 1.0, lambda key: 2)
                table[b] = "by the comparison"
            return self is other

        __hash__ = None

    armed = []
    a, b = Key(), Key()
    table = HashTable(8, 1.0, lambda key: 1)
    table[a] = "a"
    armed.append(1)
    table[b] = "by the call"
    assert list(table.items()) == [(b, "by the call")]
    assert table[b] == "by the call"


@each_act
def test_r04_a_compared_key_goes(act):
    lookups_bear(act, lambda stage: a_table(stage, key_at="drop del"), "", harmless=())


# ---- what leaves the table: R5 to R9 ---------------------------------------------------------------------------------

OVERWRITING = ["[]=", "set", "update by pairs", "update by dict", "update by table", "|="]


@each_act
def test_r05_an_overwritten_value_goes(act):
    for name in OVERWRITING:
        with case(name):
            stage, _, _ = look_up(name, act, 1, lambda stage: a_table(stage, value_at="del"), "pair 4", "")
            assert stage.sprung == 1
            assert stage.table is None or assert_sound(stage.table) is None


def test_r05_what_is_in_the_table_when_the_old_value_goes():
    """GUARD: the old value is given up when the new one has taken its place."""
    seen = []

    class Value:
        def __del__(self):
            seen.append(table["a"])
            table["a"] = "from __del__"

    table = HashTable()
    table["a"] = Value()
    table["a"] = "new"
    assert seen == ["new"]
    assert table["a"] == "from __del__"


@each_act
@pytest.mark.parametrize("name", sorted(REMOVING))
@pytest.mark.parametrize("at", ["key", "value"])
def test_r06_a_removed_pair_goes(act, name, at):
    """GUARD: a pair leaves the table before its key and its value are given up."""
    stage = Stage(act)
    stage.table = a_table(stage, **{f"{at}_at": "del"})
    key = Thing(stage, "pair 4")

    def call():
        LOOKUPS[name](lambda: stage.table, key, {})  # the value that `pop` returns goes at once
        return stage.table is None or key not in stage.table

    assert stage.run(call) in (True, KeyError)
    assert stage.sprung == 1
    assert stage.table is None or assert_sound(stage.table) is None


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


@each_act
@pytest.mark.parametrize("name", EMPTYING)
def test_r07_the_pairs_of_an_emptied_table_go(act, name):
    """GUARD: a table is empty, and in order, before the first of its pairs is given up."""
    for times in (1, 3, 100):
        stage = Stage(act, times)
        stage.table = table = HashTable(8, 1.0, lambda key: getattr(key, "number", 0))
        if name == "dealloc":
            # What goes is in a table of its own, and what its content does hits the table around it.
            stage.table["inner"] = table = HashTable(8, 1.0, number_of)
        fill_with_traps(stage, table)
        if name == "a snapshot":
            table[Thing(stage, "last")] = ClearsInRepr(stage, "clears")
        del table
        stage.run(lambda: EMPTYING[name](stage))
        assert stage.sprung >= min(times, 2) or stage.table is None or act is hostile.destroys
        if stage.table is not None:
            assert_sound(stage.table)


def test_r07_a_pair_that_is_added_while_others_go():
    """GUARD: `__init__` puts the new parameters in force before the old pairs go, so that nothing is filed under the old."""

    class Last:
        def __del__(self):
            table["added"] = "by __del__"

    for empty in (
        lambda: table.__init__(4, 0.5, lambda key: 3),
        lambda: table.__setstate__(HashTable(4, 0.5, lambda key: 3).__reduce__()[2]),
    ):
        table = HashTable(8, 1.0, lambda key: 1)
        table["last"] = Last()
        empty()
        assert list(table.items()) == [("added", "by __del__")]
        assert table["added"] == "by __del__"
        assert_sound(table)


def test_r07_a_pair_that_is_added_while_the_collector_empties_a_table():
    """Finalizers add pairs to a table that the collector is about to empty: it stays sound."""
    seen = []

    def make(first, second):
        table = HashTable(8, 1.0, lambda key: 5)

        class Last:
            __slots__ = ()

            def __del__(self):
                table[f"key {len(table)}"] = 1
                seen.append((len(table), [key in table for key in table]))

        def keep():
            return keep, table, held

        # Which of the two is cleared first is for the collector to say: both get their turn.
        held = [Last(), Last()]
        table[first] = Last()
        table[second] = Last()
        table["function"] = keep

    gc.collect()
    for names in (("a", "b"), ("b", "a")):
        make(*names)
        gc.collect()
    assert len(seen) == 8
    assert all(length == len(found) and all(found) for length, found in seen)


class Number:
    """A number for a parameter. Hostile code sits at its conversions."""

    def __init__(self, stage):
        self.stage = stage

    def __float__(self):
        self.stage.spring()
        return 0.75

    def __bool__(self):
        self.stage.spring()
        return True

    def __index__(self):
        self.stage.spring()
        return 16


@each_act
def test_r08_parameters_of_init_are_hostile(act):
    for arguments, named in (((4,), {"max_load": True}), ((4, 0.5), {"typed": True}), ((4, 1), {"typed": True})):
        stage = Stage(act, 3)
        stage.table = a_table(stage)
        arguments = [arguments[0], *(Number(stage) for _ in arguments[1:])]
        named = {name: Number(stage) for name in named}
        outcome = stage.run(lambda: stage.table.__init__(*arguments, hash_func=number_of, **named))
        assert stage.sprung >= 1
        if stage.table is None:
            continue
        assert_sound(stage.table)
        if outcome is None:
            assert (len(stage.table), stage.table.size, stage.table.hash_func) == (0, 4, number_of)


@each_act
def test_r08_parameters_of_a_state_are_hostile(act):
    for place in (0, 1, 2, 4):
        stage = Stage(act)
        stage.table = a_table(stage)
        state = [16, 16, 0.75, number_of, True, [(Thing(None, "a"), 1)], None, None]
        state[place] = Number(stage)
        outcome = stage.run(lambda: stage.table.__setstate__(tuple(state)))
        assert stage.sprung == 1
        if stage.table is None:
            continue
        assert_sound(stage.table)
        if outcome is None:
            assert (len(stage.table), stage.table.size, stage.table.max_load) == (1, 16, 0.75)


class HashFunction:
    """A hash function at whose end hostile code sits."""

    def __init__(self, stage, replaced_by=None):
        self.stage = stage
        self.replaced_by = replaced_by

    def __call__(self, key):
        if self.replaced_by is not None and self.stage.left and self.stage.table is not None:
            self.stage.table.__init__(8, 1.0, self.replaced_by)
        return key.number

    def __del__(self):
        self.stage.spring()


REPLACING = {
    "init": lambda stage: stage.table.__init__(4, 0.5, number_of),
    "init without arguments": lambda stage: stage.table.__init__(),
    "setstate": lambda stage: stage.table.__setstate__(HashTable(2, 1.0, number_of).__reduce__()[2]),
    "in a call": lambda stage: stage.table.set(Thing(None, "new"), "value"),
    "in asking": lambda stage: stage.table.bucket_of(Thing(None, "new")),
}


@each_act
@pytest.mark.parametrize("name", REPLACING)
def test_r09_a_hash_function_goes(act, name):
    stage = Stage(act)
    stage.table = HashTable(8, 1.0, HashFunction(stage, number_of if name.startswith("in ") else None))
    for number in range(4):
        stage.table[Thing(None, f"pair {number}", number=number)] = number
    stage.run(lambda: REPLACING[name](stage))
    assert stage.sprung == 1
    if stage.table is not None:
        assert_sound(stage.table)
        if name == "in a call" and act not in (hostile.destroys, hostile.raises):
            assert Thing(None, "new") in stage.table


def test_r09_what_is_in_force_when_the_old_function_goes():
    """GUARD: the table has its new hash function before the old one is given up."""
    seen = []

    class Old:
        def __call__(self, key):
            return 1

        def __del__(self):
            seen.append(table.hash_func)
            table["a"] = 1

    def new(key):
        return 2

    table = HashTable(4, 0.5, Old())
    table.__init__(4, 0.5, new)
    assert seen == [new]
    assert table["a"] == 1


# ---- the collector: R10, and R11 -------------------------------------------------------------------------------------


def make_garbage(stage):
    """A cycle whose end is hostile."""
    cycle = [Thing(stage, "garbage", "del")]
    cycle.append(cycle)


def with_the_collector(call, make_garbage, nth=1):
    """Calls `make_garbage()`, then `call()` with the collector running in its `nth` allocation.

    That is how it is until 3.11; from 3.12 on the collector runs between two instructions of Python.
    """
    threshold = gc.get_threshold()
    # A full collection also empties CPython's free lists, so that every tuple, list and dict that is made is allocated.
    gc.collect()
    gc.disable()
    try:
        make_garbage()
        # With more objects than the threshold allows, the very next one starts a collection.
        more = [[] for _ in range(20)]
        gc.set_threshold(1 if nth == 1 else gc.get_count()[0] + nth - 1)
        gc.enable()
        result = call()
        assert len(more) == 20
        return result
    finally:
        gc.set_threshold(*threshold)
        gc.enable()


ALLOCATING = {
    "iter": lambda stage: iter(stage.table),
    "reversed": lambda stage: reversed(stage.table),
    "keys": lambda stage: stage.table.keys(),
    "values": lambda stage: stage.table.values(),
    "items": lambda stage: stage.table.items(),
    "iter of a view": lambda stage: iter(stage.view),
    "next of items": lambda stage: next(stage.walk),
    "reduce of an iterator": lambda stage: stage.walk.__reduce__(),
    "list of items": lambda stage: list(stage.view),
    "repr of a view": lambda stage: repr(stage.view),
    "popitem": lambda stage: stage.table.popitem(),
    "buckets": lambda stage: stage.table.buckets(),
    "stats": lambda stage: stage.table.stats(),
    "copy": lambda stage: stage.table.copy(),
    "|": lambda stage: stage.table | stage.other,
    "dict |": lambda stage: operator.or_(stage.empty, stage.table),
    "reduce": lambda stage: stage.table.__reduce__(),
    "setstate": lambda stage: stage.table.__setstate__(stage.state),
    "full picture": lambda stage: f"{stage.table:full}",
    "KeyError": lambda stage: stage.table[stage.absent],
    "keys &": lambda stage: stage.view_of_keys & stage.keys,
    "keys |": lambda stage: stage.view_of_keys | stage.keys,
    "new": lambda stage: HashTable(),
}


class CollectorStage(Stage):
    """A stage with more on it, made before the collector may run."""

    def prepare(self):
        self.table = a_table(self)
        self.view = self.table.items()
        self.view_of_keys = self.table.keys()
        self.walk = iter(self.view)
        next(self.walk)
        self.other, self.empty = HashTable(), {}
        self.state = HashTable(4, 0.5, number_of).__reduce__()[2]
        self.absent = Thing(None, "absent")
        self.keys = [self.absent, fresh()]


@each_harsh_act
@pytest.mark.parametrize("name", ALLOCATING)
def test_r10_the_collector_runs_while_an_object_is_made(act, name):
    """GUARD: what an object is to hold is owned, or read, at the right side of its allocation."""

    def call():
        result = ALLOCATING[name](stage)
        for _ in (1, 2):
            pass  # where the collector may run from 3.12 on
        return result

    # The first time is a rehearsal: until 3.10 a function that has not been called before allocates its frame.
    for act_now in (nothing, act):
        stage = CollectorStage(act_now)
        stage.prepare()
        with_the_collector(lambda: stage.run(call), lambda: make_garbage(stage))
    if GC_RUNS_IN_ALLOCATION:
        assert stage.sprung == 1, "the collector did not run"
    if stage.table is not None:
        assert_sound(stage.table)


def collected_during(call, meddle, nth=1):
    """Makes `call()` with the collector running in its `nth` allocation, and `meddle()` called by it."""

    class Garbage:
        def __del__(self):
            meddle()

    def make():
        garbage = Garbage()
        garbage.me = garbage

    return with_the_collector(call, make, nth)


def test_r10_an_iterator_is_exhausted_while_it_is_copied():
    """GUARD: `__reduce__` of an iterator owns the table, which the iterator may give up meanwhile."""
    for _ in range(20):
        table = HashTable(8, 1.0)
        for number in range(1000, 1005):
            table[number] = str(number)
        walk = iter(table)
        assert next(walk) == 1000
        del table
        reduced = collected_during(walk.__reduce__, lambda: list(walk))
        assert reduced in ((iter, ([],)), (iter, ([1001, 1002, 1003, 1004],)))


def test_r10_a_pair_is_removed_while_a_tuple_is_made_for_it():
    """GUARD: an iterator owns key and value before it makes their tuple."""
    for _ in range(20):
        table = HashTable(8, 1.0)
        table[str(123456789)] = str(987654321)
        walk = iter(table.items())
        pair = collected_during(walk.__next__, lambda: (table.clear(), [str(n) + "filler" for n in range(500)]))
        assert pair == ("123456789", "987654321")


def test_r10_popitem_when_its_tuple_is_made():
    """GUARD: the tuple is made first, then the table is looked at."""
    for _ in range(20):
        table = HashTable(8, 1.0).set("a", 1).set("b", 2)
        # From 3.12 on the collector runs when `b` has gone.
        assert collected_during(table.popitem, lambda: table.pop("b", None)) in (("a", 1), ("b", 2))
        assert_sound(table)


def test_r10_the_table_changes_while_lists_are_made_of_it():
    """GUARD: `buckets` works on a snapshot that owns what is in it."""
    for _ in range(20):
        table = HashTable(8, 1.0)
        for number in range(8):
            table[str(1000 + number)] = str(2000 + number)
        buckets = collected_during(table.buckets, lambda: (table.clear(), [str(n) + "fill" for n in range(500)]))
        assert sorted(pair for bucket in buckets for pair in bucket) == [
            (str(1000 + number), str(2000 + number)) for number in range(8)
        ]


def test_r10_lists_have_no_holes():
    """GUARD: what can be found of the lists of `buckets`, through the collector, has no empty place in it at any moment."""

    def meddle():
        for op in gc.get_objects():
            if type(op) is list:
                seen.append(len(list(op)))

    seen = []
    for length in (1, 3, 8):
        table = HashTable(8, 1.0)
        for number in range(length):
            table[number] = number
        for nth in range(1, 20):
            buckets = collected_during(table.buckets, meddle, nth)
            assert sorted(pair for bucket in buckets for pair in bucket) == [(n, n) for n in range(length)]
    assert seen


@each_act
@pytest.mark.parametrize("kind", ["HashTable", "a subclass"])
def test_r11_the_callback_of_a_weak_reference_to_a_table_that_goes(act, kind):
    """GUARD: weak references die while the table is still whole, and their callbacks can no longer reach it."""

    class Sub(HashTable):
        pass

    stage = Stage(act)
    stage.table = HashTable(4, 0.5, id)
    inner = (HashTable if kind == "HashTable" else Sub)(8, 1.0)
    inner["content"] = Thing(None, "content")
    number = id(inner)
    seen = []

    def callback(reference):
        seen.append(reference())
        seen.extend(op for op in gc.get_objects() if id(op) == number and isinstance(op, HashTable))
        stage.spring()

    reference = weakref.ref(inner, callback)
    stage.table["inner"] = inner
    del inner
    stage.run(lambda: stage.table.clear())
    assert stage.sprung == 1 or act is hostile.destroys
    assert seen == [None]
    assert reference() is None
    assert stage.table is None or assert_sound(stage.table) is None


# ---- sources: R12 ----------------------------------------------------------------------------------------------------


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


class Pairs(Source):
    """An iterable of pairs, hostile likewise, or in what it yields."""

    keys = None
    yielded = ""

    def __getattribute__(self, name):
        if name == "keys":
            self.spring("getattr")
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __iter__(self):
        self.spring("iter")
        at = "del" if self.at == "yielded" else ""
        names = (4, 5, 6, 7)
        return Walk(self, [self.pair(number, at) for number in names]).__iter__()

    def pair(self, number, at):
        pair = (Thing(self.stage, f"pair {number}", at, number % 3), Thing(self.stage, "new", at))
        return Walk(self, list(pair), "pair") if self.at == "pair" else pair


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


SOURCES = [(Source, at) for at in ("keys", "iter", "next", "getitem")]
SOURCES += [(Pairs, at) for at in ("getattr", "iter", "next", "pair", "yielded")]


@each_act
@pytest.mark.parametrize(("kind", "at"), SOURCES, ids=[f"{kind.__name__}-{at}" for kind, at in SOURCES])
@pytest.mark.parametrize("call", ["update", "__ior__"])
def test_r12_the_source_of_an_update_is_hostile(act, kind, at, call):
    for times in (1, 100):
        stage = Stage(act, times)
        stage.table = a_table(stage)
        source = kind(stage, at)
        outcome = stage.run(lambda: shown(getattr(stage.table, call)(source)))
        assert stage.sprung >= 1
        if stage.table is None:
            continue
        assert_sound(stage.table)
        if act in HARMLESS:
            assert outcome in ("None", "a table")
            assert [repr(key) for key in stage.table] == [f"<pair {number}>" for number in range(8)]


@each_act
@pytest.mark.parametrize("into", ["itself", "another"])
@pytest.mark.parametrize("name", ["update", "|=", "|", "fromkeys"])
def test_r12_a_table_that_is_read_by_an_update_changes(act, into, name):
    """GUARD: a source that changes is noticed, and the pair that is on its way is owned."""

    def hash_func(key):
        stage.spring()
        return key.number

    for times in (1, 3):
        stage = Stage(act, times)
        stage.table = a_table(stage, hash_func)
        target = stage.table if into == "itself" else HashTable(2, 1.0, hash_func)
        getters = {
            "update": lambda: target.update(stage.table),
            "|=": lambda: target.__ior__(stage.table),
            "|": lambda: target | stage.table,
            "fromkeys": lambda: type("Sub", (HashTable,), {"__init__": hashing_by_id}).fromkeys(stage.table),
        }

        def hashing_by_id(self):
            self.__setstate__(HashTable(4, 0.5, hash_func).__reduce__()[2])

        outcome = stage.run(getters[name])
        assert stage.sprung >= 1
        assert_sound(target)
        if stage.table is None:
            continue
        assert_sound(stage.table)
        if isinstance(outcome, HashTable):
            assert_sound(outcome)
        if act in HARMLESS and name != "fromkeys":
            assert pairs_of(target if outcome is None else outcome) == [
                (f"<pair {number}>", f"<value {number}>") for number in range(6)
            ]
        if act is hostile.takes_and_gives and into == "another":
            assert outcome is RuntimeError


def test_r12_a_source_that_grows_for_ever():
    """GUARD: an update from a table that every pair makes longer ends."""

    def hash_func(key):
        assert len(source) < 10_000, "this would go on for ever"
        source[len(source)] = 1
        return key

    source = HashTable(4, 0.5).set(0, 0)
    with pytest.raises(RuntimeError, match=r"^HashTable mutated during update$"):
        HashTable(4, 0.5, hash_func).update(source)


DICT_ACTS = {
    "clear": lambda source: source.clear(),
    "pop": lambda source: source.popitem() if source else None,
    "take and give": lambda source: (source.clear(), source.update({fresh(): number for number in range(6)})),
    "grow": lambda source: source.update({fresh(): number for number in range(100)}),
    "overwrite": lambda source: source.update(dict.fromkeys(source, "over")),
}


@pytest.mark.parametrize("name", DICT_ACTS)
def test_r12_a_dict_that_is_read_by_an_update_changes(name):
    """GUARD: a pair of a dict is owned while it is on its way."""
    armed = [1, 2, 3]

    def hash_func(key):
        if armed:
            armed.pop()
            DICT_ACTS[name](source)
            [str(number) + "filler" for number in range(100)]
        return hash(key)

    source = {str(1000 + number): str(2000 + number) for number in range(6)}
    table = HashTable(4, 0.5, hash_func)
    with contextlib.suppress(RuntimeError):
        table.update(source)
    assert armed != [1, 2, 3]
    assert_sound(table)
    assert all(type(value) is str or type(key) is Thing for key, value in table.items())


# ---- comparing tables: R13 -------------------------------------------------------------------------------------------


@each_act
@pytest.mark.parametrize("at", ["eq", "bool", "drop del", "eq del"])
@pytest.mark.parametrize("with_what", ["a table", "a dict", "a subclass", "itself on the right"])
def test_r13_values_that_are_compared_are_hostile(act, at, with_what):
    """GUARD: both values, and the key, are owned during the comparison."""
    for times in (1, 3):
        stage = Stage(act, times)
        stage.table = a_table(stage, hash, value_at=at)
        # Built anew: equal values, but not the same objects, which would not be compared.
        kind = {"a dict": dict, "a subclass": type("Sub", (HashTable,), {})}.get(with_what, HashTable)
        other = kind()
        for number in range(6):
            other[Thing(stage, f"pair {number}", number=number % 3)] = Thing(stage, f"value {number}")
        if with_what == "itself on the right":
            outcome = stage.run(lambda: other == stage.table)
        else:
            outcome = stage.run(lambda: stage.table == other)
        assert stage.sprung >= 1 or "drop" in at or at == "eq del"
        assert outcome in (True, False, Struck, RuntimeError)
        if stage.table is not None:
            assert_sound(stage.table)
        if act in HARMLESS and "drop" not in at:
            assert outcome is True


@each_act
@pytest.mark.parametrize("at", ["eq", "bool", "drop del"])
def test_r13_values_that_are_looked_for_among_the_items(act, at):
    """GUARD: the value that was found is owned during the comparison."""
    for name, times in itertools.product(("in", "&", "isdisjoint", "<=", "=="), (1, 3)):
        stage = Stage(act, times)
        stage.table = a_table(stage, hash, value_at=at)
        pair = (Thing(stage, "pair 4"), Thing(stage, "value 4"))
        calls = {
            "in": lambda: pair in stage.table.items(),
            "&": lambda: len(stage.table.items() & [pair]) == 1,
            "isdisjoint": lambda: not stage.table.items().isdisjoint([pair]),
            "<=": lambda: {pair} <= stage.table.items(),
            "==": lambda: stage.table.items() != {pair},
        }
        outcome = stage.run(calls[name])
        assert stage.sprung >= 1 or name in ("<=", "==") or "drop" in at
        assert outcome in (True, False, Struck, RuntimeError)
        if stage.table is not None:
            assert_sound(stage.table)
        if act in HARMLESS and at in ("eq", "bool"):
            assert outcome is True


def test_r13_values_are_kept_while_they_are_compared():
    """GUARD: the value that was found, and the one it is compared with, are owned during the comparison."""
    for kind in (HashTable, dict):
        for one_clears, other_clears in ((True, False), (False, True), (True, True)):
            one, other = HashTable(), kind()

            def meddle():
                if one_clears:
                    one.clear()
                if other_clears:
                    other.clear()

            one["key"], other["key"] = long_tuple(meddle), long_tuple(meddle)
            assert (one == other) is True
            one["key"], other["key"] = long_tuple(meddle), long_tuple(meddle)
            assert (other == one) is True
    for _ in range(20):
        one = HashTable()
        one["key"] = long_tuple(lambda: one.clear())
        assert (("key", long_tuple(lambda: one.clear())) in one.items()) is True
        assert len(one) == 0


def test_r13_tables_that_grow_while_they_are_compared():
    """GUARD: a comparison looks at as many pairs as there were when it began."""

    class Value:
        def __eq__(self, other):
            assert len(one) < 10_000, "this would go on for ever"
            one[len(one)] = Value()
            two[len(two)] = Value()
            return True

    one, two = (HashTable().set(0, Value()).set(1, Value()) for _ in range(2))
    assert (one == two) is True
    assert len(one) == len(two) == 4


# ---- pictures and subclasses: R14 to R19 -----------------------------------------------------------------------------

DRAWING = {
    "full picture": lambda stage: f"{stage.table:full}",
    "repr of keys": lambda stage: repr(stage.table.keys()),
    "repr of values": lambda stage: repr(stage.table.values()),
    "repr of items": lambda stage: repr(stage.table.items()),
}


@each_act
@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("at", ["key", "value"])
def test_r14_a_repr_is_hostile(act, name, at):
    """GUARD: the long picture is drawn from a snapshot, views from a list: all that is drawn is owned."""
    stage = Stage(act, 2)
    stage.table = a_table(stage, **{f"{at}_at": "repr"})
    calm = Stage(nothing)
    calm.table = a_table(calm)
    outcome = stage.run(lambda: DRAWING[name](stage))
    seen = stage.sprung
    assert seen >= 1 or f"{at}s" not in name
    if stage.table is not None:
        assert_sound(stage.table)
    if act is not hostile.raises or not seen:
        assert outcome == DRAWING[name](calm)


@each_act
def test_r14_the_repr_of_the_hash_function_is_hostile(act):
    class Function:
        def __call__(self, key):
            return key.number

        def __repr__(self):
            stage.spring()
            return "<function>"

    stage = Stage(act)
    stage.table = a_table(stage, Function())
    outcome = stage.run(lambda: f"{stage.table:full}")
    assert stage.sprung == 1
    assert outcome is Struck or outcome.startswith("size 8, load 6, max_load 1.0, hash_func <function>, typed\n[0]\n")
    assert stage.table is None or assert_sound(stage.table) is None


def test_r14_a_view_that_shows_itself():
    """GUARD: the repr of a view that its own table contains comes to an end."""
    table = HashTable()
    table["me"] = table.values()
    assert repr(table.values()) == "HashTableValues([HashTableValues([...])])"
    assert repr(table["me"]) == "HashTableValues([...])"


@each_act
@pytest.mark.parametrize("where", ["in the call", "in binding"])
def test_r15_missing_is_hostile(act, where):
    class Missing:
        def __get__(self, table, kind=None):
            if where == "in binding":
                stage.spring()
            return self

        def __call__(self, key):
            if where == "in the call":
                stage.spring()
            return f"no {key!r}"

    class Sub(HashTable):
        __missing__ = Missing()

    stage = Stage(act)
    stage.table = Sub(8, 1.0, number_of)
    stage.table[Thing(None, "there")] = 1
    absent = Thing(None, "absent")
    outcome = stage.run(lambda: stage.table[absent])
    assert stage.sprung == 1
    assert outcome in ("no <absent>", Struck)
    assert stage.table is None or assert_sound(stage.table) is None


def test_r15_missing_is_taken_away_while_it_runs():
    """GUARD: the function is owned while it runs. (An `lru_cache` uses its own memory after the call that it caches.)"""
    for _ in range(20):

        class Sub(HashTable):
            __hash__ = object.__hash__

        def missing(table, key):
            del type(table).__missing__
            return [str(number) for number in range(100)] and "missing"

        Sub.__missing__ = functools.lru_cache(maxsize=None)(missing)
        del missing
        table = Sub()
        assert table["a"] == "missing"
        with pytest.raises(KeyError):
            table["a"]


@each_act
def test_r16_what_the_hash_function_returned_goes(act):
    class Hash(int):
        def __del__(self):
            self.stage.spring()

    def make(stage):
        def hash_func(key):
            answer = Hash(key.number)
            answer.stage = stage
            return answer

        return a_table(stage, hash_func)

    lookups_bear(act, make, "", harmless=() if act is hostile.raises else HARMLESS)


def test_r16_a_hash_beyond_64_bits_is_read_before_it_goes():
    """GUARD: the answer is given up when it has been read."""

    class Hash(int):
        def __del__(self):
            [int(str(number) * 20) for number in range(100)]

    table = HashTable(4, 0.5, lambda key: Hash(10**50 + key))
    for number in range(100):
        assert table.hash_of(number) == hash(10**50 + number)


ITERATOR_ACTS = {
    "next": lambda walk: next(walk),
    "list": lambda walk: list(walk),
    "length_hint": lambda walk: walk.__length_hint__(),
    "reduce": lambda walk: walk.__reduce__(),
    "copy": lambda walk: list(copy.copy(walk)),
}


@pytest.mark.parametrize("name", ITERATOR_ACTS)
@pytest.mark.parametrize("walk_of", ["iter", "reversed", "items", "values"])
def test_r17_an_iterator_at_its_end_gives_up_the_table(name, walk_of):
    """GUARD: the iterator no longer knows the table when that goes, and with it what is in it."""
    seen = []

    class Value:
        def __del__(self):
            try:
                seen.append(ITERATOR_ACTS[name](walk))
            except StopIteration:
                seen.append("the end")

    for _ in range(20):
        table = HashTable(8, 1.0).set("a", Value()).set("b", Value())
        walk = {"iter": iter, "reversed": reversed}.get(walk_of, lambda table: iter(getattr(table, walk_of)()))(table)
        next(walk)
        next(walk)
        del table
        seen.clear()
        assert next(walk, "none") == "none"
        assert seen == [{"next": "the end", "length_hint": 0, "reduce": (iter, ([],))}.get(name, [])] * 2


@each_act
@pytest.mark.parametrize("walk_of", ["iter", "reversed", "items", "values"])
def test_r17_a_table_that_changes_between_two_steps(act, walk_of):
    """GUARD: an iterator stops when pairs have come or gone, also when there are as many as before."""
    stage = Stage(act)
    stage.table = a_table(stage)
    order = [repr(key) for key in stage.table]
    walk = {"iter": iter, "reversed": reversed}.get(walk_of, lambda table: iter(getattr(table, walk_of)()))(stage.table)
    first = next(walk)
    with contextlib.suppress(Struck):
        act(stage)
    reads_only = act in (*HARMLESS, hostile.overwrites, hostile.destroys, hostile.raises)
    if reads_only:
        assert 1 + len(list(walk)) == len(order)
    else:
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"^HashTable changed size during iteration$"):
                next(walk)
        assert walk.__length_hint__() == 0
    del first
    assert stage.table is None or assert_sound(stage.table) is None


@each_act
@pytest.mark.parametrize("keeps", [False, True])
def test_r22_an_iterator_gives_up_what_it_yielded(act, keeps):
    """The tuple that was yielded last is the last owner of a value that goes when the next one is yielded."""
    for at in range(3):
        give_up_what_was_yielded(act, keeps, at)


def give_up_what_was_yielded(act, keeps, at):
    stage = Stage(act)
    stage.table = a_table(stage)
    walk = iter(stage.table.items())
    place, kept = list(stage.table)[at], []

    class Value:
        def __del__(self):
            with contextlib.suppress(Struck, RuntimeError):
                kept.append(next(walk, None))
            with contextlib.suppress(Struck):
                act(stage)

    stage.table[place] = Value()
    with contextlib.suppress(Struck, RuntimeError):
        for number, pair in enumerate(walk):
            if keeps:
                kept.append(pair)
            del pair
            if number == at and stage.table is not None:
                stage.table[place] = None
    pairs = [pair for pair in kept if pair is not None]
    assert all(type(pair) is tuple and len(pair) == 2 for pair in pairs)
    assert len({id(pair) for pair in pairs}) == len(pairs)
    assert stage.table is None or assert_sound(stage.table) is None


@each_act
@pytest.mark.parametrize("where", ["new", "init", "setitem"])
def test_r18_fromkeys_calls_a_hostile_class(act, where):
    class Sub(HashTable):
        def __new__(cls):
            if where == "new":
                stage.spring()
                # An exact HashTable, and one that is known elsewhere.
                return stage.table
            return super().__new__(cls)

        def __init__(self):
            if where == "init":
                stage.spring()
            super().__init__(4, 0.5, number_of)

        def __setitem__(self, key, value):
            if where == "setitem":
                stage.spring()
            super().__setitem__(key, value)

    stage = Stage(act, 2)
    stage.table = a_table(stage)
    keys = [Thing(None, f"new {number}", number=number) for number in range(5)]
    try:
        outcome = stage.run(lambda: Sub.fromkeys(keys, "value"))
    except TypeError:
        # From `__new__` of a table that has been destroyed comes None, which takes no items.
        assert stage.table is None
        return
    assert stage.sprung >= 1
    if isinstance(outcome, HashTable):
        assert_sound(outcome)
        assert all(outcome[key] == "value" for key in keys)
    assert stage.table is None or assert_sound(stage.table) is None


@pytest.mark.parametrize(
    "made", [dict, list, str, lambda: None, lambda: [0] * 5], ids=["dict", "list", "str", "None", "items"]
)
def test_r18_fromkeys_of_a_class_that_makes_something_else(made):
    """GUARD: what the class returns is treated as a table only if it is one."""

    class Sub(HashTable):
        def __new__(cls):
            return made()

    try:
        result = Sub.fromkeys([0, 1, 2], "value")
    except (TypeError, IndexError):
        assert made is not dict
    else:
        assert [result[key] for key in (0, 1, 2)] == ["value"] * 3


@each_act
@pytest.mark.parametrize(
    "call", [lambda table: table.__reduce__(), copy.copy, pickle.dumps], ids=["reduce", "copy", "pickle"]
)
def test_r19_attributes_are_read_by_a_hostile_class(act, call):
    stage = Stage(act, 3)
    stage.table = a_subclass(stage)
    outcome = stage.run(lambda: call(stage.table))
    assert stage.sprung >= 1
    if isinstance(outcome, HashTable):
        assert_sound(outcome)
    assert stage.table is None or assert_sound(stage.table) is None


class Slotted(HashTable):
    """A subclass with slots and with attributes, at which hostile code sits."""

    __slots__ = ("__dict__", "one", "two")
    stages: list = []  # noqa: RUF012

    def __getattribute__(self, name):
        for stage in Slotted.stages:
            if not name.startswith("__s") and name != "__reduce_ex__" and stage.left:
                stage.spring()
        return super().__getattribute__(name)

    def __setattr__(self, name, value):
        for stage in Slotted.stages:
            stage.spring()
        super().__setattr__(name, value)


def a_subclass(stage):
    table = Slotted(8, 1.0)
    Slotted.stages[:] = [stage]
    for number in range(6):
        table[f"pair {number}"] = number
    table.one, table.two, table.three = 1, 2, 3
    return table


@each_act
def test_r19_attributes_are_written_by_a_hostile_class(act):
    stage = Stage(act, 3)
    stage.table = a_subclass(stage)
    state = stage.table.__reduce__()[2]
    assert state[-2:] == ({"three": 3}, {"one": 1, "two": 2})
    stage.table.pop("pair 5")
    outcome = stage.run(lambda: stage.table.__setstate__(state))
    assert stage.sprung >= 1
    if stage.table is not None:
        assert_sound(stage.table)
        if outcome is None:
            assert list(stage.table) == [f"pair {number}" for number in range(6)]
            assert (stage.table.one, stage.table.two, stage.table.three) == (1, 2, 3)


def test_r19_the_state_changes_while_it_is_read():
    """A slot's name and value are owned while the attribute is set.

    (Taken out, this guard changes nothing that can be seen: whatever CPython calls here takes references of its own.)
    """

    class Sub(HashTable):
        __slots__ = ("one", "two")

        def __setattr__(self, name, value):
            slots.clear()
            trash = [str(number) + "filler" for number in range(200)]
            object.__setattr__(self, name, value)
            assert len(trash) == 200

    for _ in range(20):
        slots = {"one": str(123456789), "two": str(987654321)}
        table = Sub()
        state = (4, 4, 0.5, hash, True, [], None, slots)
        table.__setstate__(state)
        assert table.one == "123456789"


# ---- the traced build: R20 -------------------------------------------------------------------------------------------


class Out:
    """A `sys.stdout` at which hostile code sits: at the `nth` line that is written to it."""

    def __init__(self, stage, nth):
        self.stage = stage
        self.nth = nth
        self.lines = 0

    def write(self, text):
        if text.strip() and self.stage.left:
            self.lines += 1
            if self.lines == self.nth:
                self.stage.spring()

    def flush(self):
        pass


@pytest.fixture
def announcing():
    """The traced module, announcing what it does."""
    try:
        traced = importlib.import_module("hashtable_traced")
    except ImportError:
        pytest.skip("the traced module is not installed")
    # What the collector takes apart announces its end, which would come in between at any time.
    gc.collect()
    gc.disable()
    yield traced
    gc.enable()
    traced.announce(False)


@each_harsh_act
def test_r20_the_output_of_announcements_is_hostile(act, announcing, monkeypatch):
    """GUARD: what is about to be compared is owned before anything is printed."""
    for name in (*LOOKUPS, "clear", "init", "setstate", "dealloc"):
        with case(name):
            announcements_are_hostile(act, name, announcing, monkeypatch)


def announcements_are_hostile(act, name, announcing, monkeypatch):
    for key_name in ("pair 4", "absent") if name in LOOKUPS else ("pair 4",):
        for nth in itertools.count(1):
            stage = Stage(act)
            announcing.announce(False)
            stage.table = announcing.HashTable(8, 1.0, lambda key: getattr(key, "number", 0))
            for number in range(6):
                stage.table[Thing(stage, f"pair {number}", number=number % 3)] = Thing(stage, f"value {number}")
            key, value = Thing(stage, key_name), Thing(stage, "new")
            made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
            made["table"] = announcing.HashTable(hash_func=id).set(key, value)
            if name == "dealloc":
                stage.table["inner"] = announcing.HashTable().set("a", Thing(stage, "inner value"))
            announcing.announce(True)
            monkeypatch.setattr(sys, "stdout", Out(stage, nth))
            if name in LOOKUPS:
                stage.run(lambda: shown(LOOKUPS[name](lambda: stage.table, key, made)))
            else:
                stage.run(lambda: EMPTYING[name](stage) and None)
            monkeypatch.undo()
            announcing.announce(False)
            if not stage.sprung:
                break
            assert stage.table is None or assert_sound(stage.table) is None
        assert nth > 2, "there was nothing to be hostile at"


# ---- set operations: R21 ---------------------------------------------------------------------------------------------


class HostileSet(set):
    """A set, hostile wherever an operation may touch it."""

    def spring(self):
        self.stage.spring()

    def __iter__(self):
        self.spring()
        return iter(list(super().__iter__()))

    def __len__(self):
        self.spring()
        return super().__len__()

    def __contains__(self, op):
        self.spring()
        return super().__contains__(op)


SET_OPERATIONS = {
    "&": operator.and_,
    "|": operator.or_,
    "-": operator.sub,
    "^": operator.xor,
    "& from the right": lambda view, other: operator.and_(other, view),
    "isdisjoint": lambda view, other: view.isdisjoint(other),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@each_act
@pytest.mark.parametrize("kind", ["set", "iterator"])
def test_r21_the_other_operand_of_a_set_operation_is_hostile(act, kind):
    """GUARD: a view owns its table, whatever becomes of the last other reference to it."""
    names = SET_OPERATIONS if kind == "set" else ("&", "|", "-", "^", "isdisjoint")
    for name, times in itertools.product(names, (1, 3)):
        with case(name, times):
            outcome = set_operation(act, kind, name, times)
            if act in HARMLESS:
                assert outcome == set_operation(nothing, kind, name, times)


def set_operation(act, kind, name, times):
    stage = Stage(act, times)
    stage.table = a_table(stage, hash)
    things = [Thing(None, f"pair {number}", number=number % 3) for number in range(6)]
    if kind == "set":
        other = HostileSet(things)
        other.stage = stage
    else:
        other = Walk(Source(stage, "next"), things)
    view = stage.table.keys()
    outcome = stage.run(lambda: SET_OPERATIONS[name](view, other))
    # CPython's own sets look at a set that they are given without calling its methods.
    assert stage.sprung >= 1 or (kind == "set" and name in ("|", "-", "^", "& from the right"))
    assert_sound(view.mapping.copy())
    return shown(outcome)


# ---- all at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOOKUPS)
def test_hostile_at_every_point_again_and_again(name):
    """Keys and values that are hostile wherever they can be, and that act in turn in all ways that do not raise."""
    acts = [act for act in ACTS.values() if act not in (hostile.raises, hostile.destroys)]
    for seed in range(0, len(acts), 2):
        turn = itertools.cycle(acts[seed:] + acts[:seed])
        stage = Stage(lambda stage: next(turn)(stage), times=20)

        def hash_func(key, stage=stage):
            stage.spring()
            return key.number

        stage.table = a_table(stage, hash_func, "eq del repr", "eq del repr")
        key = Thing(stage, "pair 4", "hash eq bool del")
        value = Thing(stage, "value 4", "eq bool del")
        made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
        made["table"] = HashTable(hash_func=id).set(key, value)
        stage.run(lambda: shown(LOOKUPS[name](lambda: stage.table, key, made)))
        assert stage.sprung >= 1
        assert_sound(stage.table)


def test_every_lookup_and_every_act_is_used():
    """The tables of calls and acts are what the tests run through: none may be empty, and every act acts."""
    assert len(ACTS) == len({inspect.getsource(act) for act in ACTS.values()}) >= 16
    for act in ACTS.values():
        stage = Stage(act)
        stage.table = a_table(stage)
        before = [*pairs_of(stage.table), id(stage.table), stage.table.size, stage.table.hash_func]
        if act is hostile.raises:
            with pytest.raises(Struck):
                act(stage)
            continue
        table = stage.table
        walk = iter(table)
        act(stage)
        after = [*pairs_of(table), id(stage.table), table.size, table.hash_func]
        if act in HARMLESS:
            assert after == before
            assert len(list(walk)) == 6
        elif act is hostile.restores:
            assert after == before
            with pytest.raises(RuntimeError):
                next(walk)
        elif act is hostile.refills:
            assert [pair for pair in before if pair in after]
        else:
            assert after != before
