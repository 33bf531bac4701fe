"""The commands of the course, on the exercises in Python alone: they need no compiler."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

for package in ("click", "rich", "unidiff", "filelock"):
    pytest.importorskip(package, reason="the laboratory's packages are not installed")
pytest.importorskip("hashtable_lab.course", reason="the laboratory is not installed")
if "HASHTABLE_SOURCE" not in os.environ:
    pytest.skip("the source is needed for the crate of a learner's folder", allow_module_level=True)

from hashtable_lab.cli import main  # noqa: E402
from hashtable_lab.course import folder as folders  # noqa: E402
from hashtable_lab.course.contents import entries, entry  # noqa: E402

NAMES = entry("names")


@pytest.fixture
def learner(tmp_path, monkeypatch):
    made = folders.start(tmp_path / "course", "rust")
    monkeypatch.chdir(made.path)
    return made


def course(*arguments):
    return main(["course", *arguments])


def test_a_learner_goes_through_an_exercise(learner, capsys):
    assert course("next") == 0
    assert NAMES.about.title in capsys.readouterr().out
    assert course("check") == 1
    said = capsys.readouterr().out
    assert "something is still to be filled in" in said and NAMES.about.chapter in said
    learner.file(NAMES).write_text(NAMES.solution("python"))
    assert course("check", "names") == 0
    assert "Done: names" in capsys.readouterr().out
    assert course("progress", "--json") == 0
    progress = json.loads(capsys.readouterr().out)
    assert (progress["done"], progress["of"]) == (1, len(entries()))
    assert next(row for row in progress["exercises"] if row["exercise"] == "names")["done"]
    assert course("progress") == 0


def test_a_tempting_answer_gets_its_advice(learner, capsys):
    wrong = NAMES.about.wrong[1]
    text = NAMES.solution("python")
    for old, new in wrong.edits("python"):
        text = text.replace(old, new)
    learner.file(NAMES).write_text(text)
    assert course("check", "names") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert wrong.says in said
    right = text.splitlines()[-1]
    assert right not in said, "the answer was given away"


def test_hints_come_one_by_one(learner, capsys):
    for level in (1, 2, 3, 3):
        assert course("hint", "names") == 0
        assert f"Hint {level} of 3" in capsys.readouterr().out
    assert folders.find().state["hints"] == {"names": 3}


def test_a_solution_is_shown_only_when_it_is_wanted(learner, capsys, monkeypatch):
    assert course("solution", "names", "--yes") == 0
    assert "predict" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert course("solution", "names") != 0
    assert "predict" not in capsys.readouterr().out


def test_reset_keeps_what_was_written(learner, capsys):
    file = learner.file(NAMES)
    file.write_text("mine")
    assert course("reset", "names") == 0
    assert file.read_text() == NAMES.given("python")
    assert file.with_name(f"{file.name}.yours").read_text() == "mine"


def test_everything_is_listed(learner, capsys):
    assert course("list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [each.name for each in entries()]
    assert course("list") == 0
    said = capsys.readouterr().out
    assert all(each.name in said for each in entries())


def test_the_quiz_in_the_terminal(capsys):
    assert course("quiz", "leakcheck", "--answers", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows and all(row["right"] in row["choices"] for row in rows)
    assert course("quiz", "no-such-page") == 2


def test_what_is_wrong_is_said_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert course("check") == 2
    assert "course start" in capsys.readouterr().err


def test_watch_checks_on_every_save(learner):
    command = [sys.executable, "-m", "hashtable_lab", "course", "watch", "names"]
    log = learner.path / "log"
    with log.open("w") as output:
        watching = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 120
        while "Not done yet" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        learner.file(NAMES).write_text(NAMES.solution("python"))
        assert watching.wait(timeout=120) == 0
    finally:
        watching.kill()
        watching.wait()
    assert "Done: names" in log.read_text()


def test_watch_can_be_interrupted(learner):
    command = [sys.executable, "-m", "hashtable_lab", "course", "watch", "names"]
    log = learner.path / "log"

    def as_in_a_terminal():
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with log.open("w") as output:
        watching = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=as_in_a_terminal,
        )
    try:
        until = time.monotonic() + 120
        while "Not done yet" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=60) == 130
    finally:
        watching.kill()
        watching.wait()
