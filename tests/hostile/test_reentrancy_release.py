"""Hostile code in what leaves the table, at its end: R5 to R9 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import gc

import hostile
import pytest
from hostile import (
    Thing,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    EMPTYING,
    LOOKUPS,
    REMOVING,
    ClearsInRepr,
    a_table,
    case,
    each_act,
    fill_with_traps,
    look_up,
    number_of,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


OVERWRITING = ["[]=", "set", "update by pairs", "update by dict", "update by table", "|="]


@each_act
def test_r05_an_overwritten_value_goes(act):
    for name in OVERWRITING:
        with case(name):
            trap, _, _ = look_up(name, act, 1, lambda trap: a_table(trap, value_at="del"), "pair 4", "")
            assert trap.sprung == 1
            assert trap.table is None or assert_sound(trap.table) is None


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
    trap = Trap(act)
    trap.table = a_table(trap, **{f"{at}_at": "del"})
    key = Thing(trap, "pair 4")

    def call():
        LOOKUPS[name](lambda: trap.table, key, {})  # the value that `pop` returns goes at once
        return trap.table is None or key not in trap.table

    assert trap.run(call) in (True, KeyError)
    assert trap.sprung == 1
    assert trap.table is None or assert_sound(trap.table) is None


@each_act
@pytest.mark.parametrize("name", EMPTYING)
def test_r07_the_pairs_of_an_emptied_table_go(act, name):
    """GUARD: a table is empty, and in order, before the first of its pairs is given up."""
    for times in (1, 3, 100):
        trap = Trap(act, times)
        trap.table = table = HashTable(8, 1.0, lambda key: getattr(key, "number", 0))
        if name == "dealloc":
            # What goes is in a table of its own, and what its content does hits the table around it.
            trap.table["inner"] = table = HashTable(8, 1.0, number_of)
        fill_with_traps(trap, table)
        if name == "a snapshot":
            table[Thing(trap, "last")] = ClearsInRepr(trap, "clears")
        del table
        trap.run(lambda: EMPTYING[name](trap))
        assert trap.sprung >= min(times, 2) or trap.table is None or act is hostile.destroys
        if trap.table is not None:
            assert_sound(trap.table)


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

    def __init__(self, trap):
        self.trap = trap

    def __float__(self):
        self.trap.spring()
        return 0.75

    def __bool__(self):
        self.trap.spring()
        return True

    def __index__(self):
        self.trap.spring()
        return 16


@each_act
def test_r08_parameters_of_init_are_hostile(act):
    for arguments, named in (((4,), {"max_load": True}), ((4, 0.5), {"typed": True}), ((4, 1), {"typed": True})):
        trap = Trap(act, 3)
        trap.table = a_table(trap)
        arguments = [arguments[0], *(Number(trap) for _ in arguments[1:])]
        named = {name: Number(trap) for name in named}
        outcome = trap.run(lambda: trap.table.__init__(*arguments, hash_func=number_of, **named))
        assert trap.sprung >= 1
        if trap.table is None:
            continue
        assert_sound(trap.table)
        if outcome is None:
            assert (len(trap.table), trap.table.size, trap.table.hash_func) == (0, 4, number_of)


@each_act
def test_r08_parameters_of_a_state_are_hostile(act):
    for place in (0, 1, 2, 4):
        trap = Trap(act)
        trap.table = a_table(trap)
        state = [16, 16, 0.75, number_of, True, [(Thing(None, "a"), 1)], None, None]
        state[place] = Number(trap)
        outcome = trap.run(lambda: trap.table.__setstate__(tuple(state)))
        assert trap.sprung == 1
        if trap.table is None:
            continue
        assert_sound(trap.table)
        if outcome is None:
            assert (len(trap.table), trap.table.size, trap.table.max_load) == (1, 16, 0.75)


class HashFunction:
    """A hash function at whose end hostile code sits."""

    def __init__(self, trap, replaced_by=None):
        self.trap = trap
        self.replaced_by = replaced_by

    def __call__(self, key):
        if self.replaced_by is not None and self.trap.left and self.trap.table is not None:
            self.trap.table.__init__(8, 1.0, self.replaced_by)
        return key.number

    def __del__(self):
        self.trap.spring()


REPLACING = {
    "init": lambda trap: trap.table.__init__(4, 0.5, number_of),
    "init without arguments": lambda trap: trap.table.__init__(),
    "setstate": lambda trap: trap.table.__setstate__(HashTable(2, 1.0, number_of).__reduce__()[2]),
    "in a call": lambda trap: trap.table.set(Thing(None, "new"), "value"),
    "in asking": lambda trap: trap.table.bucket_of(Thing(None, "new")),
}


@each_act
@pytest.mark.parametrize("name", REPLACING)
def test_r09_a_hash_function_goes(act, name):
    trap = Trap(act)
    trap.table = HashTable(8, 1.0, HashFunction(trap, number_of if name.startswith("in ") else None))
    for number in range(4):
        trap.table[Thing(None, f"pair {number}", number=number)] = number
    trap.run(lambda: REPLACING[name](trap))
    assert trap.sprung == 1
    if trap.table is not None:
        assert_sound(trap.table)
        if name == "in a call" and act not in (hostile.destroys, hostile.raises):
            assert Thing(None, "new") in trap.table


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
