"""Hostile operands of a view's set operations: R21 of the list in src/extension/lib.rs. See test_reentrancy.py."""

from __future__ import annotations

import itertools
import operator

import pytest
from hostile import (
    HARMLESS,
    Thing,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from victims import (
    Source,
    Walk,
    a_table,
    case,
    each_act,
    nothing,
    shown,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


class HostileSet(set):
    """A set, hostile wherever an operation may touch it."""

    def spring(self):
        self.trap.spring()

    def __iter__(self):
        self.spring()
        return iter(list(super().__iter__()))

    def __len__(self):
        self.spring()
        return super().__len__()

    def __contains__(self, op):
        self.spring()
        return super().__contains__(op)


SET_OPERATIONS = {
    "&": operator.and_,
    "|": operator.or_,
    "-": operator.sub,
    "^": operator.xor,
    "& from the right": lambda view, other: operator.and_(other, view),
    "isdisjoint": lambda view, other: view.isdisjoint(other),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@each_act
@pytest.mark.parametrize("kind", ["set", "iterator"])
def test_r21_the_other_operand_of_a_set_operation_is_hostile(act, kind):
    """GUARD: a view owns its table, whatever becomes of the last other reference to it."""
    names = SET_OPERATIONS if kind == "set" else ("&", "|", "-", "^", "isdisjoint")
    for name, times in itertools.product(names, (1, 3)):
        with case(name, times):
            outcome = set_operation(act, kind, name, times)
            if act in HARMLESS:
                assert outcome == set_operation(nothing, kind, name, times)


def set_operation(act, kind, name, times):
    trap = Trap(act, times)
    trap.table = a_table(trap, hash)
    things = [Thing(None, f"pair {number}", number=number % 3) for number in range(6)]
    if kind == "set":
        other = HostileSet(things)
        other.trap = trap
    else:
        other = Walk(Source(trap, "next"), things)
    view = trap.table.keys()
    outcome = trap.run(lambda: SET_OPERATIONS[name](view, other))
    # CPython's own sets look at a set that they are given without calling its methods.
    assert trap.sprung >= 1 or (kind == "set" and name in ("|", "-", "^", "& from the right"))
    assert_sound(view.mapping.copy())
    return shown(outcome)
