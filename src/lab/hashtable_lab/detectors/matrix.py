"""The detection matrix: which detector catches which specimen, and does it name the line?

(Specimens that take several threads are not among them: they have detectors of their own, `make threads`.)

Every specimen meets every detector, and so does the source as it is, with the scripts of all specimens: that row is the
control, in which nothing may be found. What was seen is kept below target/specimens/matrix, with a digest of all that it
depends on, so that a run that was stopped goes on where it was, and one after a small change does only what has changed.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hashtable_lab import specimens
from hashtable_lab.detectors import ABSENT, CRASHED, DETECTORS, FOUND, SILENT, Detector, Outcome, detectors, observers
from hashtable_lab.errors import Missing
from hashtable_lab.specimens import Specimen
from hashtable_lab.stage import WIDEST, Silent, Stage

CONTROL = "control"

#: How a cell is written.
WORDS = {FOUND: "found", SILENT: ".", CRASHED: "died", ABSENT: "n/a"}
NAMED = "LINE"

LEGEND = (
    f"{NAMED}: found, and the source line named; {WORDS[FOUND]}: found; {WORDS[SILENT]}: nothing found; "
    f"{WORDS[CRASHED]}: the program died under the detector, which is not one that tells; {WORDS[ABSENT]}: not on this machine."
)


@dataclass(frozen=True)
class Cell:
    """What one detector found in one specimen, or in the control.

    Attributes:
        outcome: what it said.
        line: it named a line that the specimen's header or diff names.
    """

    outcome: Outcome
    line: bool

    def __str__(self) -> str:
        return NAMED if self.line else WORDS[self.outcome.state]


@dataclass(frozen=True)
class Matrix:
    """All cells: row, then detector. The last row is the control, if it was among what was asked for."""

    detectors: list[Detector]
    rows: dict[str, dict[str, Cell]]

    def problems(self) -> list[str]:
        """What is wrong, a sentence each."""
        problems = []
        for name, row in self.rows.items():
            if name == CONTROL:
                problems += [
                    f"{detector} complains of the source as it is: {cell.outcome.words}"
                    for detector, cell in row.items()
                    if cell.outcome.state in (FOUND, CRASHED)
                ]
                continue
            specimen = specimens.load(name)
            problems += [
                f"{name}: {detector} is said to catch it and did not: {cell.outcome.words or 'it was silent'}"
                for detector, cell in row.items()
                if detector in specimen.detectors and cell.outcome.state in (SILENT, CRASHED)
            ]
            if specimen.line and "ledger" in row:
                problems += _wrong_line(specimen, row["ledger"].outcome)
        return problems

    def as_json(self) -> dict[str, Any]:
        """All of it, for JSON: the record."""
        machine = (
            f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}"
        )
        return {
            "machine": machine,
            "detectors": {detector.name: detector.what for detector in self.detectors},
            "specimens": {name: digest(name) for name in self.rows if name != CONTROL},
            "rows": {
                name: {detector: {**asdict(cell.outcome), "line": cell.line} for detector, cell in row.items()}
                for name, row in self.rows.items()
            },
            "problems": self.problems(),
        }


def rows() -> list[str]:
    """The names of the specimens that are put to these detectors."""
    return [name for name in specimens.names() if not specimens.load(name).threads]


def digest(name: str) -> str:
    """The digest of what is run of a specimen, by which a record says what it is a record of. Its prose may be mended."""
    specimen = specimens.load(name)
    parts = (specimen.script, specimen.diff, specimen.line, *specimen.detectors)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _wrong_line(specimen: Specimen, outcome: Outcome) -> list[str]:
    """The ledger must find what is wrong with references, and name the line of the header before any other."""
    if outcome.state != FOUND:
        return [f"{specimen.name}: the ledger must catch it and did not: {outcome.words or 'it was silent'}"]
    file, line = specimens.named_place(specimen)
    named = outcome.places[:1]
    if named != [(Path(file).name, line)]:
        words = f"{named[0][0]}:{named[0][1]}" if named else "no line"
        return [f"{specimen.name}: the ledger names {words}, not {file}:{line}"]
    return []


# ---- running ---------------------------------------------------------------------------------------------------------


def run(names: Sequence[str], chosen: Sequence[str], fresh: bool, stage: Stage) -> Matrix:
    """Runs a matrix.

    Args:
        names: specimens.
        chosen: detectors, by name.
        fresh: run also what is known from an earlier run.
        stage: where to show how far it is.

    Returns:
        The matrix, with the control as its last row.

    Raises:
        Missing: there is no such specimen, or one cannot be built.
    """
    picked = [DETECTORS[name] for name in DETECTORS if name in chosen]
    all_of_them = [specimens.load(name) for name in names]
    rows: dict[str, dict[str, Cell]] = {}
    with stage.progress("matrix", (len(names) + 1) * len(picked)) as advance:
        done = 0
        for specimen in [*all_of_them, specimens.control()]:
            is_control = specimen.name == CONTROL
            scripts = [one.script for one in all_of_them] if is_control else [specimen.script]
            rows[specimen.name] = {}
            for detector in picked:
                outcome = _outcome(specimen, scripts, detector, fresh)
                line = not is_control and outcome.names(_wanted(specimen))
                rows[specimen.name][detector.name] = Cell(outcome, line)
                done += 1
                advance(done)
    return Matrix(picked, rows)


def _wanted(specimen: Specimen) -> set[tuple[str, int]]:
    """The lines one of which must be named: the header's, or else those that the diff touches."""
    return {specimens.named_place(specimen)} if specimen.line else specimens.touched_places(specimen)


def _outcome(specimen: Specimen, scripts: Sequence[str], detector: Detector, fresh: bool) -> Outcome:
    if reason := detector.missing():
        return Outcome(ABSENT, reason)
    source = specimens.source_folder()
    file = source / "target" / "specimens" / "matrix" / specimen.name / f"{detector.name}.json"
    modules = [inspect.getsource(module) for module in (detectors, observers)]
    key = specimens.digest_of(source, specimen.diff, *scripts, *detector.form().depends_on, *modules)
    if not fresh and file.is_file():
        known = json.loads(file.read_text(encoding="utf-8"))
        if known.pop("key") == key:
            return Outcome(known["state"], known["words"], [(name, line) for name, line in known["places"]])
    folder = specimens.build(specimen, Silent(), detector.form())
    outcome = detector.run(folder, scripts)
    # Addresses are others every time.
    outcome = Outcome(outcome.state, re.sub(r"0x[0-9a-f]+", "0x...", outcome.words), outcome.places)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"key": key, **asdict(outcome)}), encoding="utf-8")
    return outcome


def _with_new_rows(found: dict[str, Any]) -> dict[str, Any]:
    """The record with some of its rows seen anew. The control stays: it is the one with the scripts of all specimens.

    Args:
        found: what was seen of some specimens, as `Matrix.as_json` has it.

    Raises:
        Missing: there is no record, or it is one of another machine or of other detectors.
    """
    if not record_file().is_file():
        raise Missing("there is no record yet into which these rows would fit: leave out the choice of specimens.")
    record: dict[str, Any] = json.loads(record_file().read_text(encoding="utf-8"))
    for part in ("machine", "detectors"):
        if record[part] != found[part]:
            raise Missing(f"the record is of other {part} ({record[part]}): record all specimens.")
    there = rows()
    for part in ("specimens", "rows"):
        both = record[part] | {name: row for name, row in found[part].items() if name != CONTROL}
        record[part] = {name: both[name] for name in [*there, CONTROL] if name in both}
    return record


# ---- showing ---------------------------------------------------------------------------------------------------------


def record_file() -> Path:
    """Where the record of the last full run is kept."""
    return specimens.source_folder() / "docs" / "matrix.json"


def show(matrix: Matrix, stage: Stage) -> None:
    """Prints a matrix as a table, with what it needs to be read."""
    columns = ["specimen", *(detector.short for detector in matrix.detectors)]
    if not stage.out.is_terminal:
        stage.out.width = WIDEST  # a file can be scrolled; a table that is cut off is useless
    stage.table(columns, [(name, *row.values()) for name, row in matrix.rows.items()], gap=1)
    stage.say(LEGEND)
    for detector in matrix.detectors:
        if reason := detector.missing():
            stage.say(f"{detector.name} is not on this machine: {reason}.")
    problems = matrix.problems()
    if problems:
        stage.say("Problems:")
        stage.transcript("\n".join(problems))
    else:
        stage.say(
            "Every specimen was caught by the detectors that its header names, and nothing was found in the source itself."
        )


def perform(names: Sequence[str], chosen: Sequence[str], fresh: bool, as_json: bool, record: bool, stage: Stage) -> int:
    """Runs a matrix and shows it, for people or for machines.

    Args:
        names: specimens; none means all.
        chosen: detectors; none means all.
        fresh: run also what is known from an earlier run.
        as_json: print it as JSON.
        record: keep it as the record of the last full run.
        stage: where to show it.

    Returns:
        The exit code: 0 if all is right, 1 if not.

    Raises:
        Missing: something is not there.
    """
    if record and chosen:
        raise Missing("only what all detectors say can be recorded: leave out the choice of detectors.")
    if threaded := [name for name in names if specimens.load(name).threads]:
        raise Missing(f"other detectors are for specimens with threads ({', '.join(threaded)}): `make threads`.")
    matrix = run(list(names) or rows(), list(chosen) or list(DETECTORS), fresh, stage)
    found = matrix.as_json()
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        show(matrix, stage)
    if record and not found["problems"]:
        absent = [detector.name for detector in matrix.detectors if detector.missing()]
        if absent:
            raise Missing(f"not recorded, since not all detectors are on this machine: {', '.join(absent)}.")
        kept = _with_new_rows(found) if names else found
        record_file().write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 1 if found["problems"] else 0
