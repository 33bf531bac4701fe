"""The output of the traced build's announcements is hostile: R20 of the list in src/extension/lib.rs. See test_reentrancy.py."""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import gc
import importlib
import itertools
import sys

import pytest
from hostile import (
    Thing,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from victims import (
    EMPTYING,
    LOOKUPS,
    case,
    each_harsh_act,
    shown,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


class Out:
    """A `sys.stdout` at which hostile code sits: at the `nth` line that is written to it."""

    def __init__(self, trap, nth):
        self.trap = trap
        self.nth = nth
        self.lines = 0

    def write(self, text):
        if text.strip() and self.trap.left:
            self.lines += 1
            if self.lines == self.nth:
                self.trap.spring()

    def flush(self):
        pass


@pytest.fixture
def announcing():
    """The traced module, announcing what it does."""
    try:
        traced = importlib.import_module("hashtable_traced")
    except ImportError:
        pytest.skip("the traced module is not installed")
    # What the collector takes apart announces its end, which would come in between at any time.
    gc.collect()
    gc.disable()
    yield traced
    gc.enable()
    traced.announce(False)


@each_harsh_act
def test_r20_the_output_of_announcements_is_hostile(act, announcing, monkeypatch):
    """GUARD: what is about to be compared is owned before anything is printed."""
    for name in (*LOOKUPS, "clear", "init", "setstate", "dealloc"):
        with case(name):
            announcements_are_hostile(act, name, announcing, monkeypatch)


def announcements_are_hostile(act, name, announcing, monkeypatch):
    for key_name in ("pair 4", "absent") if name in LOOKUPS else ("pair 4",):
        for nth in itertools.count(1):
            trap = Trap(act)
            announcing.announce(False)
            trap.table = announcing.HashTable(8, 1.0, lambda key: getattr(key, "number", 0))
            for number in range(6):
                trap.table[Thing(trap, f"pair {number}", number=number % 3)] = Thing(trap, f"value {number}")
            key, value = Thing(trap, key_name), Thing(trap, "new")
            made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
            made["table"] = announcing.HashTable(hash_func=id).set(key, value)
            if name == "dealloc":
                trap.table["inner"] = announcing.HashTable().set("a", Thing(trap, "inner value"))
            announcing.announce(True)
            monkeypatch.setattr(sys, "stdout", Out(trap, nth))
            if name in LOOKUPS:
                trap.run(lambda: shown(LOOKUPS[name](lambda: trap.table, key, made)))
            else:
                trap.run(lambda: EMPTYING[name](trap) and None)
            monkeypatch.undo()
            announcing.announce(False)
            if not trap.sprung:
                break
            assert trap.table is None or assert_sound(trap.table) is None
        assert nth > 2, "there was nothing to be hostile at"
