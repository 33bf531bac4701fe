"""Hostile code in what leaves the table, at its end: R5 to R9 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import gc

import hostile
import pytest
from hostile import (
    Stage,
    Thing,
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
