"""From bytecode to slot: each line lands where the book says, with the CPython that runs this.

The program is the book's own. The instructions differ from version to version and are no interface; the slots are.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

traced = pytest.importorskip("hashtable_traced", reason="the traced build is not installed")

PROGRAM = Path(__file__).resolve().parents[2] / "docs" / "programs" / "from_bytecode_to_slot.py"

pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="the source is not at hand")

#: For each line the slots and methods in which it lands, and from which instructions, on one version or another.
LANDINGS = {
    "h[k]": [("the slot mp_subscript", "BINARY_SUBSCR BINARY_OP")],
    "h[k] = v": [("the slot mp_ass_subscript", "STORE_SUBSCR")],
    "del h[k]": [("the slot mp_ass_subscript", "DELETE_SUBSCR")],
    "k in h": [("the slot sq_contains", "CONTAINS_OP")],
    "h.set(k, v)": [("the method set", "CALL CALL_METHOD")],
    "len(h)": [("the slot mp_length", "CALL CALL_FUNCTION")],
    "for key in h: pass": [("the slot tp_iter", "GET_ITER"), ("the slot tp_iternext", "FOR_ITER")],
}


@pytest.fixture(scope="module")
def program():
    """The names that the program defines."""
    return runpy.run_path(str(PROGRAM))


def landings(program, statement, table):
    """The slot of each announcement, and the instruction during which it came."""
    carried_out = program["carry_out"](statement, table, "pi", 3.14159)
    return [(program["slot_of"](words), instruction.opname) for instruction, words in carried_out if words is not None]


@pytest.fixture
def table():
    traced.announce(False)
    return traced.HashTable().set("pi", 3.14159)


def test_the_program_shows_all_of_them(program):
    assert program["STATEMENTS"] == list(LANDINGS)


@pytest.mark.parametrize("statement", LANDINGS)
def test_a_line_lands_in_its_slot(program, statement, table):
    seen = landings(program, statement, table)
    assert [slot for slot, _ in seen] == [slot for slot, _ in LANDINGS[statement]]
    for (_, instruction), (_, expected) in zip(seen, LANDINGS[statement]):
        assert instruction in expected.split()


def test_control_a_class_in_between_keeps_a_line_from_its_slot(program):
    class Elsewhere(traced.HashTable):
        def __getitem__(self, key):
            return "caught"

    traced.announce(False)
    table = Elsewhere().set("pi", 3.14159)
    assert landings(program, "h[k]", table) == []
    assert [slot for slot, _ in landings(program, "k in h", table)] == ["the slot sq_contains"]


def test_control_words_that_nobody_says_have_no_slot(program):
    assert program["slot_of"]("h['pi'] is wanted") is None
    assert program["slot_of"]("the hash of 'pi' is 2") is None
