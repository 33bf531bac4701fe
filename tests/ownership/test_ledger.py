"""The ledger of the traced build, read from Python: events with their lines, findings, blocks in blocks, a suite's fixture.

What each kind of finding looks like is seen on an extension with bugs of its own, in test_ledger_elsewhere.py; here the broken
ones are specimens of the table.
"""

from __future__ import annotations

import gc
import importlib
import re
import shutil
import sys
from pathlib import Path

import pytest
import subject

audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")
traced = pytest.importorskip("hashtable_traced", reason="the traced build is not installed")
if not audit.has_a_ledger(traced):
    pytest.skip("the traced build keeps no ledger", allow_module_level=True)
traced.announce(False)


class Thing:
    """Something mortal."""


def busy():
    """Does a little of everything."""
    thing, other = Thing(), Thing()
    table = traced.HashTable(4, 0.5, lambda key: 7)
    table.set(thing, other).set(other, thing)
    table[thing] = thing
    assert table.get(other) is thing
    assert table.pop(thing) is thing
    assert list(table.items()) == [(other, thing)]
    table.clear()
    del table
    gc.collect()


# ---- events ----------------------------------------------------------------------------------------------------------

#: What the line of each kind of event says. A reference is taken and given back under several names.
WORDS = {
    "incref": r"Py_INCREF|Py_NewRef",
    "decref": r"Py_X?DECREF|Py_X?SETREF|Py_CLEAR|release|or_give_back",
    "new": r"\w+\(",
    "borrowed": r"borrowed\(\)|Py_None|Py_NotImplemented|Py_True|Py_False|GET_ITEM|GetItem|Next",
    "returned": r"give\(",
    "stolen": r"SET_ITEM|SetItem|Restore|SetRaisedException|AddObject",
    "stored": r"store\(|fill_field|replace_field|Py_X?SETREF",
    "taken": r"take\(|replace_field|Py_X?SETREF|Py_CLEAR",
}


def test_there_are_events_of_each_kind_on_the_lines_that_say_so(source):
    with audit.ledger(traced) as opened:
        busy()
    assert {event.what for event in opened.events} >= set(WORDS) - {"stolen"}
    lines = {}
    for event in opened.events:
        if event.line == 0:
            assert event.what == "returned"  # by a function that does not say so itself
            continue
        if event.file not in lines:
            lines[event.file] = (source / event.file).read_text(encoding="utf-8").splitlines()
        # A call may go over several lines.
        text = "\n".join(lines[event.file][event.line - 1 : event.line + 3])
        assert re.search(WORDS[event.what], text), (event, text)


def test_what_happens_to_one_object_in_order():
    thing = Thing()
    table = traced.HashTable()
    before = sys.getrefcount(thing)
    with audit.ledger(traced) as opened:
        table.set("key", thing)
        table.get("key")
        table.pop("key")
    its = [event for event in opened.events if event.address == id(thing)]
    assert {event.type for event in its} == {"Thing"}
    assert [(event.what, event.function) for event in its] == [
        ("incref", "HashTable.set"),
        ("stored", "HashTable.set"),
        ("borrowed", "HashTable.get"),
        ("incref", "HashTable.get"),
        ("returned", "HashTable.get"),
        ("taken", "HashTable.pop"),
        ("returned", "HashTable.pop"),
    ]
    # The count as it was after each event; getrefcount has one of its own, as the call of `set` may have.
    counts = [event.count - its[0].count for event in its]
    assert counts[1] == 0
    assert counts[3] == counts[2] + 1
    assert counts[5] == counts[6]
    assert sys.getrefcount(thing) == before


def test_without_a_record_there_are_no_events():
    with audit.ledger(traced, record=False) as opened:
        busy()
    assert opened.events == []
    assert opened.balanced


# ---- blocks ----------------------------------------------------------------------------------------------------------


def test_a_block_in_a_block():
    with audit.ledger(traced) as outer:
        traced.HashTable()
        with audit.ledger(traced) as inner:
            assert inner.events == []
            traced.HashTable()
        after = len(outer.events)
        traced.HashTable()
    assert 0 < len(inner.events) < after < len(outer.events)
    assert outer.balanced
    assert inner.balanced
    assert inner.events == outer.events[len(outer.events) - after : after][-len(inner.events) :]


def test_a_closed_block_stands_still():
    with audit.ledger(traced) as opened:
        busy()
    events = opened.events
    busy()
    assert opened.events == events


def test_nobody_can_tell_of_a_block_without_calls():
    with audit.ledger(traced) as opened:
        assert (opened.judged, opened.balanced, str(opened)) == (0, None, "could not tell: no call was judged")
        traced.HashTable()
        assert opened.judged > 0 and (opened.balanced, str(opened)) == (True, "balanced")
    with audit.ledger(traced) as empty:
        pass
    traced.HashTable()
    assert (empty.judged, empty.balanced, str(empty)) == (0, None, "could not tell: no call was judged")
    empty.assert_balanced()
    assert opened.judged > 0 and opened.balanced


def test_it_stays_balanced_when_the_block_raises():
    with pytest.raises(ZeroDivisionError), audit.ledger(traced) as opened:
        traced.HashTable(hash_func=lambda key: 1 / 0).set(1, 2)
    opened.assert_balanced()


def test_a_name_will_do_and_an_extension_without_a_ledger_will_not():
    with audit.ledger("hashtable_traced") as opened:
        traced.HashTable()
    assert opened.balanced
    with pytest.raises(TypeError, match="math keeps no ledger: it must be built with the crate in src/ledger"):
        audit.ledger("math")
    with pytest.raises(ImportError):
        audit.ledger("no_such_extension")


# ---- findings --------------------------------------------------------------------------------------------------------

FINDING = """
import sys
import hashtable_traced
from hashtable_lab import ledger
hashtable_traced.announce(False)
class Thing: pass
def hash_func(key): return 7
many = [hash_func] * 20
"""


@pytest.mark.skipif(subject.NAME != "hashtable_traced", reason="builds specimens of the traced build")
@pytest.mark.parametrize(
    ("name", "program", "kind"),
    [
        (
            "missing-incref",
            "with ledger() as kept:\n"
            "    table = hashtable_traced.HashTable(); many = [table] * 20\n"
            "    table.set(1, 2)",
            "deficit",
        ),
        (
            "missing-decref",
            "with ledger() as kept:\n    for _ in range(3): hashtable_traced.HashTable(hash_func=hash_func)",
            "surplus",
        ),
    ],
)
def test_a_specimen_is_named_by_its_line(specimen, child, name, program, kind):
    folder = specimen(name)
    # It is there, or the fixture would have skipped the test.
    specimens = importlib.import_module("hashtable_lab.specimens")
    show = "\nfor it in kept.open: print(it.kind, it.file, it.line, it.times, it.type)"
    ending = child("-c", f"{FINDING}{program}{show}", folder=folder)
    assert ending.returncode == 0, ending.stderr
    (line,) = ending.stdout.splitlines()
    found, file, number, times, type_name = line.split()
    assert (found, times) == (kind, "3" if kind == "surplus" else "1")
    assert type_name == ("function" if kind == "surplus" else "hashtable_traced.HashTable")
    assert (file, int(number)) == specimens.named_place(specimens.load(name))


# ---- what a suite makes of it ----------------------------------------------------------------------------------------

SUBJECT = """
import ledger_example as module
module.ledger_speak(False)
"""

SUITE = """
import pytest
import ledger_example

def test_right():
    assert ledger_example.echo(3) == 3

def test_wrong():
    ledger_example.leak_new()

@pytest.mark.unbalanced
def test_wrong_on_purpose():
    ledger_example.leak_new()
"""


@pytest.mark.slow
def test_a_test_that_ends_unbalanced_is_an_error(example, child, tmp_path):
    """The control of the fixture by which every test of the traced build must end balanced."""
    shutil.copyfile(Path(__file__).parents[1] / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "subject.py").write_text(SUBJECT, encoding="utf-8")
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = unbalanced: on purpose\n", encoding="utf-8")
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    # Without the GIL there is a warning, since the example needs one.
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:warnings", "--rootdir", str(tmp_path), str(tmp_path)]
    ending = child("-c", program, *arguments, folder=example("ledger"))
    assert ending.returncode == 1, ending.stdout + ending.stderr
    assert "3 passed, 1 error" in ending.stdout
    assert "ERROR at teardown of test_wrong " in ending.stdout
    assert re.search(r"src/ledger/example/wrong.rs:\d+: surplus: 123456: never given back, in leak_new", ending.stdout)
