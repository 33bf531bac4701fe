"""Hostile code while tables are compared: R13 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import itertools

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
    long_tuple,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


@each_act
@pytest.mark.parametrize("at", ["eq", "bool", "drop del", "eq del"])
@pytest.mark.parametrize("with_what", ["a table", "a dict", "a subclass", "itself on the right"])
def test_r13_values_that_are_compared_are_hostile(act, at, with_what):
    """GUARD: both values, and the key, are owned during the comparison."""
    for times in (1, 3):
        trap = Trap(act, times)
        trap.table = a_table(trap, hash, value_at=at)
        # Built anew: equal values, but not the same objects, which would not be compared.
        kind = {"a dict": dict, "a subclass": type("Sub", (HashTable,), {})}.get(with_what, HashTable)
        other = kind()
        for number in range(6):
            other[Thing(trap, f"pair {number}", number=number % 3)] = Thing(trap, f"value {number}")
        if with_what == "itself on the right":
            outcome = trap.run(lambda: other == trap.table)
        else:
            outcome = trap.run(lambda: trap.table == other)
        assert trap.sprung >= 1 or "drop" in at or at == "eq del"
        assert outcome in (True, False, Struck, RuntimeError)
        if trap.table is not None:
            assert_sound(trap.table)
        if act in HARMLESS and "drop" not in at:
            assert outcome is True


@each_act
@pytest.mark.parametrize("at", ["eq", "bool", "drop del"])
def test_r13_values_that_are_looked_for_among_the_items(act, at):
    """GUARD: the value that was found is owned during the comparison."""
    for name, times in itertools.product(("in", "&", "isdisjoint", "<=", "=="), (1, 3)):
        trap = Trap(act, times)
        trap.table = a_table(trap, hash, value_at=at)
        pair = (Thing(trap, "pair 4"), Thing(trap, "value 4"))
        calls = {
            "in": lambda: pair in trap.table.items(),
            "&": lambda: len(trap.table.items() & [pair]) == 1,
            "isdisjoint": lambda: not trap.table.items().isdisjoint([pair]),
            "<=": lambda: {pair} <= trap.table.items(),
            "==": lambda: trap.table.items() != {pair},
        }
        outcome = trap.run(calls[name])
        assert trap.sprung >= 1 or name in ("<=", "==") or "drop" in at
        assert outcome in (True, False, Struck, RuntimeError)
        if trap.table is not None:
            assert_sound(trap.table)
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
