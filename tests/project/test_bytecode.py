"""From bytecode to slot: each line lands where the book says, with the CPython that runs this.

The program is the book's own. The instructions differ from version to version and are no interface; the slots are.
"""

from __future__ import annotations

import dis
import importlib.util
import os
import runpy
import subprocess
import sys
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


# ---- from source to bytecode -----------------------------------------------------------------------------------------

BYTECODE = PROGRAM.parent / "bytecode"


def printed(program: str, **variables: str) -> list[str]:
    """The lines that a program of the chapter on bytecode prints."""
    command = [sys.executable, BYTECODE / program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **variables})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_compiled_file_is_read_by_hand():
    said = "\n".join(printed("pyc.py"))
    assert f"the version of the bytecode: {int.from_bytes(importlib.util.MAGIC_NUMBER[:2], 'little')}" in said
    assert "time and size are those of the source: True" in said and said.endswith("the right one: True")
    # Controls: another version, and a file that was cut.
    assert "with another version:       ImportError: bad magic number" in said
    assert "cut after 30 bytes:         EOFError" in said


def test_the_stack_before_each_instruction():
    program = runpy.run_path(str(BYTECODE / "stack.py"))
    h, k = {}, program["Key"]()
    h[k] = 41
    seen = program["watched"](h, k)
    names = {one.offset: one.opname for one in dis.get_instructions(program["shown"])}
    ((_, stack, count),) = [
        one for one in seen if names[one[0]] in ("BINARY_SUBSCR", "BINARY_OP") and one[1] != ["41", "1"]
    ][:1]
    # A stack that borrows does not count: from 3.14 on.
    assert count == (0 if sys.version_info >= (3, 14) else 1)
    if sys.version_info[:2] not in ((3, 12), (3, 13)):
        assert stack == ["h", "k"]
        assert [one[1] for one in seen][-2:] == [["41", "1"], ["42"]]
    # Control: of objects that are not its variables it cannot say where its stack begins.
    assert program["stack_of"]((object(), 1), [h, k]) is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="instructions are specialised from 3.11 on")
def test_an_instruction_gets_hot():
    cold, on_dict, on_table, on_list = printed("hot.py")[1:5]
    assert cold.startswith("  as compiled:") and "SUBSCR_DICT" not in cold
    assert "SUBSCR_DICT" in on_dict and "SUBSCR_LIST_INT" in on_list
    assert "a HashTable" in on_table and "SUBSCR_DICT" not in on_table and "SUBSCR_LIST" not in on_table


def test_a_hash_function_is_profiled():
    program = runpy.run_path(str(BYTECODE / "profiled.py"))
    found = program["by_cprofile"]()
    get, set_ = (f"<method '{name}' of 'hashtable.HashTable' objects>" for name in ("get", "set"))
    assert found["hash_of"] == (1001, [get, set_]) and found[get] == (1000, ["work"])
    assert any("hash_in_perf" in line or "no names" in line for line in printed("profiled.py")[-1:])


def test_the_record_shows_the_extension_with_every_version():
    hot, profiled = ((PROGRAM.parents[1] / f"bytecode-{name}.txt").read_text("utf-8") for name in ("hot", "profiled"))
    parts = [part.splitlines() for part in hot.split("CPython ")[1:] if "with PYTHON_JIT" not in part]
    versions = [part[0] for part in parts]
    assert {"3.9", "3.14", "3.15"} <= set(versions)
    assert [part[0] for part in parts if any("a HashTable" in line for line in part)] == versions
    assert [line.split(":")[0] for line in profiled.splitlines()] == [f"CPython {version}" for version in versions]
