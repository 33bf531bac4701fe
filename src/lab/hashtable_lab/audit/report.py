"""`python -m hashtable_lab ledger SCRIPT`: runs a script against the traced build, and reports what did not balance.

A child runs the script (`child`), for it may crash. What its ledger found comes back through a file, line by line as it was
found; here it is put together, with the lines of source that it names.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from hashtable_lab import children
from hashtable_lab.audit.ledger import Event, Finding, relative, together
from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder
from hashtable_lab.stage import Stage

BALANCED, UNBALANCED, UNKNOWN = "balanced", "unbalanced", "could not tell"
EXIT_CODES = {BALANCED: 0, UNBALANCED: 1, UNKNOWN: 2}


@dataclass(frozen=True)
class Report:
    """What came of running a script.

    Attributes:
        findings: what did not balance.
        events: the raw record, if it was asked for.
        well: the script ran to its end, whatever its exit code.
        ending: how it ended, in words.
        judged: how many calls of how many functions were judged, or at least were, if it did not come to its end; None if that is
            not known.
        unjudged: functions of the extension that are called without being judged, each with the reason.
        blind: why nothing was judged any more from some call on; "" if all was.
        places: with faults on, the places at which a call may fail: file, line, call, the how manieth of all calls it was.
        fault: which of them was made to fail.
    """

    findings: list[Finding]
    events: list[Event]
    well: bool
    ending: str
    judged: tuple[int, int] | None = None
    unjudged: tuple[tuple[str, str], ...] = ()
    blind: str = ""
    places: tuple[tuple[str, int, str, int], ...] = ()
    fault: tuple[str, int, str, int] | None = None

    @property
    def verdict(self) -> str:
        """`BALANCED`, `UNBALANCED`, or `UNKNOWN`: nothing was found, but the script did not come to its end, or called
        nothing that could be judged, or not everything was."""
        if self.findings:
            return UNBALANCED
        return BALANCED if self.well and not self.blind and self.judged and self.judged[0] else UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 balanced, 1 unbalanced, 2 could not tell."""
        return EXIT_CODES[self.verdict]


@dataclass(frozen=True)
class Program:
    """What is run.

    Attributes:
        name: a Python file, or the name of a module.
        arguments: what it finds in `sys.argv` after its name.
        is_module: it is a module's name, as after `python -m`.
    """

    name: str
    arguments: tuple[str, ...] = ()
    is_module: bool = False

    def __str__(self) -> str:
        return f"-m {self.name}" if self.is_module else self.name


@dataclass(frozen=True)
class Subject:
    """What is judged.

    Attributes:
        module: the name of an extension that has the ledger inside; `hashtable_traced` is `hashtable` to the program. None:
            whatever was compiled with the ledger's header.
        path: folders in which Python looks first.
        variables: environment variables for the program.
        name: how it is called in messages.
        roots: folders with its source, relative to which files are named.
    """

    module: str | None
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    roots: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name or self.module or "the extension"


class Interrupted(click.Abort):
    """Ctrl-C. What was found until then has been reported."""


def run(
    program: Program,
    subject: Subject,
    events: bool = False,
    output: int | None = None,
    time_limit: float | None = None,
    errors: int | None = None,
    folder: Path | None = None,
) -> Report:
    """Runs a program in a child against an extension that keeps a ledger.

    Args:
        program: what to run.
        subject: what is judged.
        events: keep the raw record too.
        output: a file descriptor for what the program prints on standard output; None: ours.
        time_limit: seconds after which the child is killed.
        errors: as `output`, for standard error.
        folder: where the child begins; None: where we are.

    Returns:
        What was found, also if the program raises, crashes, or is killed.

    Raises:
        Missing: there is no such extension, or it keeps no ledger.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as temporary:
        request, log, pieces = (Path(temporary, name) for name in ("request.json", "log", "pieces"))
        pieces.mkdir()
        path = [*subject.path, *(os.path.abspath(entry) for entry in sys.path)]
        question: dict[str, Any] = {"path": path, "log": str(log), "module": subject.module, "events": events}
        question |= {"script": program.name, "arguments": program.arguments, "as_module": program.is_module}
        request.write_text(json.dumps(question), encoding="utf-8")
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        # The extension writes to the log from the moment on in which it is loaded.
        variables |= {**subject.variables, "LEDGER_LOG": str(log), "LEDGER_LOG_PIECES": str(pieces)}
        variables.pop("PYTHONINSPECT", None)
        sys.stdout.flush()
        command = [sys.executable, "-m", "hashtable_lab.audit.child", str(request)]
        # In our own process group, at our own terminal: Ctrl-C reaches the script too, and it may read what is typed.
        stopped = ""
        with subprocess.Popen(command, env=variables, stdout=output, stderr=errors, cwd=folder) as child:
            try:
                child.wait(time_limit)
            except subprocess.TimeoutExpired:
                stopped = f"was stopped after {time_limit:g} seconds"
                child.kill()
            except KeyboardInterrupt:
                stopped = "was interrupted"
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(3)
                child.kill()
            except BaseException:
                child.kill()
                raise
        lines = logged(log, pieces)
    return read([line.split("\x1f") for line in lines if line], child.returncode, subject, stopped)


def logged(log: Path, pieces: Path) -> list[str]:
    """The lines of a child's log: those in pieces, which are mapped into its memory and end with zeros, and those in the file."""
    parts = [piece.read_bytes().rstrip(b"\0") for piece in sorted(pieces.iterdir())]
    parts += [log.read_bytes()] if log.is_file() else []
    return [line for part in parts for line in part.decode("utf-8", "replace").split("\n")]


def read(rows: Iterable[list[str]], code: int, subject: Subject | str, stopped: str = "") -> Report:
    """Makes a report of the child's log, whose last line may be cut short.

    Args:
        rows: the lines of the log, each as its fields.
        code: the exit code of the child.
        subject: what was judged, or the name of the module.
        stopped: what stopped the child, in words; "" if nothing did.
    """
    if isinstance(subject, str):
        subject = Subject(subject)
    found: list[tuple[Any, ...]] = []
    events: list[Event] = []
    ended = ["", ""]
    exact: tuple[int, int] | None = None
    calls: dict[str, int] = {}
    functions: set[str] = set()
    unjudged: dict[str, str] = {}
    blind = ""
    places: list[tuple[str, int, str, int]] = []
    fault: tuple[str, int, str, int] | None = None
    # What the ledger itself writes ends with the number of the thread.
    for kind, *fields in (row if row[0] in ("judged", "ended") else row[:-1] for row in rows if row):
        if kind == "finding" and len(fields) == 9:
            kind, what, file, line, function, address, type_name, text, chain = fields
            found.append((kind, what, file, int(line), function, int(address), type_name, text, chain))
        elif kind == "event" and len(fields) == 7:
            what, file, line, function, address, type_name, count = fields
            events.append(Event(what, file, int(line), function, int(address), type_name, int(count)))
        elif kind == "called" and len(fields) == 2:
            functions.add(fields[1])
        elif kind == "calls" and len(fields) == 2 and fields[1].isdigit():
            calls[fields[0]] = max(calls.get(fields[0], 0), int(fields[1]))
        elif kind == "unjudged" and len(fields) == 2:
            unjudged[fields[0]] = fields[1]
        elif kind == "blind" and len(fields) == 1:
            blind = fields[0]
        elif kind in ("place", "fault") and len(fields) == 4:
            place = (relative(fields[0], subject.roots), int(fields[1]), fields[2], int(fields[3]))
            places.append(place)
            fault = place if kind == "fault" else fault
        elif kind == "judged" and len(fields) == 2:
            exact = int(fields[0]), int(fields[1])
        elif kind == "ended" and len(fields) == 2:
            ended = fields
    word, detail = ended
    ending = children.Ending("", code)
    if word == "cannot":
        raise Missing(f"{detail}: the module {subject} must be built with the crate in src/ledger and be installed.")
    # A process that was killed, and the children of one that was not, wrote down what they had got to.
    judged = (sum(calls.values()), len(functions)) if functions else None
    if subject.module is not None or (exact and exact[0] >= (judged or exact)[0]):
        judged = exact or judged
    known: dict[str, Any] = {"judged": judged, "unjudged": tuple(sorted(unjudged.items())), "blind": blind}
    known |= {"places": tuple(places), "fault": fault}
    if stopped:
        return Report(together(found, subject.roots), events, False, f"the script {stopped}", **known)
    if ending.crashed or not word:
        words = f"the script was {ending}" if code < 0 else f"the script {ending}"
        return Report(together(found, subject.roots), events, False, words, **known)
    if word == "raised":
        return Report(together(found, subject.roots), events, False, f"the script raised {detail}", **known)
    words = "ran to its end" if detail == "0" else f"ended with exit code {detail}"
    return Report(together(found, subject.roots), events, True, f"the script {words}", **known)


# ---- the source ------------------------------------------------------------------------------------------------------


class Source:
    """The lines of source that findings name.

    Args:
        folders: where to look first for a file that is named relative to its project.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [*folders, Path.cwd()]
        with contextlib.suppress(Missing):
            self._folders.append(source_folder())
        self._files: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str:
        """A line without its indentation, or "" where it cannot be found."""
        lines = self.lines(file)
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def lines(self, file: str) -> list[str]:
        """All lines of a file, or none where it cannot be found."""
        if file not in self._files:
            there = [folder / file for folder in self._folders if file and (folder / file).is_file()]
            self._files[file] = there[0].read_text(encoding="utf-8", errors="replace").splitlines() if there else []
        return self._files[file]


# ---- for people and for machines -------------------------------------------------------------------------------------


def as_json(report: Report, program: Program, subject: Subject, source: Source) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "script": str(program),
        "arguments": list(program.arguments),
        "module": str(subject),
        "python": platform.python_version(),
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "ending": report.ending,
        "judged": dict(zip(("calls", "functions"), report.judged)) if report.judged else None,
        "unjudged": dict(report.unjudged),
        "blind": report.blind,
        "findings": [
            {**asdict(finding), "source": source.line(finding.file, finding.line)} for finding in report.findings
        ],
        "events": [asdict(event) for event in report.events],
    }


#: Of the functions that are not judged, so many are named.
MOST_UNJUDGED = 8
#: Of the callers of a line, so many are named.
MOST_CALLERS = 4


def show(report: Report, source: Source, stage: Stage) -> None:
    """Prints a report: a table of what did not balance, with the lines of source, and a verdict."""
    if report.events:
        stage.say(f"{len(report.events)} events:")
        stage.transcript("\n".join(map(_event, report.events)))
    if report.findings:
        stage.table(["", "times", "where and what"], [_row(finding, source) for finding in report.findings])
    if report.judged and report.judged[0]:
        calls, functions = report.judged
        stage.say(
            f"Judged: {calls} call{'' if calls == 1 else 's'} of {functions} function{'' if functions == 1 else 's'}."
        )
    if report.unjudged:
        names = ", ".join(f"{name} ({why})" for name, why in report.unjudged[:MOST_UNJUDGED])
        more = len(report.unjudged) - MOST_UNJUDGED
        stage.say(f"Not judged: {names}{f', and {more} more' if more > 0 else ''}.")
    if report.blind:
        stage.say(f"From some call on nothing was judged: {report.blind}.")
    if report.findings:
        times = sum(finding.times for finding in report.findings)
        also = "" if report.well else f", and {report.ending}"
        stage.say(f"Unbalanced: {times} time{'' if times == 1 else 's'}{also}.")
    elif report.verdict == BALANCED:
        ending = "" if report.ending.endswith("end") else f" ({report.ending})"
        stage.say(f"Balanced{ending}.")


def _row(finding: Finding, source: Source) -> tuple[str, int, str]:
    place = f"{finding.place}, in {finding.function}" if finding.line else f"in {finding.function}"
    quoted = source.line(finding.file, finding.line)
    named = ": ".join(text for text in (finding.repr or finding.type, finding.what) if text)
    callers = [f"called by {caller}" for caller in finding.callers[:MOST_CALLERS]]
    lines = [place, f"    {quoted}" * bool(quoted), named, *callers]
    return finding.kind, finding.times, "\n".join(line for line in lines if line)


def _event(event: Event) -> str:
    place = f"{event.file}:{event.line}" if event.line else f"in {event.function}"
    return f"{event.what:<9} {place:<36} {event.type} at {event.address:#x}, count {event.count}"


def perform(
    program: Program,
    subject: Subject,
    folders: Sequence[Path],
    events: bool,
    machine: bool,
    stage: Stage,
    time_limit: float | None = None,
    film: Path | None = None,
) -> int:
    """Runs a program and reports, for people or for machines.

    Args:
        program, subject, events, time_limit: as for `run`.
        folders: where to look for the extension's source first.
        machine: JSON instead of a table. What the program prints goes to standard error then.
        stage: where to print.
        film: where to write a film of the run; None: nowhere.

    Returns:
        The exit code: 0 balanced, 1 unbalanced; for machines also 2, could not tell.

    Raises:
        Missing: could not tell (and not for machines, which read it in the JSON); the message says why.
        Interrupted: Ctrl-C; what was found until then has been reported.
    """
    if film is None:
        report = run(program, subject, events, sys.stderr.fileno() if machine else None, time_limit)
    else:
        from hashtable_lab.replay import command  # which needs this module

        report = command.film_of_a_report(program, subject, folders, film, time_limit, machine, stage)
        report = report if events else replace(report, events=[])
    source = Source(folders)
    if machine:
        stage.out.file.write(json.dumps(as_json(report, program, subject, source), indent=2) + "\n")
    else:
        show(report, source, stage)
    if report.ending == "the script was interrupted":
        raise Interrupted()
    if report.verdict == UNKNOWN and not machine:
        sys.stdout.flush()
        if report.blind:
            raise Missing(
                f"could not tell: {subject} can be judged only until {report.blind}; until then it was balanced."
            )
        if report.well:
            raise Missing(f"could not tell: {report.ending}, and called no function of {subject} that can be judged.")
        raise Missing(f"could not tell: {report.ending}; until then it was balanced.")
    return report.exit_code
