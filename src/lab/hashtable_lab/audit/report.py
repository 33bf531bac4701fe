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
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hashtable_lab import children
from hashtable_lab.audit.book import Event, Finding, together
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
        judged: how many calls of how many functions were judged; None if the script crashed before it could be told.
    """

    findings: list[Finding]
    events: list[Event]
    well: bool
    ending: str
    judged: tuple[int, int] | None = None

    @property
    def verdict(self) -> str:
        """`BALANCED`, `UNBALANCED`, or `UNKNOWN`: nothing was found, but the script did not come to its end, or called
        nothing that could be judged."""
        if self.findings:
            return UNBALANCED
        return BALANCED if self.well and self.judged and self.judged[0] else UNKNOWN

    @property
    def exit_code(self) -> int:
        """0 balanced, 1 unbalanced, 2 could not tell."""
        return EXIT_CODES[self.verdict]


def run(script: Path, arguments: Sequence[str], module: str, events: bool, output: int | None = None) -> Report:
    """Runs a script in a child against an extension that keeps a ledger.

    Args:
        script: a Python file.
        arguments: what it finds in `sys.argv` after its name.
        module: the name of the extension; `hashtable_traced` is `hashtable` to the script.
        events: keep the raw record too.
        output: a file descriptor for what the script prints on standard output; None: ours.

    Returns:
        What was found, also if the script raises or crashes.

    Raises:
        Missing: there is no such extension, or it keeps no ledger.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        request, log = Path(folder, "request.json"), Path(folder, "log")
        path = [os.path.abspath(entry) for entry in sys.path]
        question = {"path": path, "log": str(log), "module": module, "events": events}
        question |= {"script": str(script), "arguments": list(arguments)}
        request.write_text(json.dumps(question), encoding="utf-8")
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        variables.pop("PYTHONINSPECT", None)
        sys.stdout.flush()
        command = [sys.executable, "-m", "hashtable_lab.audit.child", str(request)]
        # In our own process group, at our own terminal: Ctrl-C reaches the script too, and it may read what is typed.
        with subprocess.Popen(command, env=variables, stdout=output) as child:
            try:
                child.wait()
            except BaseException:
                child.kill()
                raise
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return read([line.split("\x1f") for line in lines if line], child.returncode, module)


def read(rows: Iterable[list[str]], code: int, module: str) -> Report:
    """Makes a report of the child's log, whose last line may be cut short."""
    found, events, ended = [], [], ["", ""]
    judged: tuple[int, int] | None = None
    for kind, *fields in (row[:-1] if row[0] in ("finding", "event") else row for row in rows):
        if kind == "finding" and len(fields) == 8:
            kind, what, file, line, function, address, type_name, text = fields
            found.append((kind, what, file, int(line), function, int(address), type_name, text))
        elif kind == "event" and len(fields) == 7:
            what, file, line, function, address, type_name, count = fields
            events.append(Event(what, file, int(line), function, int(address), type_name, int(count)))
        elif kind == "judged" and len(fields) == 2:
            judged = int(fields[0]), int(fields[1])
        elif kind == "ended" and len(fields) == 2:
            ended = fields
    word, detail = ended
    ending = children.Ending("", code)
    if word == "cannot":
        raise Missing(f"{detail}: the module {module!r} must be built with the crate in src/ledger and be installed.")
    if ending.crashed or not word:
        return Report(
            together(found), events, False, f"the script was {ending}" if code < 0 else f"the script {ending}"
        )
    if word == "raised":
        return Report(together(found), events, False, f"the script raised {detail}", judged)
    words = "ran to its end" if detail == "0" else f"ended with exit code {detail}"
    return Report(together(found), events, True, f"the script {words}", judged)


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


def as_json(report: Report, script: Path, arguments: Sequence[str], module: str, source: Source) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "script": str(script),
        "arguments": list(arguments),
        "module": module,
        "python": platform.python_version(),
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "ending": report.ending,
        "judged": dict(zip(("calls", "functions"), report.judged)) if report.judged else None,
        "findings": [
            {**asdict(finding), "source": source.line(finding.file, finding.line)} for finding in report.findings
        ],
        "events": [asdict(event) for event in report.events],
    }


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
    return (
        finding.kind,
        finding.times,
        "\n".join(line for line in (place, f"    {quoted}" * bool(quoted), named) if line),
    )


def _event(event: Event) -> str:
    place = f"{event.file}:{event.line}" if event.line else f"in {event.function}"
    return f"{event.what:<9} {place:<36} {event.type} at {event.address:#x}, count {event.count}"


def perform(
    script: Path,
    arguments: Sequence[str],
    module: str,
    folders: Sequence[Path],
    events: bool,
    machine: bool,
    stage: Stage,
) -> int:
    """Runs a script and reports, for people or for machines.

    Args:
        script, arguments, module, events: as for `run`.
        folders: where to look for the extension's source first.
        machine: JSON instead of a table. What the script prints goes to standard error then.
        stage: where to print.

    Returns:
        The exit code: 0 balanced, 1 unbalanced.

    Raises:
        Missing: could not tell (and not for machines, which read it in the JSON); the message says why.
    """
    report = run(script, arguments, module, events, sys.stderr.fileno() if machine else None)
    source = Source(folders)
    if machine:
        stage.out.file.write(json.dumps(as_json(report, script, arguments, module, source), indent=2) + "\n")
        return report.exit_code
    show(report, source, stage)
    if report.verdict == UNKNOWN:
        sys.stdout.flush()
        if report.well:
            raise Missing(f"could not tell: {report.ending}, and called no function of {module} that can be judged.")
        raise Missing(f"could not tell: {report.ending}; until then it was balanced.")
    return report.exit_code
