"""One release, one tool: what does the tool say? Each of these functions is a job of a campaign: plain data in, plain data out.

An answer is a dict with `seconds` (of the run, without building) and what the tool itself said. One that is not there has
`missing` in it, the reason in a line. What an answer means is decided later, in `record`: then a case may be corrected without
another run.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hashtable_lab
from hashtable_lab import children
from hashtable_lab.audit import report
from hashtable_lab.children.interpreters import interpreters
from hashtable_lab.errors import Missing
from hashtable_lab.field import packages
from hashtable_lab.foreign import faults, flags
from hashtable_lab.foreign.build import build
from hashtable_lab.stage import Silent

#: Each is stopped after so many seconds.
TIME_LIMIT = 300.0

#: Of the places at which a call can fail so many are tried, spread over all.
MOST_PLACES = 12

#: Of what was found so much is kept.
MOST_FINDINGS = 40

LAB = Path(hashtable_lab.__file__).parent


@contextmanager
def answer_or_reason() -> Iterator[dict[str, Any]]:
    """An answer that says what was missing, if something was."""
    answer: dict[str, Any] = {}
    try:
        yield answer
    except Missing as missing:
        answer["missing"] = " ".join(missing.format_message().split())[:300]


@contextmanager
def _script(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        file = Path(folder, "script.py")
        file.write_text(text, encoding="utf-8")
        yield file


@contextmanager
def constrained(constraints: Sequence[str]) -> Iterator[None]:
    """What a package is built with has these versions, such as `cython<3`."""
    if not constraints:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        file = Path(folder, "constraints.txt")
        file.write_text("\n".join(constraints), encoding="utf-8")
        os.environ["PIP_CONSTRAINT"] = str(file)
        try:
            yield
        finally:
            del os.environ["PIP_CONSTRAINT"]


def run_ledger(
    package: str, version: str, patch: str, needs: Sequence[str], constraints: Sequence[str], script: str
) -> dict[str, Any]:
    """The ledger: builds the release with it, and runs a script once."""
    with answer_or_reason() as answer, constrained(constraints):
        built = build(packages.source(package, version, patch), Silent(), needs, packages.TIME_LIMIT)
        with _script(script) as file:
            begun = time.monotonic()
            with open(os.devnull, "w") as nothing:
                ended = report.run(
                    report.Program(str(file)),
                    built.subject(),
                    output=nothing.fileno(),
                    errors=nothing.fileno(),
                    time_limit=TIME_LIMIT,
                )
            answer["seconds"] = time.monotonic() - begun
        answer["verdict"], answer["ending"], answer["judged"] = ended.verdict, ended.ending, ended.judged
        answer["findings"] = plain(ended.findings)
    return answer


def run_faults(
    package: str, version: str, patch: str, needs: Sequence[str], constraints: Sequence[str], script: str
) -> dict[str, Any]:
    """Fault injection: runs the script once for each place at which a call of the C API can fail."""
    with answer_or_reason() as answer, constrained(constraints):
        built = build(packages.source(package, version, patch), Silent(), needs, packages.TIME_LIMIT)
        with _script(script) as file:
            begun = time.monotonic()
            outcomes = faults.find(report.Program(str(file)), built.subject(), Silent(), most=MOST_PLACES)
            answer["seconds"] = time.monotonic() - begun
        answer["places"] = len(outcomes)
        wrong = [outcome for outcome in outcomes if outcome.kind in faults.WRONG]
        answer["outcomes"] = [
            {
                "place": f"{outcome.place.file}:{outcome.place.line}",
                "call": outcome.place.call,
                "kind": outcome.kind,
                "words": outcome.words[:300],
                "findings": plain(outcome.findings),
            }
            for outcome in wrong[:MOST_FINDINGS]
        ]
    return answer


def plain(findings: Sequence[Any]) -> list[dict[str, Any]]:
    """Findings, for JSON, without what is another one in every run."""
    return [
        {
            "place": finding.place,
            "kind": finding.kind,
            "function": finding.function,
            "type": finding.type,
            "times": finding.times,
            "callers": list(finding.callers),
        }
        for finding in findings[:MOST_FINDINGS]
    ]


def run_leakcheck(
    package: str,
    version: str,
    patch: str,
    needs: Sequence[str],
    constraints: Sequence[str],
    setup: str,
    statement: str,
) -> dict[str, Any]:
    """leakcheck, on the release as pip installs it."""
    with answer_or_reason() as answer, constrained(constraints):
        folder = packages.installed(package, version, patch, needs)
        _leakcheck(answer, [sys.executable], {"PYTHONPATH": str(folder)}, setup, statement)
    return answer


def run_total(
    package: str,
    version: str,
    patch: str,
    needs: Sequence[str],
    constraints: Sequence[str],
    setup: str,
    statement: str,
) -> dict[str, Any]:
    """The total of all references, which only a debug build of CPython keeps, read by leakcheck's rule."""
    with answer_or_reason() as answer, constrained(constraints):
        python = debug_python()
        folder = packages.installed(package, version, patch, needs, python)
        # leakcheck itself and what it needs are pure Python, or built for the stable ABI.
        path = os.pathsep.join([str(folder), *(entry for entry in sys.path if entry.endswith("site-packages"))])
        path = os.pathsep.join([path, str(LAB.parent)])
        found = _leakcheck(answer, [python], {"PYTHONPATH": path}, setup, statement)
        totals = [meter for meter in found.get("meters", []) if meter["kind"] == "references"]
        answer["total"] = {key: totals[0][key] for key in ("verdict", "per_call")} if totals else None
    return answer


def debug_python() -> str:
    """A debug build of our own version.

    Raises:
        Missing: there is none.
    """
    kind = f"{sys.version_info[0]}.{sys.version_info[1]}-debug"
    found = interpreters(oldest=(sys.version_info[0], sys.version_info[1])).get(kind)
    if found is None:
        raise Missing(f"there is no debug build of CPython {kind.partition('-')[0]} here.")
    return found


def _leakcheck(
    answer: dict[str, Any], python: list[str], variables: Mapping[str, str], setup: str, statement: str
) -> dict[str, Any]:
    command = [*python, "-m", "hashtable_lab", "leakcheck", "--json", "--setup", setup, "--", statement]
    environment = {**os.environ, **variables, "PYTHONDONTWRITEBYTECODE": "1"}
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"leakcheck was stopped after {TIME_LIMIT:g} seconds.") from None
    answer["seconds"] = time.monotonic() - begun
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Missing(f"leakcheck ended with exit code {done.returncode}: {said}") from None
    answer["verdict"], answer["reasons"] = found["verdict"], [reason[:300] for reason in found["reasons"][:8]]
    return found


#: psleak by itself, as its documentation says: times, retries and tolerance are its own.
PSLEAK = """\
import os, psleak
{setup}
def once():
{statement}
class Case(psleak.MemoryLeakTestCase):
    def runTest(self): pass
try:
    Case().execute(once)
    print("PSLEAK clean")
except psleak.MemoryLeakError as error:
    print("PSLEAK leaks", " ".join(str(error).split())[:200])
"""


def run_psleak(
    package: str,
    version: str,
    patch: str,
    needs: Sequence[str],
    constraints: Sequence[str],
    setup: str,
    statement: str,
) -> dict[str, Any]:
    """psleak, on the release as pip installs it."""
    with answer_or_reason() as answer, constrained(constraints):
        folder = packages.installed(package, version, patch, needs)
        body = "\n".join(f"    {line}" for line in statement.strip().splitlines())
        # A setup is run at the top level, where its names are; the function sees them.
        with _script(PSLEAK.format(setup=setup.strip(), statement=body)) as file:
            variables = {
                "PYTHONPATH": os.pathsep.join([str(folder), *sys.path[1:]]),
                # What psleak asks for.
                "PYTHONMALLOC": "malloc",
                "PYTHONUNBUFFERED": "1",
            }
            begun = time.monotonic()
            ending = children.run_command([sys.executable, str(file)], variables, TIME_LIMIT)
            answer["seconds"] = time.monotonic() - begun
        said = [line.split(" ", 2) for line in ending.output.splitlines() if line.startswith("PSLEAK ")]
        if said:
            answer["verdict"], answer["words"] = said[-1][1], "".join(said[-1][2:])
        elif ending.crashed:
            answer["verdict"], answer["words"] = "crashed", str(ending)
        else:
            lines = ending.output.strip().splitlines() or [str(ending)]
            raise Missing(f"psleak could not tell: {lines[-1][:200]}")
    return answer


#: The tools by name, each with what it is run by and which of the laboratory's folders it depends on.
TOOLS: dict[str, tuple[Callable[..., dict[str, Any]], tuple[str, ...]]] = {
    "ledger": (run_ledger, ("foreign", "audit")),
    "faults": (run_faults, ("foreign", "audit")),
    "leakcheck": (run_leakcheck, ("leakcheck",)),
    "psleak": (run_psleak, ()),
    "total": (run_total, ("leakcheck",)),
}

#: How they are called at the top of a column.
TITLES = {
    "ledger": "ledger",
    "faults": "faults",
    "leakcheck": "leakcheck",
    "psleak": "psleak",
    "total": "total refcount",
}


def depends_on(tool: str) -> tuple[str, ...]:
    """What a tool's answer depends on beside its arguments: the version of Python, and a digest of the tool itself."""
    folders = TOOLS[tool][1]
    content = hashlib.sha256()
    for folder in folders:
        for file in sorted((LAB / folder).rglob("*")):
            if file.suffix in (".py", ".tsv", ".h"):
                content.update(file.read_bytes())
    if "foreign" in folders:
        content.update(flags.engine_file().read_bytes())
    return (sys.version, content.hexdigest())
