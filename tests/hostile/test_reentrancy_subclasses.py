"""Hostile pictures, hashes and subclasses: R14 to R16, R18 and R19 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.

from __future__ import annotations

import copy
import functools
import pickle

import hostile
import pytest
from hostile import (
    HARMLESS,
    Struck,
    Thing,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    a_table,
    each_act,
    lookups_bear,
    nothing,
    number_of,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


DRAWING = {
    "full picture": lambda trap: f"{trap.table:full}",
    "repr of keys": lambda trap: repr(trap.table.keys()),
    "repr of values": lambda trap: repr(trap.table.values()),
    "repr of items": lambda trap: repr(trap.table.items()),
}


@each_act
@pytest.mark.parametrize("name", DRAWING)
@pytest.mark.parametrize("at", ["key", "value"])
def test_r14_a_repr_is_hostile(act, name, at):
    """GUARD: the long picture is drawn from a snapshot, views from a list: all that is drawn is owned."""
    trap = Trap(act, 2)
    trap.table = a_table(trap, **{f"{at}_at": "repr"})
    calm = Trap(nothing)
    calm.table = a_table(calm)
    outcome = trap.run(lambda: DRAWING[name](trap))
    seen = trap.sprung
    assert seen >= 1 or f"{at}s" not in name
    if trap.table is not None:
        assert_sound(trap.table)
    if act is not hostile.raises or not seen:
        assert outcome == DRAWING[name](calm)


@each_act
def test_r14_the_repr_of_the_hash_function_is_hostile(act):
    class Function:
        def __call__(self, key):
            return key.number

        def __repr__(self):
            trap.spring()
            return "<function>"

    trap = Trap(act)
    trap.table = a_table(trap, Function())
    outcome = trap.run(lambda: f"{trap.table:full}")
    assert trap.sprung == 1
    assert outcome is Struck or outcome.startswith("size 8, load 6, max_load 1.0, hash_func <function>, typed\n[0]\n")
    assert trap.table is None or assert_sound(trap.table) is None


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
                trap.spring()
            return self

        def __call__(self, key):
            if where == "in the call":
                trap.spring()
            return f"no {key!r}"

    class Sub(HashTable):
        __missing__ = Missing()

    trap = Trap(act)
    trap.table = Sub(8, 1.0, number_of)
    trap.table[Thing(None, "there")] = 1
    absent = Thing(None, "absent")
    outcome = trap.run(lambda: trap.table[absent])
    assert trap.sprung == 1
    assert outcome in ("no <absent>", Struck)
    assert trap.table is None or assert_sound(trap.table) is None


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
            self.trap.spring()

    def make(trap):
        def hash_func(key):
            answer = Hash(key.number)
            answer.trap = trap
            return answer

        return a_table(trap, hash_func)

    lookups_bear(act, make, "", harmless=() if act is hostile.raises else HARMLESS)


def test_r16_a_hash_beyond_64_bits_is_read_before_it_goes():
    """GUARD: the answer is given up when it has been read."""

    class Hash(int):
        def __del__(self):
            [int(str(number) * 20) for number in range(100)]

    table = HashTable(4, 0.5, lambda key: Hash(10**50 + key))
    for number in range(100):
        assert table.hash_of(number) == hash(10**50 + number)


@each_act
@pytest.mark.parametrize("where", ["new", "init", "setitem"])
def test_r18_fromkeys_calls_a_hostile_class(act, where):
    class Sub(HashTable):
        def __new__(cls):
            if where == "new":
                trap.spring()
                # An exact HashTable, and one that is known elsewhere.
                return trap.table
            return super().__new__(cls)

        def __init__(self):
            if where == "init":
                trap.spring()
            super().__init__(4, 0.5, number_of)

        def __setitem__(self, key, value):
            if where == "setitem":
                trap.spring()
            super().__setitem__(key, value)

    trap = Trap(act, 2)
    trap.table = a_table(trap)
    keys = [Thing(None, f"new {number}", number=number) for number in range(5)]
    try:
        outcome = trap.run(lambda: Sub.fromkeys(keys, "value"))
    except TypeError:
        # From `__new__` of a table that has been destroyed comes None, which takes no items.
        assert trap.table is None
        return
    assert trap.sprung >= 1
    if isinstance(outcome, HashTable):
        assert_sound(outcome)
        assert all(outcome[key] == "value" for key in keys)
    assert trap.table is None or assert_sound(trap.table) is None


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
    trap = Trap(act, 3)
    trap.table = a_subclass(trap)
    outcome = trap.run(lambda: call(trap.table))
    assert trap.sprung >= 1
    if isinstance(outcome, HashTable):
        assert_sound(outcome)
    assert trap.table is None or assert_sound(trap.table) is None


class Slotted(HashTable):
    """A subclass with slots and with attributes, at which hostile code sits."""

    __slots__ = ("__dict__", "one", "two")
    traps: list = []  # noqa: RUF012

    def __getattribute__(self, name):
        for trap in Slotted.traps:
            if not name.startswith("__s") and name != "__reduce_ex__" and trap.left:
                trap.spring()
        return super().__getattribute__(name)

    def __setattr__(self, name, value):
        for trap in Slotted.traps:
            trap.spring()
        super().__setattr__(name, value)


def a_subclass(trap):
    table = Slotted(8, 1.0)
    Slotted.traps[:] = [trap]
    for number in range(6):
        table[f"pair {number}"] = number
    table.one, table.two, table.three = 1, 2, 3
    return table


@each_act
def test_r19_attributes_are_written_by_a_hostile_class(act):
    trap = Trap(act, 3)
    trap.table = a_subclass(trap)
    state = trap.table.__reduce__()[2]
    assert state[-2:] == ({"three": 3}, {"one": 1, "two": 2})
    trap.table.pop("pair 5")
    outcome = trap.run(lambda: trap.table.__setstate__(state))
    assert trap.sprung >= 1
    if trap.table is not None:
        assert_sound(trap.table)
        if outcome is None:
            assert list(trap.table) == [f"pair {number}" for number in range(6)]
            assert (trap.table.one, trap.table.two, trap.table.three) == (1, 2, 3)


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
