"""Hostile sources of an update: R12 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import contextlib

import hostile
import pytest
from hostile import (
    HARMLESS,
    Thing,
    Trap,
    assert_sound,
    fresh,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    Source,
    Walk,
    a_table,
    each_act,
    pairs_of,
    shown,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


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
        pair = (Thing(self.trap, f"pair {number}", at, number % 3), Thing(self.trap, "new", at))
        return Walk(self, list(pair), "pair") if self.at == "pair" else pair


SOURCES = [(Source, at) for at in ("keys", "iter", "next", "getitem")]
SOURCES += [(Pairs, at) for at in ("getattr", "iter", "next", "pair", "yielded")]


@each_act
@pytest.mark.parametrize(("kind", "at"), SOURCES, ids=[f"{kind.__name__}-{at}" for kind, at in SOURCES])
@pytest.mark.parametrize("call", ["update", "__ior__"])
def test_r12_the_source_of_an_update_is_hostile(act, kind, at, call):
    for times in (1, 100):
        trap = Trap(act, times)
        trap.table = a_table(trap)
        source = kind(trap, at)
        outcome = trap.run(lambda: shown(getattr(trap.table, call)(source)))
        assert trap.sprung >= 1
        if trap.table is None:
            continue
        assert_sound(trap.table)
        if act in HARMLESS:
            assert outcome in ("None", "a table")
            assert [repr(key) for key in trap.table] == [f"<pair {number}>" for number in range(8)]


@each_act
@pytest.mark.parametrize("into", ["itself", "another"])
@pytest.mark.parametrize("name", ["update", "|=", "|", "fromkeys"])
def test_r12_a_table_that_is_read_by_an_update_changes(act, into, name):
    """GUARD: a source that changes is noticed, and the pair that is on its way is owned."""

    def hash_func(key):
        trap.spring()
        return key.number

    for times in (1, 3):
        trap = Trap(act, times)
        trap.table = a_table(trap, hash_func)
        target = trap.table if into == "itself" else HashTable(2, 1.0, hash_func)
        getters = {
            "update": lambda: target.update(trap.table),
            "|=": lambda: target.__ior__(trap.table),
            "|": lambda: target | trap.table,
            "fromkeys": lambda: type("Sub", (HashTable,), {"__init__": hashing_by_id}).fromkeys(trap.table),
        }

        def hashing_by_id(self):
            self.__setstate__(HashTable(4, 0.5, hash_func).__reduce__()[2])

        outcome = trap.run(getters[name])
        assert trap.sprung >= 1
        assert_sound(target)
        if trap.table is None:
            continue
        assert_sound(trap.table)
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
