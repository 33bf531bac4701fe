"""Hostile code in the middle of a lookup: R1 to R4 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import functools

import pytest
from hostile import (
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
    lookups_bear,
    number_of,
    number_of_first,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


@each_act
def test_r01_the_hash_function_is_hostile(act):
    def make(trap):
        def hash_func(key):
            trap.spring()
            return key.number

        return a_table(trap, hash_func)

    lookups_bear(act, make, "")


@each_act
def test_r02_the_hash_of_a_key_is_hostile(act):
    lookups_bear(act, lambda trap: a_table(trap, hash), "hash")


@each_act
@pytest.mark.parametrize("ask", ["hash_of", "bucket_of"])
@pytest.mark.parametrize("hash_func", [hash, number_of], ids=["R2", "R1"])
def test_r01_r02_asking_for_a_hash(act, ask, hash_func):
    trap = Trap(act)
    key = Thing(trap, "key", "hash")
    trap.table = a_table(trap, hash if hash_func is hash else (lambda key: hash(key)))
    outcome = trap.run(lambda: getattr(trap.table, ask)(key))
    assert trap.sprung == 1
    assert outcome in (1, Struck)
    assert trap.table is None or assert_sound(trap.table) is None


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
    lookups_bear(act, lambda trap: a_table(trap, key_at="drop del"), "", harmless=())
