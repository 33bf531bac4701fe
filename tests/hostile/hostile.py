"""Hostile code, for the tests that let it loose on a table, and what must hold of the table afterwards.

Hostile code sits in a `Thing`, which can be a key or a value, at one of the points where Python calls an object of the user's: its
hash, its comparison, its end. A `Trap` has the table, says what the code does there (one of `ACTS`) and how often, and counts
how often it did:

    trap = Trap(clears, times=1)
    trap.table = HashTable(8, 1.0)
    trap.table[Thing(trap, "a", at="eq")] = 1        # calm: nothing happens
    trap.run(lambda: trap.table.get(Thing(trap, "a")))   # compares, whereupon the table is cleared
    assert trap.sprung == 1

The trap has the only reference to its table, so that hostile code can do away with it in the middle of a call.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import itertools

import pytest

#: What a RuntimeError may say when hostile code has been at work.
COMPLAINTS = (
    "HashTable kept changing during a lookup",
    "HashTable changed size during iteration",
    "HashTable mutated during update",
    "dict mutated during update",
)


class Struck(Exception):
    """What hostile code raises, if it raises."""


class Trap:
    """A table, and hostile code that waits for its moment.

    Attributes:
        table: the table, or None when it has been destroyed.
        act: what the hostile code does: one of `ACTS`.
        times: how often.
        sprung: how often it has done so.
    """

    def __init__(self, act, times=1):
        self.table = None
        self.act = act
        self.times = times
        self.left = 0
        self.sprung = 0

    def spring(self):
        """To be called at the point where hostile code sits. It does not meet itself: whatever it calls finds all calm."""
        if self.left and self.table is not None:
            left, self.left = self.left, 0
            self.sprung += 1
            try:
                self.act(self)
            finally:
                self.left = left - 1

    def run(self, call):
        """Calls `call()` with hostile code at work.

        Returns:
            What it returned, or the class of what it raised: KeyError, Struck, or RuntimeError with one of `COMPLAINTS`.
        """
        self.left = self.times
        try:
            return call()
        except (KeyError, Struck) as error:
            return type(error)
        except RuntimeError as error:
            assert str(error) in COMPLAINTS
            return RuntimeError
        finally:
            self.left = 0


class Thing:
    """A key or a value at which hostile code may sit.

    Args:
        trap: whose code it is; None if there is none.
        name: things of one name are equal.
        at: where the code sits, any of the words hash, eq, bool, repr, del. Also `drop`: to be compared empties the table first.
        number: the hash.
    """

    __slots__ = ("__weakref__", "at", "name", "number", "trap")

    def __init__(self, trap, name, at="", number=1):
        self.trap = trap
        self.name = name
        self.at = at.split()
        self.number = number

    def __hash__(self):
        if "hash" in self.at:
            self.trap.spring()
        return self.number

    def __eq__(self, other):
        if not isinstance(other, Thing):
            return NotImplemented
        equal = self.name == other.name
        at = self.at + other.at
        trap = self.trap or other.trap
        if "drop" in at and trap.left:
            trap.table.clear()
        if "eq" in at:
            trap.spring()
        return TruthValue(trap, equal) if "bool" in at else equal

    def __repr__(self):
        if "repr" in self.at:
            self.trap.spring()
        return f"<{self.name}>"

    def __del__(self):
        if "del" in self.at:
            self.trap.spring()


class TruthValue:
    """What a comparison answers, if it is no bool. Hostile code sits at its `__bool__`."""

    def __init__(self, trap, answer):
        self.trap = trap
        self.answer = answer

    def __bool__(self):
        self.trap.spring()
        return self.answer


# ---- what hostile code does --------------------------------------------------------------------------------------------


def reads(trap):
    table = trap.table
    pairs = list(table.items())
    assert [table[key] for key in table] == [value for _, value in pairs]
    assert len(table.copy()) == len(table) == repr(table).count("*")
    assert f"{table:full}".startswith(f"size {table.size}, load {len(pairs)}")
    assert table.get(fresh()) is None


def copies(trap):
    table = trap.table
    for twin in (table.copy(), copy.copy(table), table | {}):
        assert list(map(id, twin)) == list(map(id, table))


def collects(trap):
    gc.collect()


def overwrites(trap):
    for key in list(trap.table):
        trap.table[key] = object()


def adds(trap):
    trap.table[fresh()] = object()


def grows(trap):
    for number in range(20):
        trap.table[fresh(number)] = object()


def pops_the_oldest(trap):
    for key in list(trap.table)[:1]:
        trap.table.pop(key)


def pops_the_newest(trap):
    with contextlib.suppress(KeyError):
        trap.table.popitem()


def takes_and_gives(trap):
    """As many pairs as before, but not the same: what deceives a guard that looks at the length."""
    pops_the_oldest(trap)
    adds(trap)


def clears(trap):
    trap.table.clear()


def refills(trap):
    """The same pairs in the same order, but all in other places."""
    pairs = list(trap.table.items())
    trap.table.clear()
    adds(trap)
    for key, value in pairs:
        trap.table[key] = value


def begins_anew(trap):
    trap.table.__init__(3, 0.9, trap.table.hash_func)


def hashes_otherwise(trap):
    """Another hash function, under which every key has another hash; and something filed under it."""
    trap.table.__init__(5, 1.0, three)
    trap.table[fresh()] = object()


def three(key):
    return 3


def restores(trap):
    trap.table.__setstate__(trap.table.__reduce__()[2])


def destroys(trap):
    trap.table = None


def raises(trap):
    raise Struck


#: What hostile code can do, by name.
ACTS = {
    act.__name__: act
    for act in (
        reads, copies, collects, overwrites, adds, grows, pops_the_oldest, pops_the_newest, takes_and_gives, clears, refills,
        begins_anew, hashes_otherwise, restores, destroys, raises,
    )
}  # fmt: skip

#: Those after which a call must end as if nothing had been.
HARMLESS = (reads, copies, collects)

_fresh = itertools.count()


def fresh(number=1):
    """A key that is equal to no other."""
    return Thing(None, f"fresh {next(_fresh)}", number=number)


# ---- what must hold afterwards -----------------------------------------------------------------------------------------


def assert_sound(table):
    """Asserts that a table is in order: every way to look at it shows the same pairs, each once and where it belongs."""
    pairs = list(table.items())
    keys = [key for key, _ in pairs]
    assert len(table) == table.load == len(pairs)
    assert same_objects(table, keys)
    assert same_objects(table.values(), [value for _, value in pairs])
    assert same_objects(reversed(table), keys[::-1])
    with contextlib.suppress(TypeError):  # unhashable keys, which the lookups below tell apart
        assert len(set(keys)) == len(keys), "a key is there twice"
    for key, value in pairs:
        assert key in table, f"{key!r} was lost"
        assert table[key] is value
    buckets = table.buckets()
    assert len(buckets) == table.size
    assert sorted(id(key) for bucket in buckets for key, _ in bucket) == sorted(map(id, keys))
    assert all(table.bucket_of(key) == number for number, bucket in enumerate(buckets) for key, _ in bucket)
    assert table.load <= table.max_load * table.size
    assert repr(table) == "".join("[]" + "*" * len(bucket) + "\n" for bucket in buckets)


def same_objects(one, other):
    """Are these the very same objects in the same order?"""
    return list(map(id, list(one))) == list(map(id, list(other)))


@pytest.fixture(scope="module", autouse=True)
def quick_collections():
    """Collections look at what the tests make, and not each time at everything that the test run has loaded."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
