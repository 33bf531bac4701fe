"""`make mutants`: takes each refcount operation of the extension away, or doubles it; a test must notice.

For every mutant (see operations.py) the traced build is made, in a copy of the source, and put to the tests until one
fails (see trial.py). What that was is printed: the ledger's finding with its line, a crash, or the test. Every mutant
must be killed. One that cannot be, since it does the same as the source, is in equivalent.py with the proof; if it is
killed after all, that is an error too.

Each run begins with two controls: the source with an operation put in braces, which must pass all tests, and one with
that operation deleted, which must not. What is known from earlier runs is not done again.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue

import click
import filelock
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
import atlas  # noqa: E402
import operations as parsed  # noqa: E402
import trial  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from equivalent import EQUIVALENT  # noqa: E402
from hashtable_lab.children.interpreters import interpreters  # noqa: E402

from forms import environment_for  # noqa: E402

#: Where the controls change something: an operation that every test file comes by.
CONTROL = ("slots/methods.rs", "set", "Py_NewRef(op)", 0)


EPILOG = "NAME is the beginning of a mutant's name: `ffi`, `views/view.rs`, `views/view.rs:26`, or all of it."

#: What is neither killed nor alive: not compiled for this Python, or not Rust.
OTHERWISE = {"not compiled": "elsewhere", "no build": "no build"}
#: The verdicts after which `make mutants` fails.
BAD = {"survived", "not equivalent", "no build"}


class Sieve:
    """Tries mutants, some at a time, and remembers."""

    def __init__(self, jobs: int, python: trial.Python) -> None:
        self.stop = threading.Event()
        self.memory = trial.Memory(python)
        self.jobs = jobs
        self.workers: SimpleQueue[trial.Worker] = SimpleQueue()
        for number in range(jobs):
            self.workers.put(trial.Worker(number, self.stop, python))

    def _try_out(self, mutant: parsed.Mutant) -> trial.Symptom:
        worker = self.workers.get()
        try:
            if self.stop.is_set():
                raise trial.Stopped
            worker.prepare()
            symptom = worker.try_out(mutant)
            if symptom.seen != "no build":
                self.memory.keep(mutant, symptom)
            return symptom
        finally:
            self.workers.put(worker)

    def outcomes(
        self, mutants: list[parsed.Mutant]
    ) -> Generator[tuple[parsed.Mutant, trial.Symptom, bool], None, None]:
        """Yields each mutant with what became of it, and whether that was known; the known ones first."""
        unknown = []
        for mutant in mutants:
            known = self.memory.recall(mutant)
            if known is None:
                unknown.append(mutant)
            else:
                yield mutant, known, True
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                running: dict[Future[trial.Symptom], parsed.Mutant] = {
                    pool.submit(self._try_out, mutant): mutant for mutant in unknown
                }
                while running:
                    for done in wait(running, return_when=FIRST_COMPLETED, timeout=0.2).done:
                        yield running.pop(done), done.result(), False
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise


def controls(sieve: Sieve, operations: list[parsed.Operation]) -> None:
    """Sees that the tests pass without a mutation, and that they fail with one.

    Raises:
        click.ClickException: they do not: then no outcome would mean anything.
    """
    chosen = next((operation for operation in operations if operation.key == CONTROL), None)
    if chosen is None:
        raise click.ClickException(f"the source has no {CONTROL} any more: choose another control in {__file__}.")
    expected = {parsed.NOTHING: False, parsed.DELETED: True}
    with closing(sieve.outcomes([parsed.Mutant(chosen, kind) for kind in expected])) as outcomes:
        for mutant, symptom, _ in outcomes:
            if symptom.killed != expected[mutant.kind]:
                raise click.ClickException(f"a control went wrong: {mutant.id}: {symptom}")
            console.print(f"{'control':15}{mutant.id}  {'killed' if symptom.killed else 'survived'}, as it must")


def verdict(mutant: parsed.Mutant, symptom: trial.Symptom) -> str:
    """`killed`, `survived`, `equivalent`, `not equivalent` (killed though it was listed), `elsewhere` or `no build`."""
    listed = mutant_key(mutant) in EQUIVALENT
    if symptom.seen in OTHERWISE:
        return OTHERWISE[symptom.seen]
    if symptom.killed:
        return "not equivalent" if listed else "killed"
    return "equivalent" if listed else "survived"


def mutant_key(mutant: parsed.Mutant) -> tuple[str, str, str, int, str]:
    return (*mutant.operation.key, mutant.kind)


def choose(
    mutants: list[parsed.Mutant], filters: tuple[str, ...], missing: bool, elsewhere: bool, sample: int | None
) -> list[parsed.Mutant]:
    """The mutants that the command line asks for.

    Raises:
        click.ClickException: no name begins like that.
    """
    chosen = parsed.near(filters, mutants)
    if not chosen:
        raise click.ClickException(f"no mutant has a name that begins with {' or '.join(filters)}.")
    record = atlas.read(ROOT)
    if missing:
        chosen = [mutant for mutant in chosen if atlas.outcome(record, mutant.operation, mutant.kind) is None]
    if elsewhere:
        chosen = [mutant for mutant in chosen if atlas.is_elsewhere(record, mutant.operation, mutant.kind)]
    if sample is not None:
        # In an order that has nothing to do with the source's, and is always the same.
        chosen = sorted(chosen, key=lambda mutant: hashlib.sha256(repr(mutant_key(mutant)).encode()).digest())[:sample]
    return chosen


@click.command(context_settings={"help_option_names": ["-h", "--help"]}, help=__doc__, epilog=EPILOG)
@click.argument("filters", nargs=-1, metavar="[NAME]...")
@click.option("--list", "only_list", is_flag=True, help="List the mutants and end.")
@click.option("--show", metavar="NAME", help="Print one mutant as a unified diff and end.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N of them, always the same.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="How many at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array to standard output.")
@click.option("--missing", is_flag=True, help="Only those of which docs/atlas.json does not know.")
@click.option(
    "--elsewhere",
    "kind",
    metavar="CPYTHON",
    help="With this CPython, such as 3.14t: those that are no part of the module for the one that makes the record.",
)
@click.option("--write", is_flag=True, help="Write the outcomes into docs/atlas.json.")
def main(
    filters: tuple[str, ...],
    only_list: bool,
    show: str | None,
    sample: int | None,
    jobs: int,
    as_json: bool,
    missing: bool,
    kind: str | None,
    write: bool,
) -> int:
    """The command line."""
    if as_json:
        console.stderr = True
    try:
        operations = parsed.operations(ROOT)
    except parsed.Unreadable as error:
        raise click.ClickException(str(error)) from None
    mutants = parsed.mutants(operations)
    if show is not None:
        [chosen] = [mutant for mutant in mutants if mutant.id == show] or [None]
        if chosen is None:
            raise click.ClickException(f"there is no mutant {show}; `make mutants LIST=yes` lists them.")
        click.echo(chosen.diff(ROOT), nl=False)
        return 0
    chosen_ones = choose(mutants, filters, missing, kind is not None, sample)
    if only_list:
        for mutant in chosen_ones:
            click.echo(mutant.id)
        return 0
    stale = sorted(set(EQUIVALENT) - {mutant_key(mutant) for mutant in mutants})
    if stale:
        raise click.ClickException(f"equivalent.py lists what the source does not have: {stale[0]}.")
    trial.TARGET.mkdir(parents=True, exist_ok=True)
    python = trial.Python() if kind is None else other_python(kind)
    try:
        with filelock.FileLock(trial.TARGET / "lock", timeout=0):
            found = sift(Sieve(min(jobs, len(chosen_ones) + 1), python), operations, chosen_ones)
    except filelock.Timeout:
        raise click.ClickException("another `make mutants` is running in this folder.") from None
    if write:
        atlas.write(ROOT, operations, found, python.kind)
        console.print(f"the outcomes are in {atlas.RECORD}")
    if as_json:
        click.echo(json.dumps([result(*pair) for pair in found], indent=1))
    return summary(found)


def other_python(kind: str) -> trial.Python:
    """Another CPython, in an environment with what the tests need.

    Raises:
        click.ClickException: it is not here.
    """
    path = interpreters().get(kind)
    if path is None:
        raise click.ClickException(f"CPython {kind} is not here. (make interpreters KINDS={kind} may get it.)")
    return trial.Python.at(str(environment_for(kind, path)), kind)


def sift(
    sieve: Sieve, operations: list[parsed.Operation], mutants: list[parsed.Mutant]
) -> list[tuple[parsed.Mutant, trial.Symptom]]:
    """Runs the controls, then tries out all the mutants, and prints what becomes of each."""
    found = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("controls", total=len(mutants))
        controls(sieve, operations)
        progress.update(task, description="mutants")
        with closing(sieve.outcomes(mutants)) as outcomes:
            for mutant, symptom, known in outcomes:
                found.append((mutant, symptom))
                progress.advance(task)
                console.print(f"{verdict(mutant, symptom):15}{mutant.id}  {symptom}{'  (known)' if known else ''}")
    return sorted(found, key=lambda pair: mutants.index(pair[0]))


def result(mutant: parsed.Mutant, symptom: trial.Symptom) -> dict[str, object]:
    """One outcome for machines."""
    at = mutant.operation
    place = {"file": at.file, "line": at.line, "column": at.column, "function": at.function, "code": at.code}
    outcome = {"verdict": verdict(mutant, symptom), **asdict(symptom)}
    return {"id": mutant.id, **place, "operation": at.name, "kind": mutant.kind, **outcome}


def summary(found: list[tuple[parsed.Mutant, trial.Symptom]]) -> int:
    """Prints the figures. Returns the exit code."""
    verdicts = [verdict(*pair) for pair in found]
    seen = [symptom.seen for _, symptom in found if symptom.killed]
    by = ", ".join(f"{seen.count(how)} {words}" for how, words in atlas.SEEN.items() if how in seen)
    parts = [f"{verdicts.count('killed')} of {len(found)} mutants killed ({by})"]
    for name, words in (
        ("equivalent", "equivalent, with proof"),
        ("elsewhere", "not compiled for this Python"),
        ("survived", "SURVIVED"),
        ("not equivalent", "KILLED THOUGH LISTED AS EQUIVALENT"),
        ("no build", "DO NOT BUILD: mend their forms in operations.py"),
    ):
        if name in verdicts:
            parts.append(f"{verdicts.count(name)} {words}")
    console.print(", ".join(parts))
    for mutant, symptom in found:
        if verdict(mutant, symptom) in BAD:
            console.print(f"  {mutant.id}")
    return 1 if BAD & set(verdicts) else 0


if __name__ == "__main__":
    run_command(main)
