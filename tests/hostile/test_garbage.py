"""Finalizers and the collector at their worst. (What a collector and a well-behaved finalizer ask of a table is in test_gc.py.)

Here objects come back to life as they leave a table, or go back into it; the collector runs while a table is being taken
apart, and looks around; and it runs at every single allocation while a table is at work.
"""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import contextlib
import gc
import random
import threading
import weakref

import pytest
from hostile import Thing, assert_sound, quick_collections  # noqa: F401  (a fixture that is used by itself)
from subject import NAME, HashTable, look, seven


class Sub(HashTable):
    """A subclass: its instances have a __dict__."""


# ---- back to life ----------------------------------------------------------------------------------------------------


class Phoenix:
    """A key or value that, when it goes, hands itself to a function instead."""

    def __init__(self, name, rise):
        self.name = name
        self.rise = rise

    def __del__(self):
        self.rise(self)


LEAVING = {
    "pop": lambda table: [table.pop(name) for name in list(table)] and None,
    "del": lambda table: [table.__delitem__(name) for name in list(table)] and None,
    "popitem": lambda table: [table.popitem() for _ in range(len(table))] and None,
    "clear": lambda table: table.clear(),
    "init": lambda table: table.__init__(8, 1.0, seven),
    "setstate": lambda table: table.__setstate__(HashTable(8, 1.0, seven).__reduce__()[2]),
    "overwrite": lambda table: [table.set(name, None) for name in list(table)] and None,
}


@pytest.mark.parametrize("name", LEAVING)
def test_a_value_that_comes_back_to_life(name):
    saved = []
    table = HashTable(8, 1.0, seven)
    for number in range(5):
        table[number] = Phoenix(number, saved.append)
    LEAVING[name](table)
    assert sorted(phoenix.name for phoenix in saved) == list(range(5))
    assert_sound(table)
    # They are whole, and their finalizers do not run again.
    for phoenix in saved:
        table[phoenix.name] = phoenix
    assert [table[number].name for number in range(5)] == list(range(5))
    references = [weakref.ref(phoenix) for phoenix in saved]
    saved.clear()
    del phoenix
    table.clear()
    assert [reference() for reference in references] == [None] * 5
    assert saved == []


@pytest.mark.parametrize("name", LEAVING)
def test_a_value_that_goes_back_into_the_table(name):
    table = HashTable(8, 1.0, seven)
    for number in range(5):
        table[number] = Phoenix(number, lambda phoenix: table.set(("back", phoenix.name), phoenix))
    LEAVING[name](table)
    assert sorted(value.name for key, value in table.items() if type(key) is tuple) == list(range(5))
    assert_sound(table)


def test_a_key_that_goes_back_into_the_table():
    """It is removed, and is there again before the removal returns."""
    table = HashTable(8, 1.0, lambda key: 1)
    table[Phoenix("key", lambda key: table.set(key, "again"))] = "value"
    table.clear()
    assert list(table.values()) == ["again"]
    assert_sound(table)


@pytest.mark.parametrize("kind", [HashTable, Sub])
def test_a_cycle_that_the_collector_finds_and_a_finalizer_saves(kind):
    saved = []
    table = kind(8, 1.0, seven)
    table["me"] = table
    table["phoenix"] = Phoenix("in a cycle", saved.append)
    table["phoenix"].table = table
    if kind is Sub:
        table.me = table
    before = look(table)
    before["items"] = [key for key, _ in before["items"]]
    before.pop("buckets")
    number = id(table)
    del table
    gc.collect()
    assert [phoenix.name for phoenix in saved] == ["in a cycle"]
    table = saved[0].table
    assert id(table) == number
    after = look(table)
    after["items"] = [key for key, _ in after["items"]]
    after.pop("buckets")
    assert after == before
    assert_sound(table)
    reference = weakref.ref(table)
    saved.clear()
    del table
    gc.collect()
    assert reference() is None


def test_a_subclass_that_the_collector_finds_and_its_own_finalizer_saves():
    saved = []

    class Risen(HashTable):
        def __del__(self):
            self["by the finalizer"] = len(self)
            saved.append(self)

    table = Risen(8, 1.0, seven)
    table["me"] = table
    del table
    gc.collect()
    (table,) = saved
    assert list(table) == ["me", "by the finalizer"]
    assert table["me"] is table
    assert_sound(table)
    reference = weakref.ref(table)
    saved.clear()
    del table
    gc.collect()
    assert reference() is None


def test_tables_of_a_subclass_inside_one_another_with_finalizers():
    """Each is whole when its finalizer runs, the outer before the inner, however deep they lie."""
    seen = []

    class Nested(HashTable):
        def __del__(self):
            seen.append((self["depth"], len(self), self.get("inner") is None or len(self["inner"])))
            if self["depth"] % 7 == 0:
                self["late"] = HashTable().set("value", Thing(None, "late"))

    outer = None
    for depth in range(2000):
        table = Nested(2, 1.0)
        table["depth"] = depth
        if outer is not None:
            table["inner"] = outer
        outer = table
    del table
    outer = None
    gc.collect()
    assert seen == [(depth, 2, 1 if depth == 1 else 2) for depth in range(1999, 0, -1)] + [(0, 1, True)]


# ---- the collector looks around --------------------------------------------------------------------------------------


class Looks:
    """A value that, when it goes, runs the collector and uses every table that can be found."""

    def __init__(self, found):
        self.found = found

    def __del__(self):
        gc.collect()
        for op in gc.get_objects():
            if type(op).__module__ == NAME or isinstance(op, Sub):
                self.found.append(type(op).__name__)
                with contextlib.suppress(RuntimeError):
                    list(op)


def going(name):
    """Makes an object of some type whose end, and nothing else, is the end of a `Looks`. Returns what that has found."""
    found = []
    table = (Sub if name == "subclass" else HashTable)(8, 1.0, seven)
    table.set("before", 1).set("looks", Looks(found)).set("after", "".join(["af", "ter"]))
    if name == "view":
        view = table.items()
        del table
        del view
    elif name == "iterator":
        walk = iter(table.items())
        next(walk)
        del table
        del walk
    elif name == "hash function":
        looks = table.pop("looks")
        table.__init__(8, 1.0, lambda key, looks=looks: 7)
        del looks
        del table
    else:
        del table
    return found


@pytest.mark.parametrize("name", ["HashTable", "subclass", "view", "iterator", "hash function"])
def test_the_collector_does_not_see_what_is_being_taken_apart(name):
    """GUARD: the collector is told to forget an object before the object is taken apart."""
    assert going(name) == []


def test_it_sees_what_is_not():
    """The control for the test above."""
    table = HashTable(8, 1.0, seven)
    walk = iter(table)
    table["looks"] = Looks([])
    found = table["looks"].found
    table.clear()
    assert "HashTable" in found
    assert "HashTableIterator" in found
    del walk


# ---- the collector at every allocation -------------------------------------------------------------------------------


@pytest.fixture
def every_allocation():
    """Has the collector run as often as it can."""
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    yield
    gc.set_threshold(*threshold)


def calm_garbage():
    """A cycle that the collector is to find."""
    table = HashTable(2, 1.0)
    table["me"] = table
    table["items"] = iter(table.items())


@pytest.mark.parametrize("seed", range(5))
def test_a_table_under_a_collector_that_never_rests(seed, every_allocation):
    """Every call, in random order, against a dict."""
    dice = random.Random(seed)
    table, model = HashTable(dice.choice([1, 3, 8]), dice.choice([0.3, 1.0]), dice.choice([hash, seven])), {}
    for _ in range(120):
        calm_garbage()
        key = f"key {dice.randrange(12)}"
        what = dice.randrange(16)
        if what < 4:
            table[key] = model[key] = [key]
        elif what == 4:
            assert table.pop(key, None) is model.pop(key, None)
        elif what == 5 and model:
            assert table.popitem() == model.popitem()
        elif what == 6:
            assert table.setdefault(key, None) is model.setdefault(key, None)
        elif what == 7:
            table.update({key: 1, "b": 2})
            model.update({key: 1, "b": 2})
        elif what == 8:
            table |= HashTable().set(key, 3)
            model[key] = 3
        elif what == 9:
            table = table.copy()
        elif what == 10:
            fresh = HashTable()
            fresh.__setstate__(table.__reduce__()[2])
            table = fresh
        elif what == 11:
            assert table.keys() & [key] == model.keys() & [key]
        elif what == 12:
            assert sorted(pair[0] for bucket in table.buckets() for pair in bucket) == sorted(model)
        elif what == 13:
            assert f"{table:full}".count(" -> ") == len(model)
        elif what == 14:
            assert list(iter(table).__reduce__()[1][0]) == list(model)
        else:
            assert repr(table.items()) == repr(model.items()).replace("dict_items", "HashTableItems")
        assert table == model
        assert list(table.items()) == list(model.items())


@pytest.mark.parametrize("seed", range(5))
def test_a_table_that_garbage_changes_at_any_moment(seed, every_allocation):
    """Every call, in random order, while finalizers do to the table what they like: it stays sound."""
    dice = random.Random(seed)

    class Garbage:
        def __init__(self):
            self.me = self

        def __del__(self):
            what = dice.randrange(7)
            if what == 0:
                table.clear()
            elif what == 1:
                table.__init__(dice.randrange(1, 9), 1.0, dice.choice([hash, seven]))
            elif what == 2:
                for _ in range(10):
                    table[f"key {dice.randrange(100)}"] = [1]
            elif what == 3 and len(table):
                table.popitem()
            elif what == 4:
                with contextlib.suppress(RuntimeError):
                    list(walk)
            else:
                table[f"key {dice.randrange(12)}"] = [2]

    table = HashTable(2, 1.0)
    walk = iter(table)
    for _ in range(150):
        Garbage()
        key = f"key {dice.randrange(12)}"
        calls = [
            lambda: table.set(key, [key]),
            lambda: table.pop(key, None),
            lambda: table.popitem(),
            lambda: table.update({key: 1}),
            lambda: table.copy(),
            lambda: table.__reduce__(),
            lambda: table.buckets(),
            lambda: f"{table:full}",
            lambda: repr(table.items()),
            lambda: table.items() & {(key, 1)},
            lambda: table == table.copy(),
            lambda: iter(table).__reduce__(),
            lambda: table | {key: 1},
            lambda: table[key],
            lambda: list(zip(table, table.values())),
        ]
        walk = iter(table.items())
        try:
            dice.choice(calls)()
            walk.__reduce__()
            next(walk, None)
        except KeyError:
            pass
        except RuntimeError as error:
            assert str(error).startswith(("HashTable ", "dict "))
    gc.collect()
    assert_sound(table)


# ---- deep nests, elsewhere -------------------------------------------------------------------------------------------


def nest(depth, bottom):
    outer = bottom
    for _ in range(depth):
        outer = HashTable(1, 1.0).set("inner", outer)
    return outer


def test_a_deep_nest_goes_in_the_middle_of_a_lookup():
    gone = []
    nests = {"a": nest(30_000, Phoenix("bottom", gone.append))}

    def hash_func(key):
        nests.clear()
        return 1

    table = HashTable(4, 0.5, hash_func)
    table["a"] = 1
    assert list(table.items()) == [("a", 1)]
    assert len(gone) == 1


def test_a_deep_nest_whose_bottom_drops_another():
    """The waiting list of tables is worked off while it is being added to."""
    gone = []
    nests = [
        nest(5_000, Phoenix(number, lambda phoenix: (gone.append(phoenix.name), nests.pop()))) for number in range(5)
    ]
    nests.insert(0, None)
    while len(nests) > 1:
        nests.pop()
    assert sorted(gone) == list(range(5))


@pytest.mark.deep
def test_deep_nests_go_in_several_threads_at_once():
    """Each thread has a waiting list of its own."""
    gone = []

    def work():
        for _ in range(5):
            nest(3_000, Phoenix("bottom", lambda phoenix: gone.append(phoenix.name)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gone) == 20
