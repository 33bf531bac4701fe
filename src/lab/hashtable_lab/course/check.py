"""Checks an answer: it builds, its tests pass, the ledger judged it and it balances, and each call that may fail failed once.

An answer is judged and not compared: whatever does all of this is right.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hashtable_lab.children import FREED_MEMORY_SHOWS, Ending, start
from hashtable_lab.course import c
from hashtable_lab.course.build import build_rust, put
from hashtable_lab.course.exercise import COMMON, REASONS, Entry
from hashtable_lab.course.folder import Folder
from hashtable_lab.course.predictions import check_predictions
from hashtable_lab.course.verdict import Verdict

#: After so many seconds an answer is in an endless loop.
TIME_LIMIT = 20.0


def check(entry: Entry, folder: Folder, language: str | None = None) -> Verdict:
    """Checks the learner's file of an exercise.

    Args:
        entry: the exercise.
        folder: the learner's folder.
        language: which of its languages; None: the learner's.

    Raises:
        Missing: something that is needed is not on this machine.
    """
    language = language or entry.language(folder.language)
    file = folder.file(entry)
    hidden = folder.path / ".course"

    def make() -> Path | Verdict:
        if language == "python":
            return check_predictions(entry, file)
        if language == "c":
            built = c.build_c(file, hidden / "c" / entry.name, c.prepare())
        else:
            built = build_rust(folder.path, hidden / "target", [entry.name])[entry.name]
        if built.library is None:
            return Verdict("build", built.said)
        return put(built.library, entry.name, hidden / "modules" / f"{entry.name}-{language}")

    return judge(entry, folder.source(entry), make)


def judge(entry: Entry, source: str, make: Callable[[], Path | Verdict]) -> Verdict:
    """Judges an answer.

    Args:
        entry: the exercise.
        source: the answer.
        make: compiles it. Returns the folder of the module, or a verdict if there is nothing more to see.
    """
    began = time.monotonic()
    made = make()
    built = time.monotonic()
    verdict = made if isinstance(made, Verdict) else _judge(entry, made)
    lines = source.splitlines()
    if 0 < verdict.line <= len(lines):
        verdict = replace(verdict, quoted=lines[verdict.line - 1].strip())
    advice = next(
        (wrong.says for wrong in (*entry.about.wrong, *COMMON) if wrong.fits(verdict.reason, verdict.said, source)), ""
    )
    return replace(verdict, advice=advice, seconds=(built - began, time.monotonic() - built))


def _judge(entry: Entry, folder: Path) -> Verdict:
    """Runs the tests in a child, and makes of what it saw a verdict."""
    with tempfile.TemporaryDirectory(prefix="hashtable-course-") as place:
        request, log = Path(place, "request.json"), Path(place, "log")
        question = {
            "folder": str(folder),
            "path": [os.path.abspath(item) for item in sys.path],
            "about": str(entry.folder / "about.py"),
            "name": entry.name,
            "log": str(log),
        }
        request.write_text(json.dumps(question), encoding="utf-8")
        variables = {**os.environ, **FREED_MEMORY_SHOWS, "PYTHONPATH": os.pathsep.join(question["path"])}
        variables.pop("PYTHONINSPECT", None)
        command = [sys.executable, "-X", "utf8", "-m", "hashtable_lab.course.judge", str(request)]
        timed_out = False
        with start(command, env=variables) as child:
            try:
                output, _ = child.communicate(timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                timed_out = True
                child.kill()
                output, _ = child.communicate()
        rows = _rows(log)
        early = _early_findings(Path(f"{log}.ledger"))
    return _verdict(entry, rows, early, Ending(output, child.returncode, timed_out))


def _rows(log: Path) -> list[list[Any]]:
    """What the child wrote; a last line that was cut short is left out."""
    rows = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def _early_findings(log: Path) -> list[list[Any]]:
    """What the ledger wrote by itself, before the operation that may have been the last. Later fields do not matter here."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    findings: list[list[Any]] = []
    for line in lines:
        tag, *fields = line.split("\x1f")
        if tag == "finding":
            kind, what, file, number, function, _, type_name, text = fields[:8]
            findings.append([kind, what, file, int(number), function, type_name, text, 1])
    return findings


def _verdict(entry: Entry, rows: list[list[Any]], early: list[list[Any]], ending: Ending) -> Verdict:
    """The most basic thing that is wrong, and nothing if nothing is."""
    seen: dict[str, list[Any]] = {row[0]: row[1:] for row in rows}
    tests = sum(row[0] == "test" for row in rows)
    calls: dict[str, int] = seen["calls"][0] if "calls" in seen else {}
    faults = seen["faults"][0] if "faults" in seen else 0
    counts: dict[str, Any] = {"tests": tests, "calls": sum(calls.values()), "faults": faults}
    findings = seen["findings"][0] if "findings" in seen else early
    during = f"the test “{_test(rows)}”" if "fault" not in seen else "what comes after a failed call"
    at_fault = "" if "fault" not in seen else " after a call that was made to fail"
    if ending.timed_out:
        return Verdict("hang", f"After {TIME_LIMIT:.0f} seconds {during} was still running.", **counts)
    deficit = _finding(early, "deficit")
    if ending.crashed and deficit:
        return _named("deficit", deficit, f" The interpreter died of it{at_fault} ({ending}).", counts)
    if ending.crashed and "panicked at" in ending.output:
        message = ending.output.partition("panicked at")[2].strip().splitlines()
        return Verdict("panic", f"Rust panicked during {during}: {' '.join(message[1:2])}", **counts)
    if ending.crashed:
        return Verdict("crash", f"The interpreter was {ending} during {during}.", **counts)
    if "failed" in seen and seen["failed"][0] == "import":
        return Verdict("import", seen["failed"][1], **counts)
    if not any(row[0] == "end" for row in rows) and "failed" not in seen:
        return Verdict("crash", f"The check {ending} during {during}.\n{ending.output[-800:]}", **counts)
    for kind in ("deficit", "failed", "borrowed", "exception", "surplus"):
        if kind == "failed" and "failed" in seen:
            return Verdict("test", f"{_test(rows)}: {seen['failed'][1]}", **counts)
        if found := _finding(findings, kind):
            return _named(kind, found, "", counts)
    if unseen := [name for name in entry.about.functions if not calls.get(name)]:
        return Verdict("unjudged", f"The ledger saw no call of {', '.join(unseen)}.", **counts)
    if "faulted" in seen:
        return _faulted(seen["faulted"], counts)
    return Verdict("", **counts)


def _faulted(row: list[Any], counts: dict[str, Any]) -> Verdict:
    """An error path is wrong."""
    _, _, line, call, what, findings = row
    where = f"{call} on line {line}" if line else "a call"
    for kind in ("deficit", "borrowed", "exception", "surplus"):
        if found := _finding(findings, kind):
            verdict = _named(kind, found, f" It happens when {where} fails.", counts)
            return replace(verdict, reason="fault")
    return Verdict("swallowed", f"When {where} failed, {what}.", line, **counts)


def _test(rows: Iterable[list[Any]]) -> str:
    """What the last test that was begun says of itself."""
    name, doc = "", ""
    for row in rows:
        if row[0] == "test":
            name, doc = row[1:]
    return doc.strip().rstrip(".") or name.replace("_", " ")


def _finding(findings: list[list[Any]], kind: str) -> list[Any] | None:
    return next((found for found in findings if found[0] == kind), None)


def _named(reason: str, found: list[Any], more: str, counts: dict[str, Any]) -> Verdict:
    """A finding of the ledger's, with its line."""
    _, what, _, line, function, type_name, text, _ = found
    place = f"line {line}" if line else f"somewhere in {function}"
    said = f"{REASONS[reason].capitalize()}, on {place}: {text or type_name}, {what}.{more}"
    return Verdict(reason, said, int(line), **counts)
