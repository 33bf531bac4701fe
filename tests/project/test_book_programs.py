"""What the programs of the book show is what its chapters say they show.

The book contains whatever they print when it is built. Here is compared what the words around it rely on.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import weakref
from pathlib import Path

import pytest
import subject

PROGRAMS = Path(__file__).resolve().parents[2] / "docs" / "programs"

# Programs of the book, several of which are compiled.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAMS.is_dir(), reason="the source is not at hand")]


def run(program: str) -> str:
    """What a program of the book prints; it must end well."""
    done = subprocess.run([sys.executable, PROGRAMS / program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(output: str) -> dict[str, str]:
    """For each case of wrong_files.py what was said about it."""
    lines = output.splitlines()
    return {case.split(":")[0]: said.strip() for case, said in zip(lines[::2], lines[1::2])}


def test_import_by_hand() -> None:
    said = run("import_by_hand.py").splitlines()
    assert said[1] == "called: <class 'module'> hashtable"
    assert said[2:] == ["[]", "[]", "[]*", "[]"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the chapter is about ELF")
def test_files_that_are_nearly_the_module() -> None:
    said = answers(run("wrong_files.py"))
    assert said.pop("as it should be") == said.pop("a shorter ending") == "imported: <class 'hashtable.HashTable'>"
    # CPython 3.15 goes on with a hint at files of other versions.
    assert said.pop("an ending for another Python").startswith("ModuleNotFoundError: No module named 'hashtable'")
    no_function = "ImportError: dynamic module does not define module export function "
    # CPython 3.15 looks for another one first.
    asked = "PyModExport_{0} or PyInit_{0}" if sys.version_info >= (3, 15) else "PyInit_{0}"
    assert said.pop("another name") == f"{no_function}({asked.format('chainedtable')})"
    assert said.pop("the function has another name") == f"{no_function}({asked.format('hashtable')})"
    assert said.pop("the end is missing") == "the process was ended by SIGBUS"
    assert said.pop("no shared object at all") == "ImportError: hashtable.so: invalid ELF header"
    assert said == {}


def test_an_exception_does_not_pass_through_c() -> None:
    assert run("raising_callback.py").splitlines()[-1] == "qsort came back, and nothing was raised"
    assert "not raised: ValueError('I do not compare')" in run("raising_callback.py")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_library_that_describes_itself() -> None:
    said = run("describing/show.py").splitlines()
    assert said[0] == "<module 'words'>"
    assert [line.split(":")[0].strip() for line in said[1:5]] == ["length", "mean", "hash31", "kind"]
    word = 0
    for byte in b"pi":
        word = 31 * word + byte
    assert said[5] == f"2 3.5 {word} {b'odd' if word % 2 else b'even'!r}"
    assert said[6].startswith("ArgumentError: ")
    assert said[7] == "ImportError: words.so describes itself in version 2, and this is a reader of version 1"
    assert said[8].startswith("ImportError: hashtable.") and said[8].endswith("it has no describe_library")
    assert len(said) == 9


def test_the_loader_is_as_short_as_the_book_says() -> None:
    code = [line for line in (PROGRAMS / "describing" / "loader.py").read_text("utf-8").splitlines() if line.strip()]
    assert len(code) <= 30


# ---- the ledger ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_source(monkeypatch):
    """The book's programs are told where the source is, as `make docs` does."""
    pytest.importorskip("hashtable_lab", reason="the laboratory is not installed")
    pytest.importorskip("hashtable_traced", reason="the traced build is not installed")
    monkeypatch.setenv("HASHTABLE_SOURCE", str(PROGRAMS.parent.parent))


def test_one_value_goes_in_and_out(with_source) -> None:
    said = re.findall(r"^in (\S+)$|^  (\w+) +count", run("one_value.py"), flags=re.MULTILINE)
    said = [function or event for function, event in said]
    assert said == [
        *("HashTable.set", "incref", "stored"),
        *("HashTable.get", "borrowed", "incref", "returned"),
        *("HashTable.pop", "taken", "returned"),
    ]


def test_the_example_is_shaky_and_its_user_notices_nothing(with_source) -> None:
    command = [sys.executable, PROGRAMS / "example.py", "-m", "hashtable_lab", "ledger", "--json"]
    command += ["--module", "ledger_example", PROGRAMS / "shaky.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    # Before it, a CPython without the GIL warns that the example needs one.
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "all is well"), done.stderr
    found = [(finding["kind"], finding["function"]) for finding in json.loads(done.stdout)["findings"]]
    assert found == [
        ("surplus", "leak_incref"),
        ("deficit", "return_item"),
        ("surplus", "leak_none"),
        ("surplus", "Pair.tp_init"),
    ]


def test_the_table_in_python_does_what_the_real_one_does() -> None:
    """The book explains the extension's functions by those of programs/in_python.py: both do the same."""
    names = runpy.run_path(str(PROGRAMS / "in_python.py"))
    rng = random.Random(8)
    for hash_func in (hash, abs, lambda key: 7):
        in_python, real = names["Table"](hash_func=hash_func), subject.HashTable(hash_func=hash_func)
        for _ in range(300):
            key, value = rng.randrange(-40, 40), rng.random()
            assert in_python.set(key, value) is in_python
            assert real.set(key, value) is real
            asked = rng.randrange(-40, 40)
            assert in_python.get(asked, "none") == real.get(asked, "none")
            assert len(in_python) == len(real) and len(in_python.buckets) == real.size
        seen = []
        in_python.traverse(seen.append)
        assert len(seen) == 1 + 2 * len(real)
    with pytest.raises(ValueError, match="Invalid hash function"):
        names["Table"](hash_func=str).set(1, 1)
    for name, function in names.items():
        if inspect.isfunction(function) and function.__module__ == "<run_path>":
            assert len(inspect.getsource(function).splitlines()) <= 9, name
    for name, function in vars(names["Table"]).items():
        if inspect.isfunction(function):
            assert len(inspect.getsource(function).splitlines()) <= 9, name  # the def, and eight lines


def test_the_same_function_in_c_compiles() -> None:
    include = sysconfig.get_path("include")
    if shutil.which("cc") is None or not (Path(include) / "Python.h").is_file():
        pytest.skip("there is no C compiler, or no Python.h")
    command = ["cc", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", include, PROGRAMS / "reading" / "get.c"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- the GIL, and what changed ----------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.skipif(len(getattr(os, "sched_getaffinity", lambda _: [0])(0)) < 2, reason="there is but one processor")
@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="this Python has no GIL")
@pytest.mark.skipif(
    hasattr(sys, "gettotalrefcount") and sys.version_info >= (3, 12),
    reason="a debug build counts with the thread that holds the GIL, and crashes where none does",
)
def test_counts_are_lost_without_the_lock() -> None:
    assert run("gil/lost_counts.py").splitlines() == [
        "PyDLL, with the GIL: counts that were lost: none",
        "CDLL, without: counts that were lost: some",
    ]


@pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="this Python has no GIL")
def test_who_waits_for_the_lock() -> None:
    assert [line.split()[-2:] for line in run("gil/who_waits.py").splitlines()] == [
        ["counted", "on"],
        ["stood", "still"],
    ]


def test_another_thread_comes_in_between() -> None:
    said = run("gil/in_between.py").splitlines()
    assert [line[0] for line in said] == ["A", "B", "A", "A"]
    assert said[-1] == "A: is back; 101 pairs, and all are found: True"


def test_what_changed_is_shown_as_it_was_measured() -> None:
    record = json.loads((PROGRAMS.parent / "since-the-talk.json").read_text("utf-8"))
    table = subprocess.run(
        [sys.executable, PROGRAMS / "since_the_talk" / "table.py", "counts"], capture_output=True, text=True
    ).stdout
    assert [line.split()[0] for line in table.splitlines()[1:]] == list(record)
    # What the page says in words.
    calls = {version: found["counts"]["in calls"] for version, found in record.items()}
    frames = {version: found["counts"]["frames seen in calls"] for version, found in record.items()}
    assert all(found["counts"]["two names"] == 3 for found in record.values())
    assert calls["2.7"] == calls["3.10"] == [5, 7, 9] and calls["3.11"] == calls["3.13"] == [4, 5, 6]
    assert calls["3.14"] == calls["3.15"] == [3, 3, 3] and record["3.14"]["counts"]["a local name"] == 1
    assert frames["2.7"] == frames["3.6"] == [1, 2, 3] and set(map(tuple, list(frames.values())[2:])) == {(0, 0, 0)}
    assert record["3.11"]["immortal"] == []
    assert "the same, interned" in record["3.12"]["immortal"] and "the same, interned" not in record["3.13"]["immortal"]
    assert (
        "the same, interned" in record["3.14t"]["immortal"] and "the int 1000, computed" in record["3.15"]["immortal"]
    )
    assert all(found["Py_IncRef(NULL) came back"] for found in record.values())


def test_a_record_that_is_wrong_is_noticed() -> None:
    pytest.importorskip("click", reason="the commands need what `pip install '.[lab]'` brings")
    pytest.importorskip("hashtable_lab", reason="the laboratory is not installed")
    compare = importlib.import_module("since_the_talk")
    record = json.loads((PROGRAMS.parent / "since-the-talk.json").read_text("utf-8"))
    assert compare.differences(record, record) == []
    (said,) = compare.differences(compare.altered(record, {"3.11"}), record)
    assert said.startswith("3.11: counts: ")


# ---- C++ ---------------------------------------------------------------------------------------------------------------

needs_cpp = pytest.mark.skipif(shutil.which("c++") is None or shutil.which("nm") is None, reason="no C++ compiler")


@needs_cpp
def test_a_cpp_function_has_another_name() -> None:
    listed = [line.split()[:2] for line in run("cpp/counter.py").splitlines()]
    assert ["T", "_Z5plainl"] in listed and ["T", "_Z5plaind"] in listed and ["W", "_ZN7Counter4stepEv"] in listed
    said = run("cpp/by_name.py").splitlines()
    assert said[0].endswith("undefined symbol: plain")
    assert said[1:3] == ["plain(41) is 42 and plain(41.0) is 41.5", "next() is 11 and then 12"]
    assert said[-1] == "the counter is gone at 20" and len(said) == 5


@needs_cpp
def test_a_cpp_exception_ends_the_process_unless_it_is_caught() -> None:
    ends = [line.strip() for line in run("cpp/thrown.py").splitlines() if "the process ended" in line]
    assert ends == ["the process ended with SIGABRT", "the process ended with exit code 0"]


def test_the_life_of_the_table_in_python_is_that_of_the_real_one() -> None:
    names = runpy.run_path(str(PROGRAMS / "in_python.py"))

    class Key:
        """A key that does something when it is compared: it changes a table, or nothing."""

        def __init__(self, change=lambda: None):
            self.change = change

        def __hash__(self):
            return 1

        def __eq__(self, other):
            self.change()
            return False

    def lookup(table):
        """Puts keys into a table and looks another one up, which finds the end, or that the table has changed."""
        key = Key(lambda: (table.clear(), table.set(2, 2)))
        table.set(Key(), "first")
        return table, key

    in_python, real = names["Table"](), subject.HashTable()
    assert (in_python.size, in_python.max_load, in_python.hash_func) == (real.size, real.max_load, real.hash_func)
    for table in (names["Table"].__new__(names["Table"]), subject.HashTable.__new__(subject.HashTable)):
        assert table.set(1, "one").get(1) == "one"
        table.__init__(2)
        assert (table.size, len(table), table.hash_func) == (2, 0, hash)
        value = type("Value", (), {})()
        gone = weakref.ref(value)
        table.set("key", value)
        del value
        assert gone() is not None
        table.clear()
        assert gone() is None and len(table) == 0
    table, key = lookup(in_python)
    assert table.walk(Key(), 1) == "to the end"
    assert table.walk(key, 1) == "to the end"  # it was asked on the other side of `==`, which is the table's key
    table.set(key, "second")
    assert table.walk(Key(), 1) == "moved" and table.get(2) == 2
    table.dealloc()
    assert table.size == 0 and not hasattr(table, "hash_func")
    assert names["PyInit_hashtable"]().HashTable is names["Table"]

    def panic():
        raise names["Panic"]("impossible")

    assert names["entry"](lambda: 7) == 7
    with pytest.raises(SystemError, match="internal error in hashtable: impossible"):
        names["entry"](panic)
