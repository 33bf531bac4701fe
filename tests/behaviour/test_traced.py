"""The traced build: what each layer announces, and in which order; and that the normal build has nothing of it."""

from __future__ import annotations

import gc
import importlib
import io
import sys
from pathlib import Path

import calls
import leakchecks
import pytest
import subject

traced = pytest.importorskip("hashtable_traced", reason="the traced build is not installed")
hashtable = pytest.importorskip("hashtable", reason="the normal build is not installed")


@pytest.fixture
def lines(capsys):
    """A function that returns what was announced since it was called last, as a list of lines."""
    gc.collect()
    traced.announce(True)
    capsys.readouterr()
    yield lambda: capsys.readouterr().out.splitlines()
    traced.announce(False)


def follows(lines, *expected):
    """Whether there is a line for each of the expected texts which contains it, in this order."""
    remaining = iter(lines)
    return all(any(text in line for line in remaining) for text in expected)


def test_follows_goes_by_the_order():
    assert follows(["a b", "c", "d e"], "a", "e")
    assert not follows(["a b", "c", "d e"], "e", "a")
    assert not follows(["a"], "a", "a")


def test_every_line_says_which_layer_speaks(lines):
    table = traced.HashTable(2, 1.0, lambda key: print("Python: hashing", key) or 5)
    table.set("a", 1).set("b", 2).set("c", 3)
    table.get("b")
    table.pop("a")
    del table
    said = lines()
    assert {line.partition(":")[0] for line in said} == {"Python", "extension", "library"}
    assert all(line.partition(": ")[2] for line in said)


def test_making_a_table(lines):
    table = traced.HashTable(8, 0.75)
    said = lines()
    assert follows(said, "extension: init", "library: a table of 8 buckets")
    assert any("size 8" in line and "0.75" in line for line in said)
    assert table.size == 8


def test_a_set_from_top_to_bottom(lines):
    table = traced.HashTable(4, 0.5, lambda key: print("Python: hashing", key) or 7)
    lines()
    table.set("word", 3.25)
    assert follows(
        lines(),
        "extension: set('word', 3.25)",
        "extension: calling hash_func with 'word'",
        "Python: hashing word",
        "extension: the hash of 'word' is 7",
        "library: hash 7 mod 4 is bucket 3",
        "library: the chain ends after 0 pairs: not found",
        "library: pair added to bucket 3, load is now 1",
    )
    table.set("other", 1)
    assert follows(
        lines(),
        "extension: set('other', 1)",
        "library: hash 7 mod 4 is bucket 3",
        "library: pair 1 of the chain has this hash",
        "extension: comparing 'word' with 'other'",
        "library: the chain ends after 1 pairs: not found",
        "library: pair added to bucket 3, load is now 2",
    )
    table.set("word", 4)
    assert follows(lines(), "library: pair 2 of the chain has this hash", "found", "library: value replaced")


def test_a_resize(lines):
    table = traced.HashTable(4, 0.5)
    for number in range(2):
        table[number] = number
    assert not follows(lines(), "resize")
    table[2] = 2
    assert follows(lines(), "library: resize from 4 to 8 buckets", "library: pair added to bucket 2, load is now 3")


def test_found_and_not_found(lines):
    table = traced.HashTable()
    table[10**6] = 1
    lines()
    key = 10**6 + 1 - 1
    assert table.get(key) == 1
    assert follows(lines(), f"extension: get({key})", "library: hash", "found")
    assert table.get(3) is None
    said = lines()
    assert follows(said, "extension: get(3)", "library: hash 3 mod 4", "not found")
    with pytest.raises(KeyError):
        table[3]
    assert follows(lines(), "extension: h[3]", "not found")
    assert 3 not in table
    assert follows(lines(), "extension: 3 in h", "not found")


def test_removing(lines):
    table = traced.HashTable().set(1, "one").set(2, "two")
    lines()
    table.pop(1)
    assert follows(lines(), "extension: pop(1)", "library: pair removed from bucket 1, load is now 1")
    del table[2]
    assert follows(lines(), "extension: del h[2]", "library: pair removed from bucket 2, load is now 0")


def test_the_end_of_a_table(lines):
    table = traced.HashTable(16)
    table["a"] = 1
    lines()
    del table
    said = lines()
    assert follows(said, "extension: dealloc", "library: freed a table of 16 buckets", "extension: freed")
    assert [line for line in said if "dealloc" in line] == ["extension: dealloc"]


def test_objects_of_the_users_are_not_asked_for_their_repr(lines):
    class Secret:
        def __repr__(self):
            raise AssertionError("repr was called")

        __str__ = __format__ = __repr__

    class Word(str):
        __slots__ = ()
        __repr__ = __str__ = Secret.__repr__

    table = traced.HashTable()
    table.set(Secret(), Secret()).set(Word("word"), 1)
    assert follows(lines(), "extension: set(<Secret object>, <Secret object>)", "<Word object>")


def test_any_text_can_be_announced(lines, capsys):
    table = traced.HashTable()
    for key in ("a\0b", "é𝄞", "%s %n {}", "x" * 5000, "\n", 10**3000):
        table[key] = key
        said = lines()
        assert any(line.startswith("extension: h[") for line in said)
        assert all(line.startswith(("extension: ", "library: ")) for line in said)
    table["\ud800"] = 1  # cannot be encoded, and must not matter
    assert table["\ud800"] == 1


def test_an_exception_is_not_lost_by_announcing_it(lines):
    def hash_func(key):
        raise ZeroDivisionError("by hash_func")

    table = traced.HashTable(hash_func=hash_func)
    with pytest.raises(ZeroDivisionError, match="by hash_func"):
        table["a"] = 1
    assert follows(lines(), "extension: h['a'] = 1", "extension: calling hash_func with 'a'")


# ---- silence ---------------------------------------------------------------------------------------------------------


def test_announce_turns_it_off_and_on(lines):
    assert traced.announce(False) is None
    traced.HashTable().set("a", 1).pop("a")
    assert lines() == []
    assert traced.announce(True) is None
    traced.HashTable().set("a", 1).pop("a")
    assert lines() != []


def test_announce_takes_what_is_true_or_false(lines):
    traced.announce([])
    traced.HashTable()
    assert lines() == []
    traced.announce("yes")
    traced.HashTable()
    assert lines() != []
    with pytest.raises(TypeError):
        traced.announce()

    class Undecided:
        def __bool__(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        traced.announce(Undecided())


def test_announcing_begins_by_itself(child):
    ending = child("-c", "import hashtable_traced; hashtable_traced.HashTable(3)")
    assert ending.returncode == 0
    assert follows(ending.stdout.splitlines(), "extension: init: size 3", "extension: dealloc", "extension: freed")


def test_it_is_a_module_of_its_own():
    """Its types go by its own name, by which pickle finds them."""
    assert traced.HashTable is not hashtable.HashTable
    assert traced.HashTable.__module__ == "hashtable_traced"
    assert hashtable.HashTable.__module__ == "hashtable"


def test_the_normal_build_announces_nothing(capsys):
    table = hashtable.HashTable(2, 1.0, lambda key: 5)
    table.set("a", 1).set("b", 2).set("c", 3)
    table.get("b")
    table.pop("a")
    del table
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


# ---- announcing to a listener -----------------------------------------------------------------------------------


class Listener(io.TextIOBase):
    """A `sys.stdout` that does something with each line."""

    def __init__(self, hear):
        self.hear = hear

    def write(self, text):
        self.hear(text)
        return len(text)


def test_stdout_that_raises(lines, monkeypatch):
    """An announcement is no reason for a call to fail."""

    def refuse(text):
        raise OSError("no space left")

    monkeypatch.setattr(sys, "stdout", Listener(refuse))
    table = traced.HashTable().set("a", 1)
    assert table["a"] == 1
    monkeypatch.setattr(sys, "stdout", None)
    assert traced.HashTable().set("a", 1)["a"] == 1


def test_stdout_that_uses_tables(lines, monkeypatch):
    depth = []

    def hear(text):
        if len(depth) < 3:
            depth.append(text)
            traced.HashTable().set(text, 1)
            depth.pop()

    monkeypatch.setattr(sys, "stdout", Listener(hear))
    assert traced.HashTable().set("a", 1)["a"] == 1


def test_stdout_that_changes_the_table(child):
    """The listener empties the table while two keys are about to be compared. A wrong order of steps crashes."""
    program = """
import sys
import hashtable_traced

class Key:
    def __hash__(self):
        return 1
    def __eq__(self, other):
        return self is other

class Listener:
    def write(self, text):
        if "comparing" in text:
            table.clear()
    def flush(self):
        pass

table = hashtable_traced.HashTable(8, 1.0)
for _ in range(100):
    table[Key()] = 1
    sys.stdout = Listener()
    table[Key()] = 2
    sys.stdout = sys.__stdout__
hashtable_traced.announce(False)
table["end"] = len(table)
print("ended well with", table["end"])
"""
    ending = child("-X", "dev", "-c", program)
    assert ending.returncode == 0, ending
    assert ending.stdout.endswith("ended well with 1\n")


# ---- panics ----------------------------------------------------------------------------------------------------------


def test_a_panic_becomes_a_system_error(child):
    program = """
import hashtable_traced
hashtable_traced.announce(False)
for _ in range(3):
    try:
        hashtable_traced._panic()
    except SystemError as error:
        assert "asked to panic" in str(error), error
        assert ".rs" in str(error), "it says where"
    else:
        raise AssertionError("no panic")
print(hashtable_traced.HashTable().set("a", 1)["a"])
"""
    ending = child("-c", program)
    assert (ending.returncode, ending.stdout, ending.stderr) == (0, "1\n", "")


# ---- the ledger ------------------------------------------------------------------------------------------------------


def test_a_caller_keeps_its_arguments_alive():
    """An object that is an argument and also lies in the table is not merely borrowed from the table."""
    from hashtable_lab.audit.ledger import ledger

    key = object()
    table = traced.HashTable(typed=False)
    table.set(key, key)
    with ledger(traced) as kept:
        assert (key, key) in table.items()
        assert (key, object()) not in table.items()
        table.update([(key, key), (key, 1)])
        table.update([(key, key)])
    assert any(event.what == "borrowed" and event.address == id(key) for event in kept.events)
    kept.assert_balanced()


def test_two_keys_with_one_half_of_a_hash_do_not_end_what_is_done_at_once():
    """The pairs behind them would be taken one by one, and each would be owned meanwhile."""
    ledger = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed").ledger

    traced.announce(False)  # a table that tells each step takes one pair after another

    def references_taken(keys):
        pairs = [(key, None) for key in keys]
        first, second = traced.HashTable(1024).set(-5, None), traced.HashTable(1024).set(-5, None)
        with ledger(traced) as kept:
            first.update(pairs)
            second.update(dict(reversed(pairs)))
            assert first == second
        return sum(event.what == "incref" for event in kept.events)

    others = range(3, 200)
    usual = references_taken([1, 2, *others])
    assert references_taken([1, 1 + 2**32, *others]) == references_taken([1 + 2**32, *others, 1]) == usual
    # The control: a key that Python must be asked about does end it.
    assert references_taken([1, 2.5, *others]) > usual


# ---- what is in the file ---------------------------------------------------------------------------------------------

#: Parts of what the layers announce, and of what only the traced module has.
TEXTS = [
    b"resize from ",
    b"calling hash_func with ",
    b"the chain ends after ",
    b"pair added to bucket ",
    b"the hash of ",
    b"freed a table of ",
    b"asked to panic",
    b"Announce every step",
    b"PyInit_hashtable_traced",
    b"given back without being owned",
]


def announced_in(file):
    """Which of the texts are in a file."""
    content = Path(file).read_bytes()
    return [text for text in TEXTS if text in content]


def test_the_normal_build_carries_none_of_the_announcements():
    assert announced_in(importlib.import_module("hashtable").__file__) == []


def test_the_traced_build_carries_all_of_them():
    """The control for the test above."""
    assert announced_in(traced.__file__) == TEXTS


# ---- the ledger ------------------------------------------------------------------------------------------------------


def test_a_call_that_is_made_to_fail_keeps_nothing_of_what_it_had_returned():
    """A function that is bound to nothing is its own bound method, so that somebody else owns it too, and it can be counted."""

    def answer(key):
        return "the answer"

    class Static(traced.HashTable):
        __missing__ = staticmethod(answer)

    table = Static()
    before = sys.getrefcount(answer)
    failed = 0
    for nth in range(1, 100):
        traced.ledger_fail(nth, ArithmeticError())
        try:
            assert table["a"] == "the answer"
        except Exception:
            failed += 1
        if traced.ledger_fail(None):
            break
        assert sys.getrefcount(answer) == before
    assert failed > 2


# ---- the ledger's record ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(subject.module is not traced, reason="the calls are those of another module")
def test_the_record_of_all_calls_adds_up_and_has_a_line_for_everything():
    audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")
    with audit.ledger(traced) as opened:
        for call in calls.CALLS:
            leakchecks.outcome(leakchecks.compiled(call.statement), calls.cast())
        gc.collect()
    assert {event.what for event in opened.events} == {"borrowed", *leakchecks.GAINS, *leakchecks.LOSSES}
    assert leakchecks.unaccounted(opened.events) == []


def test_a_record_that_does_not_add_up_is_noticed():
    audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")

    def event(what, line=7, address=1):
        return audit.Event(what, "x.rs", line, "HashTable.f", address, "T", 1)

    assert leakchecks.unaccounted([event("new"), event("borrowed"), event("stored")]) == []
    assert leakchecks.unaccounted([event("new"), event("new", address=2), event("stored", address=2)]) == [
        "x.rs:7: record: T: new, but taken once too often in all"
    ]
    assert leakchecks.unaccounted([event("taken"), event("decref"), event("decref")]) == [
        "x.rs:7: record: T: decref, but given up once too often in all"
    ]
    assert leakchecks.unaccounted([event("incref"), event("returned", line=0)]) == [
        "HashTable.f: record: T: returned, on no line"
    ]


def test_a_replay_is_told_each_step_of_a_table(tmp_path):
    log = tmp_path / "log"
    table = traced.HashTable(2, 1.0, lambda key: 5)
    traced.ledger_log(str(log), True)
    try:
        table.set("a", 1).set("b", 2)
        assert traced.ledger_note("a note")
        table.pop("a")
        table.set("c", 3).set("d", 4)
    finally:
        traced.ledger_log(None)
    assert not traced.ledger_note("nobody listens")
    rows = [line.split("\x1f") for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [
        row[2].partition(";")[0].rsplit(" ", 2 * (row[2].split()[0] == "added")) for row in rows if row[0] == "table"
    ]
    assert [step[0] for step in steps] == [
        *["walk 5 1", "end", "added 0 5 1 5"],
        *["walk 5 1", "candidate 0", "end", "added 1 5 1 5"],
        *["walk 5 1", "candidate 1", "candidate 0", "removed 0 2"],
        # The hole is squeezed out before there is need for more memory.
        *["walk 5 1", "candidate 1", "end", "rebuilt 2", "added 1 5 1 5"],
        *["walk 5 1", "candidate 1", "candidate 0", "end", "rebuilt 4", "added 2 5 1 5"],
    ]
    assert ["note", "a note"] in [row[:2] for row in rows]
    assert {row[2] for row in rows if row[0] == "said"} > {"pair added to bucket 1, load is now 1 of at most 2"}
    calls = [row[1] for row in rows if row[0] == "call"]
    assert calls == [row[1] for row in rows if row[0] == "return"] and calls.count("HashTable.set") == 4


def test_only_so_much_is_written_for_a_replay(tmp_path):
    log = tmp_path / "log"
    traced.ledger_log(str(log), True, 5)
    try:
        traced.HashTable().set("a", 1)
        assert not traced.ledger_note("too late")
    finally:
        traced.ledger_log(None)
    lines = log.read_text(encoding="utf-8").splitlines()
    # What an object is, and what its count is now, comes with the line that it explains.
    kinds = [kind for kind in (line.partition("\x1f")[0] for line in lines) if kind not in ("object", "count")]
    assert len(kinds) == 6 and lines[-1].startswith("full")


def test_the_counts_of_all_that_was_met_are_followed(tmp_path):
    """After each line come the counts that have changed, whatever changed them; an object that is gone has the count 0."""
    log = tmp_path / "log"
    traced.ledger_follow("nobody listens")
    traced.ledger_log(str(log), True)
    kept_for_later = [[] for _ in range(3)]
    try:
        thing = ["a list"]
        # CPython keeps the memory of these in a free list, and that of `thing` before them.
        del kept_for_later
        traced.ledger_follow(thing)
        traced.ledger_note("one name")
        other = thing
        traced.ledger_note("two names")
        address = str(id(thing))
        del thing, other
        traced.ledger_note("none")
        traced.ledger_note("none still")
    finally:
        traced.ledger_log(None)
    rows = [line.split("\x1f")[:-1] for line in log.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row[0] == "note" or row[1] == address]
    assert rows[0][:3] == ["object", address, "list"]
    counts = [row[2] for row in rows if row[0] == "count"]
    assert [row[0] for row in rows[1:]] == ["note", "count"] * 3 + ["note"]
    assert (int(counts[1]) - int(counts[0]), counts[2]) == (1, "0")
