"""The other bindings of the library: `make bindings` measures them, and docs/roads.md is made of a record of that.

Building them all is not for here. Here: the page is that of its record, and notices when it is not; a binding that cannot be
built is a row that says so; what is broken is not called well.
"""

from __future__ import annotations

import copy
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BINDINGS = Path(__file__).resolve().parents[2] / "src" / "bindings"
if not BINDINGS.is_dir():
    pytest.skip("these tests lie without the project's source", allow_module_level=True)
for package in ("click", "rich", "pygments", "unidiff"):
    pytest.importorskip(package, reason="the commands need what `pip install '.[lab]'` brings")
sys.path.append(str(BINDINGS))
builds, page, probe, compare = map(importlib.import_module, ("builds", "page", "probe", "compare"))


@pytest.fixture
def record():
    """What is in the record, to be changed at will."""
    return json.loads(page.RECORD.read_text(encoding="utf-8"))


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_record_has_every_binding(record):
    assert list(record["roads"]) == [binding.name for binding in builds.BINDINGS]
    assert list(record["controls"]) == list(builds.CONTROLS)
    for row in page.built(record).values():
        assert list(row["probes"]) == list(probe.PROBES)


def test_the_page_is_that_of_its_record(record):
    others = page.of_other_pythons()
    assert page.PAGE.read_text(encoding="utf-8") == page.page(record, others)
    for changed in others:
        changed["roads"][page.OURS]["ns"]["empty"] += 100
        assert page.PAGE.read_text(encoding="utf-8") != page.page(record, others)


def test_another_python_has_a_record_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "RECORD", tmp_path / "results.json")
    assert page.record_file({"python": "3.10.1"}) == page.RECORD
    page.RECORD.write_text(json.dumps({"python": "3.9.1"}))
    assert page.record_file({"python": "3.9.20"}) == page.RECORD
    assert page.record_file({"python": "3.10.1"}) == tmp_path / "results-3.10.json"
    for python in ("3.10.1", "3.8.2"):
        page.record_file({"python": python}).write_text(json.dumps({"python": python}))
    assert [page.version(results) for results in page.of_other_pythons()] == [(3, 8), (3, 10)]


@pytest.mark.parametrize("plot", ["calls", "lines"])
def test_the_plots_are_those_of_the_record(record, plot):
    assert page.digest(record) in (page.RECORD.parent / f"{plot}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["ns"].update(empty=row["ns"]["empty"] + 100),
        lambda row: row["lines"].update(table=row["lines"]["table"] + 1),
        lambda row: row["pythons"].update({"3.11": "ImportError"}),
        lambda row: row["probes"]["key with a NUL"].update(passes=False),
        lambda row: row["cycles"].update(passes=not row["cycles"]["passes"]),
        lambda row: row["leak_check"].update(verdict="leaks"),
    ],
    ids=["ns", "lines", "pythons", "probes", "cycles", "leaks"],
)
def test_another_record_would_be_noticed(record, change):
    before = copy.deepcopy(record)
    change(record["roads"]["ctypes"])
    assert page.page(record, []) != page.page(before, [])
    assert page.digest(record) != page.digest(before)


def test_a_winner_without_a_reason_stops_the_page(record, monkeypatch):
    record["roads"]["ctypes"]["ns"]["empty"] = 0.001
    monkeypatch.delitem(page.WHY, "an empty call", raising=False)
    with pytest.raises(SystemExit, match="ctypes beats our extension in 'an empty call'"):
        page.page(record, [])


def test_who_beats_ours_is_read_from_the_record(record):
    ours = record["roads"][page.OURS]["ns"]["set"]
    for row in record["roads"].values():
        row.setdefault("ns", {})["set"] = ours
    assert "`set`" not in page.beaten(record)
    record["roads"]["cython"]["ns"]["set"] = ours / 2
    assert page.beaten(record)["`set`"] == ["cython"]


def test_all_bindings_take_turns_when_they_are_timed(monkeypatch):
    """One is slow the first time, another always, and one cannot be measured."""
    seen = []

    def answer(command, binding, **variables):
        name = command[2]
        seen.append(name)
        if name == "broken":
            raise builds.Failed("crash")
        return {"empty": {"slow once": 90.04 if seen.count(name) == 1 else 20.04, "slow": 90.04}[name]}

    monkeypatch.setattr(compare, "answer", answer)
    best, failed = compare.times(dict.fromkeys(["slow once", "slow", "broken"]), lambda what: None)
    assert best == {"slow once": {"empty": 20.0}, "slow": {"empty": 90.0}} and failed == {"broken": "crash"}
    assert seen == ["slow once", "slow", "broken", *["slow once", "slow"] * (compare.TURNS - 1)]


def test_the_page_says_how_often_calls_were_timed(record):
    record.pop("turns", None)
    assert "the best of seven rounds, each binding by itself" in page.page(record, [])
    record["turns"] = 5
    assert "the best of 5 turns" in page.page(record, [])


def test_a_missing_binding_is_a_row_that_says_so(record, capsys):
    record["roads"]["swig"] = {"title": "SWIG", "missing": "swig cannot be installed: no network"}
    assert "- SWIG: swig cannot be installed: no network" in page.page(record, [])
    compare.show(record)
    said = capsys.readouterr().out
    assert re.search(r"^ *SWIG +missing *$", said, re.MULTILINE)
    assert "SWIG: swig cannot be installed: no network" in said


# ---- the command -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_built_says_why(tmp_path):
    absent = builds.Binding("absent", "Absent", builds.compiled, (), (), program="no-such-compiler")
    assert compare.survey(absent, tmp_path, {}, lambda what: None) == {
        "title": "Absent",
        "missing": "no-such-compiler is missing",
    }


def test_the_line_that_says_most_is_told():
    with pytest.raises(builds.Failed, match=r"failed: error: this is it$"):
        builds.run([sys.executable, "-c", "import sys; print('much'); print('error: this is it'); sys.exit('the end')"])
    with pytest.raises(builds.Failed, match="no-such-program cannot be run"):
        builds.run(["no-such-program"])


def test_a_long_line_ends_with_a_word():
    line = "error: " + "so much " * 40
    with pytest.raises(builds.Failed, match=r"(so|much) \.\.\.$"):
        builds.run([sys.executable, "-c", f"import sys; sys.exit('{line}')"])
    with pytest.raises(builds.Failed, match=r"failed: error: no such function$"):
        builds.run([sys.executable, "-c", "import sys; sys.exit('error: no such function [-fpermissive]')"])


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crash: SIGSEGV"),
        ("raise ValueError('why')", "ValueError: why"),
        ("raise SystemExit(7)", "exit code 7"),
        ("import time; time.sleep(60)", "it hangs"),
        ("raise OSError('/a/b/c.so: undefined symbol')", "OSError: c.so: undefined symbol"),
    ],
)
def test_how_a_child_ended_is_told(program, told):
    assert (
        compare.ending(compare.child([sys.executable, "-c", program], timeout=1 if "sleep" in program else 60)) == told
    )


def test_lines_are_those_that_say_something(tmp_path):
    python, c = tmp_path / "some.py", tmp_path / "some.c"
    python.write_text('"""A module.\n\nWith documentation.\n"""\n\n# a comment\nx = 1  # one\ny = """\ntwo\n"""\n')
    c.write_text("/* a\n comment */\n#include <x.h>\n\nint x; // one\n// two\n")
    assert (compare.lines([python]), compare.lines([c])) == (4, 2)


def test_a_probe_tells_what_is_wrong():
    class Forgetful:
        def set(self, key, value):
            pass

        def get(self, key):
            return None

    with pytest.raises(probe.Wrong, match="1 became None"):
        probe.PROBES["key of a wrong type"](Forgetful, None)
    with pytest.raises(probe.Wrong, match="the exception was lost"):
        probe.arrives(lambda: 0)


@pytest.mark.parametrize(
    ("arguments", "code", "told"), [(["--help"], 0, "ctypes"), (["no-such-binding"], 2, "no-such-binding")]
)
def test_the_command_line(arguments, code, told):
    done = subprocess.run(
        [sys.executable, BINDINGS / "compare.py", *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
