"""The garbage collector in the middle of a call: R10 and R11 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import gc
import operator
import sys
import weakref

import hostile
import pytest
from hostile import (
    Thing,
    Trap,
    assert_sound,
    fresh,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    a_table,
    each_act,
    each_harsh_act,
    nothing,
    number_of,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


GC_RUNS_IN_ALLOCATION = sys.version_info < (3, 12)


def make_garbage(trap):
    """A cycle whose end is hostile."""
    cycle = [Thing(trap, "garbage", "del")]
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
    "iter": lambda trap: iter(trap.table),
    "reversed": lambda trap: reversed(trap.table),
    "keys": lambda trap: trap.table.keys(),
    "values": lambda trap: trap.table.values(),
    "items": lambda trap: trap.table.items(),
    "iter of a view": lambda trap: iter(trap.view),
    "next of items": lambda trap: next(trap.walk),
    "reduce of an iterator": lambda trap: trap.walk.__reduce__(),
    "list of items": lambda trap: list(trap.view),
    "repr of a view": lambda trap: repr(trap.view),
    "popitem": lambda trap: trap.table.popitem(),
    "buckets": lambda trap: trap.table.buckets(),
    "stats": lambda trap: trap.table.stats(),
    "copy": lambda trap: trap.table.copy(),
    "|": lambda trap: trap.table | trap.other,
    "dict |": lambda trap: operator.or_(trap.empty, trap.table),
    "reduce": lambda trap: trap.table.__reduce__(),
    "setstate": lambda trap: trap.table.__setstate__(trap.state),
    "full picture": lambda trap: f"{trap.table:full}",
    "KeyError": lambda trap: trap.table[trap.absent],
    "keys &": lambda trap: trap.view_of_keys & trap.keys,
    "keys |": lambda trap: trap.view_of_keys | trap.keys,
    "new": lambda trap: HashTable(),
}


class CollectorTrap(Trap):
    """A trap with more on it, made before the collector may run."""

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
        result = ALLOCATING[name](trap)
        for _ in (1, 2):
            pass  # where the collector may run from 3.12 on
        return result

    # The first time is a rehearsal: until 3.10 a function that has not been called before allocates its frame.
    for act_now in (nothing, act):
        trap = CollectorTrap(act_now)
        trap.prepare()
        with_the_collector(lambda: trap.run(call), lambda: make_garbage(trap))
    if GC_RUNS_IN_ALLOCATION:
        assert trap.sprung == 1, "the collector did not run"
    if trap.table is not None:
        assert_sound(trap.table)


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
        try:
            pair = collected_during(walk.__next__, lambda: (table.clear(), [str(n) + "filler" for n in range(500)]))
        except RuntimeError:
            # Between two instructions may also be before the call: then the iterator has noticed it.
            assert not GC_RUNS_IN_ALLOCATION and len(table) == 0
            continue
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
        if not GC_RUNS_IN_ALLOCATION and buckets == [[] for _ in range(8)]:
            continue  # the collector ran before the call
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

    trap = Trap(act)
    trap.table = HashTable(4, 0.5, id)
    inner = (HashTable if kind == "HashTable" else Sub)(8, 1.0)
    inner["content"] = Thing(None, "content")
    number = id(inner)
    seen = []

    def callback(reference):
        seen.append(reference())
        seen.extend(op for op in gc.get_objects() if id(op) == number and isinstance(op, HashTable))
        trap.spring()

    reference = weakref.ref(inner, callback)
    trap.table["inner"] = inner
    del inner
    trap.run(lambda: trap.table.clear())
    assert trap.sprung == 1 or act is hostile.destroys
    assert seen == [None]
    assert reference() is None
    assert trap.table is None or assert_sound(trap.table) is None
