"""Makes each call of an extension that may fail, fail once, and looks at what comes of it.

An error path is code that hardly ever runs. With the ledger's header (or its crate) each call of the C API can be made to fail. The
program is run once to see at which places calls are made; then once for each place, with the first call there failing. Nothing but
an exception may come of that:

crash
: the interpreter died.
hang
: the program did not come to its end in the time that it was given.
no exception
: a function returned NULL without an exception, or a value with one.
unbalanced
: on the way out a reference was lost, or given away that was not owned.
swallowed
: the program went on as if nothing had happened. That can be meant: a call can be a question, of which "no" is an answer. So it
  is told, and is no failure by itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hashtable_lab.audit import report
from hashtable_lab.audit.ledger import Finding
from hashtable_lab.campaign import ExecutorChoice, Job
from hashtable_lab.campaign.option import run_with_progress
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

CRASH, HANG, NO_EXCEPTION, UNBALANCED = "crash", "hang", "no exception", "unbalanced"
SWALLOWED, RAISED, NOT_REACHED = "swallowed", "raised", "not reached"

#: What counts as a failure.
WRONG = (CRASH, HANG, NO_EXCEPTION, UNBALANCED)

#: A program is given at least so many seconds, and this many times as long as it takes by itself.
LEAST_TIME, TIMES_AS_LONG = 20.0, 10.0


@dataclass(frozen=True)
class Place:
    """A place at which a call may fail.

    Attributes:
        file, line: where.
        call: which function of the C API.
        nth: the how manieth of all such calls of the program it was when it was reached first.
    """

    file: str
    line: int
    call: str
    nth: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.call}"


@dataclass(frozen=True)
class Outcome:
    """What came of one failing call.

    Attributes:
        place: where.
        kind: one of the words above.
        words: more of it.
        findings: what did not balance, and did with no call failing.
    """

    place: Place
    kind: str
    words: str
    findings: tuple[Finding, ...] = ()


def places_of(ended: report.Report) -> list[Place]:
    """The places that a run has reached, in the order in which it reached them."""
    return sorted((Place(*place) for place in ended.places), key=lambda place: place.nth)


def run_with_fault(
    program: report.Program,
    subject: report.Subject,
    place: Place,
    exception: str,
    time_limit: float,
    known: Sequence[str],
) -> dict[str, Any]:
    """Runs a program with one call failing. Plain data in and out: it may run in another process.

    Args:
        program, subject, time_limit: as for `hashtable_lab.audit.report.run`.
        place: the first call here fails.
        exception: the name of the builtin exception that it raises.
        known: what did not balance with no call failing: `file:line: kind`.
    """
    variables = {**subject.variables, "LEDGER_FAIL": f"{place.nth} {exception}"}
    faulty = report.Subject(subject.module, subject.path, variables, subject.name, subject.roots)
    with open(os.devnull, "w") as nothing:
        ended = report.run(program, faulty, output=nothing.fileno(), errors=nothing.fileno(), time_limit=time_limit)
    findings = [finding for finding in ended.findings if key(finding) not in known]
    kind, words = _judge(ended, findings)
    return {"kind": kind, "words": words, "findings": [asdict(finding) for finding in findings]}


def key(finding: Finding) -> str:
    """What makes two findings of different runs the same."""
    return f"{finding.place}: {finding.kind}: {finding.function}"


def _judge(ended: report.Report, findings: Sequence[Finding]) -> tuple[str, str]:
    if "was stopped" in ended.ending:
        return HANG, ended.ending
    if "killed by SIG" in ended.ending or "killed by the system" in ended.ending:
        return CRASH, ended.ending
    for finding in findings:
        if finding.kind == "exception":
            return NO_EXCEPTION, f"in {finding.function}: {finding.what}"
    if "SystemError" in ended.ending and "exception" in ended.ending:
        return NO_EXCEPTION, ended.ending
    if findings:
        return UNBALANCED, "; ".join(str(finding) for finding in findings)
    if not ended.fault:
        return NOT_REACHED, "the program took another way"
    return (SWALLOWED, "nothing came of it") if ended.well else (RAISED, ended.ending)


def find(
    program: report.Program,
    subject: report.Subject,
    stage: Stage,
    exception: str = "MemoryError",
    most: int | None = None,
    executor: ExecutorChoice = None,
) -> list[Outcome]:
    """Makes each place fail once.

    Args:
        program, subject: as for `hashtable_lab.audit.report.run`.
        stage: where to show how far it is.
        exception: the name of the builtin exception that a failing call raises.
        most: only so many places, spread over all of them.
        executor: where the runs are made, as for `hashtable_lab.run`.

    Raises:
        Missing: with no call failing, the program does not come to its end, or makes no call that may fail.
    """
    import time

    begun = time.monotonic()
    counting = {**subject.variables, "LEDGER_FAIL": "0"}
    with stage.busy("running the program once to see which calls it makes"), open(os.devnull, "w") as nothing:
        plain = report.Subject(subject.module, subject.path, counting, subject.name, subject.roots)
        ended = report.run(program, plain, output=nothing.fileno())
    if not ended.well:
        raise Missing(f"could not tell: with no call failing, {ended.ending}.")
    places = places_of(ended)
    if not places:
        raise Missing(f"could not tell: the program makes no call of {subject} that may fail.")
    time_limit = max(LEAST_TIME, TIMES_AS_LONG * (time.monotonic() - begun))
    if most is not None and len(places) > most:
        places = [places[at * len(places) // most] for at in range(most)]
    known = sorted({key(finding) for finding in ended.findings})
    common = {"program": program, "subject": subject, "exception": exception, "time_limit": time_limit, "known": known}
    jobs = [Job(run_with_fault, {**common, "place": place}, label=str(place)) for place in places]
    results = run_with_progress("making each call fail once", jobs, stage, executor)
    outcomes = []
    for place, result in zip(places, results):
        if result.error:
            outcomes.append(Outcome(place, NOT_REACHED, result.error))
            continue
        rows = [{**row, "callers": tuple(row["callers"])} for row in result.value["findings"]]
        findings = tuple(Finding(**row) for row in rows)
        outcomes.append(Outcome(place, result.value["kind"], result.value["words"], findings))
    return outcomes


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """1 if something went wrong, 2 if nothing could be made to fail, else 0."""
    if any(outcome.kind in WRONG for outcome in outcomes):
        return 1
    return 0 if any(outcome.kind in (RAISED, SWALLOWED) for outcome in outcomes) else 2


def as_json(outcomes: Sequence[Outcome], program: report.Program, subject: report.Subject) -> dict[str, Any]:
    """All of it, for JSON."""
    return {
        "script": str(program),
        "module": str(subject),
        "exit_code": exit_code(outcomes),
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }


def show(outcomes: Sequence[Outcome], source: report.Source, stage: Stage) -> None:
    """Prints what came of it: a table of what went wrong, and how many calls failed as they should."""
    told = [outcome for outcome in outcomes if outcome.kind in (*WRONG, SWALLOWED)]
    if told:
        stage.table(["", "which call, and what came of it"], [_row(outcome, source) for outcome in told])
    counts = [
        (kind, sum(outcome.kind == kind for outcome in outcomes)) for kind in (RAISED, SWALLOWED, NOT_REACHED, *WRONG)
    ]
    words = ", ".join(f"{count} {kind}" for kind, count in counts if count)
    stage.say(f"Of {len(outcomes)} places at which a call was made to fail: {words}.")


def _row(outcome: Outcome, source: report.Source) -> tuple[str, str]:
    quoted = source.line(outcome.place.file, outcome.place.line)
    lines = [str(outcome.place), f"    {quoted}" * bool(quoted), outcome.words]
    return outcome.kind, "\n".join(line for line in lines if line)
