"""Hostile code between two steps of an iterator: R17 and R22 of the list in src/extension/lib.rs. See test_reentrancy.py."""

from __future__ import annotations

import contextlib
import copy

import hostile
import pytest
from hostile import (
    HARMLESS,
    Struck,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    a_table,
    each_act,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


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
    trap = Trap(act)
    trap.table = a_table(trap)
    order = [repr(key) for key in trap.table]
    walk = {"iter": iter, "reversed": reversed}.get(walk_of, lambda table: iter(getattr(table, walk_of)()))(trap.table)
    first = next(walk)
    with contextlib.suppress(Struck):
        act(trap)
    reads_only = act in (*HARMLESS, hostile.overwrites, hostile.destroys, hostile.raises)
    if reads_only:
        assert 1 + len(list(walk)) == len(order)
    else:
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"^HashTable changed size during iteration$"):
                next(walk)
        assert walk.__length_hint__() == 0
    del first
    assert trap.table is None or assert_sound(trap.table) is None


@each_act
@pytest.mark.parametrize("keeps", [False, True])
def test_r22_an_iterator_gives_up_what_it_yielded(act, keeps):
    """The tuple that was yielded last is the last owner of a value that goes when the next one is yielded."""
    for at in range(3):
        give_up_what_was_yielded(act, keeps, at)


def give_up_what_was_yielded(act, keeps, at):
    trap = Trap(act)
    trap.table = a_table(trap)
    walk = iter(trap.table.items())
    place, kept = list(trap.table)[at], []

    class Value:
        def __del__(self):
            with contextlib.suppress(Struck, RuntimeError):
                kept.append(next(walk, None))
            with contextlib.suppress(Struck):
                act(trap)

    trap.table[place] = Value()
    with contextlib.suppress(Struck, RuntimeError):
        for number, pair in enumerate(walk):
            if keeps:
                kept.append(pair)
            del pair
            if number == at and trap.table is not None:
                trap.table[place] = None
    pairs = [pair for pair in kept if pair is not None]
    assert all(type(pair) is tuple and len(pair) == 2 for pair in pairs)
    assert len({id(pair) for pair in pairs}) == len(pairs)
    assert trap.table is None or assert_sound(trap.table) is None
