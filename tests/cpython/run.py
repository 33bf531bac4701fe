"""Puts CPython's own tests of `dict` to HashTable, with every CPython found that ships them: `make test-cpython`.

    python tests/cpython/run.py [--python PATH]

For each interpreter the extension is built into target/cpython, and suite.py runs in two processes: in the first the tests that
must pass, in the second those that skips.py lists, one of which that passes need not be listed any more and is an error.
It ends with the line `N passed, N failed, N skipped`; the exit code is 1 if anything failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from building import build  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from hashtable_lab.children.interpreters import interpreters  # noqa: E402
from skips import SKIPS  # noqa: E402

# The slowest takes a few seconds; a test that never ends must not keep us here.
TIME_LIMIT = 600

# (Debian, for one, puts the tests into a package of their own.)
SHIPS_THE_TESTS = "import test.mapping_tests, test.test_dict, test.test_dictviews, test.test_userdict"


#: For controls: a module `hashtable` in the place of the real one, which lies at `path`, with a fault in its HashTable.
FAULTY = """\
import importlib.util, os, sys
this_module = sys.modules["hashtable"]
spec = importlib.util.spec_from_file_location("hashtable", {path!r})
real = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)
sys.modules["hashtable"] = this_module  # the real one has put itself there

class HashTable(real.HashTable):
    {fault}
"""


@dataclass
class Outcome:
    """What came of one interpreter: the names of the tests by how they ended, and why the failed ones failed."""

    passed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run_suite(python: str, module_folder: Path, *options: str) -> dict[str, tuple[str, str]]:
    """Runs suite.py in a process of its own.

    Args:
        python: the path of the interpreter.
        module_folder: where its module `hashtable` is.
        *options: what else suite.py gets on its command line.

    Returns:
        For each test how it ended (`passed`, `failed`, `skipped`), and the words that go with it. The test during which the process
        ended has failed. `the suite` is the name under which it says so if no test had begun.
    """
    environment = {**os.environ, "PYTHONPATH": str(module_folder), "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="hashtable-cpython-") as folder:
        results = Path(folder, "results")
        command = [python, "-X", "faulthandler", str(HERE / "suite.py"), str(results), *options]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIME_LIMIT,
            )
            end, said = f"the process ended with exit code {done.returncode}", done.stdout + done.stderr
        except subprocess.TimeoutExpired as slow:
            end, said = (
                f"the process was stopped after {TIME_LIMIT} seconds",
                str(slow.stderr or b"", "utf-8", "replace"),
            )
        return ends_of_tests(results, end, said)


def ends_of_tests(results: Path, end: str, said: str) -> dict[str, tuple[str, str]]:
    """What suite.py wrote down, and how its process ended.

    Args:
        results: the file that it wrote, if it came so far.
        end: a sentence that ends in ` 0` if the process ended well.
        said: what the process printed.

    Returns:
        What `run_suite` does.
    """
    events = [json.loads(line) for line in results.read_text("utf-8").splitlines()] if results.exists() else []
    outcomes = {event["ended"]: (event["outcome"], event["words"]) for event in events if "ended" in event}
    begun = [event["begun"] for event in events if "begun" in event]
    if not end.endswith(" 0"):
        outcomes[begun[-1] if begun else "the suite"] = ("failed", f"{end}\n{said}")
    return outcomes


def test_with(python: str, module_folder: Path) -> Outcome:
    """Runs all tests of one interpreter, the listed ones too."""
    return judged(lambda *options: run_suite(python, module_folder, *options), SKIPS)


def judged(suite: Callable[..., dict[str, tuple[str, str]]], skips: dict[str, str]) -> Outcome:
    """Runs all tests, the listed ones too: those must not pass.

    Args:
        suite: a function that runs suite.py with the options that it gets. Its result is that of `run_suite`.
        skips: the listed ones, each with its reason.
    """
    outcome = Outcome()
    for name, (end, words) in suite().items():
        if end == "passed":
            outcome.passed.append(name)
        elif end == "skipped":
            outcome.skipped[name] = f"CPython itself skips it: {words}"
        else:
            outcome.failed[name] = words
    for name, (end, words) in suite("--listed").items():
        if end == "passed":
            outcome.failed[name] = "it passes, though skips.py lists it: take it off the list\n"
        elif name in skips:
            outcome.skipped[name] = skips[name]
        else:
            outcome.failed[name] = words
    return outcome


def show(outcomes: dict[str, Outcome]) -> None:
    """Prints what failed, what was skipped and why, and the counts of each interpreter."""
    for kind, outcome in outcomes.items():
        for name, words in outcome.failed.items():
            console.rule(f"CPython {kind}: {name}", align="left")
            console.print(words.rstrip())

    for reason in sorted({reason for outcome in outcomes.values() for reason in outcome.skipped.values()}):
        console.print(f"skipped, {reason}")
        for name in sorted({name for outcome in outcomes.values() for name in outcome.skipped}):
            kinds = [kind for kind, outcome in outcomes.items() if outcome.skipped.get(name) == reason]
            if kinds:
                where = "" if len(kinds) == len(outcomes) else f" (in {', '.join(kinds)})"
                console.print(f"    {name}{where}")
    console.print()

    counts = Table("CPython", "run", "passed", "failed", "skipped", box=None, padding=(0, 2, 0, 0))
    for kind, outcome in outcomes.items():
        numbers = (len(outcome.passed), len(outcome.failed), len(outcome.skipped))
        counts.add_row(kind, *map(str, (numbers[0] + numbers[1], *numbers)))
    console.print(counts)


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--python", "only", metavar="PATH", help="Test with this interpreter alone.")
def main(only: str | None) -> int:
    """The command line."""
    outcomes: dict[str, Outcome] = {}
    found = {only: only} if only else interpreters()
    able = found if only else interpreters(SHIPS_THE_TESTS)
    for kind in found.keys() - able.keys():
        console.print(f"CPython {kind} is left out: it comes without its own tests")
    for kind, python in able.items():
        folder = ROOT / "target" / "cpython" / kind.strip("/").replace("/", "-")
        build(f"CPython {kind}: building", python, ROOT, folder / "cargo", folder / "module")
        outcomes[kind] = outcome = test_with(python, folder / "module")
        console.print(
            f"CPython {kind}: {len(outcome.passed)} passed, {len(outcome.failed)} failed, {len(outcome.skipped)} skipped"
        )
    if not outcomes:
        raise click.ClickException(
            "no CPython here comes with its own tests (Debian: a package such as libpython3.11-testsuite)."
        )
    show(outcomes)
    passed, failed, left_out = (
        sum(len(getattr(outcome, end)) for outcome in outcomes.values()) for end in ("passed", "failed", "skipped")
    )
    console.print(f"{passed} passed, {failed} failed, {left_out} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    run_command(main)
