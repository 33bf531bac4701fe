"""Builds a mutant and runs tests on it until one kills it.

A `Worker` has a copy of the source, a folder of cargo's and a folder with the module, all its own, below target/mutants/: two of
them work side by side and never see each other's files. Cargo builds incrementally and without optimising, so that a changed
file is a module in a second.

Each mutant then meets, in child processes,

    smoke.py      all calls of calls.py and injection.py with the ledger open, as they are and with every fault, in a second or two
    quick tests   the files of tests/ that take a second or two
    other tests   the longer ones that are after references

and ends with the first that fails. A crash is the end too, and so is a child that does not end in its time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hashtable_lab import children
from operations import EXTENSION, NOTHING, Mutant

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TESTS = ROOT / "tests"
TARGET = ROOT / "target" / "mutants"

#: Tests that take long, since they measure memory or fill it: what they see shows in others too.
SLOW_ONES = " and ".join(
    f"not {name}"
    for name in (
        "fires",
        "leaves_nothing",
        "memory_does_not_grow",
        "200_000",
        "deep_nest",
        "are_collected",
        "many_games",
    )
)

#: The pytest runs, in order: the files, as test_NAME.py, and which tests of them, if not all.
RUNS = {
    "quick tests": (
        [
            *("traced", "constructor", "hashing", "mapping", "protocol", "hard_keys", "reference", "threads"),
            *("fast_ways", "interpreters"),
        ],
        "",
    ),
    "other tests": (["garbage", "table", "reentrancy*", "gc", "refcounts", "memory"], SLOW_ONES),
}

#: Seconds: for the smoke test, and for a run of pytest. Without a mutation they need a twentieth of it.
SMOKE_LIMIT, RUN_LIMIT = 120, 1800

#: Optimising costs time and changes nothing here: references are counted the same.
PROFILE = {"inherits": '"release"', "lto": '"off"', "opt-level": "0", "codegen-units": "16", "incremental": "true"}


class Stopped(Exception):
    """Somebody pressed Ctrl-C."""


class DoesNotBuild(Exception):
    """The mutant is not Rust."""


@dataclass(frozen=True)
class Python:
    """The interpreter that the mutants are built for.

    Attributes:
        path: its executable, in an environment with what the tests need.
        kind: its name in the record, such as `3.14t`; empty for the one that makes the record, which is this one.
        suffix: how the name of a module's file ends there.
        version: what it says of itself.
    """

    path: str = sys.executable
    kind: str = ""
    suffix: str = str(sysconfig.get_config_var("EXT_SUFFIX"))
    version: str = sys.version

    @classmethod
    def at(cls, path: str, kind: str) -> Python:
        """Another interpreter, which is asked for the rest."""
        code = "import json, sys, sysconfig; print(json.dumps([sysconfig.get_config_var('EXT_SUFFIX'), sys.version]))"
        suffix, version = json.loads(subprocess.check_output([path, "-c", code], text=True))
        return cls(path, kind, suffix, version)


@dataclass(frozen=True)
class Symptom:
    """What killed a mutant, or that nothing did.

    Attributes:
        seen: "ledger", "crash", "test" (one failed without either), "time limit", "nothing", "not compiled" (the
            operation is not part of the module for this Python), or "no build": its form in operations.py is no Rust there.
        what: in words: the ledger's finding, the signal, the error.
        place: of a finding, `file:line` of the source.
        by: the statement or test during which it happened.
    """

    seen: str
    what: str = ""
    place: str = ""
    by: str = ""

    @property
    def killed(self) -> bool:
        """Did anything notice?"""
        return self.seen not in ("nothing", "not compiled", "no build")

    def __str__(self) -> str:
        return " ".join(filter(None, [f"{self.seen}:", self.place and f"{self.place}:", self.what, f"[{self.by}]"]))


def source_files() -> list[Path]:
    """What a build needs, relative to the project's folder: the workspace's two files, and its crates."""
    workspace = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    [members] = re.findall(r"^members = \[(.*)\]$", workspace, re.MULTILINE)
    found = [Path("Cargo.toml"), Path("Cargo.lock")]
    for member in re.findall(r'"(.+?)"', members):
        for folder, folders, files in os.walk(ROOT / member):
            folders[:] = sorted(set(folders) - {"target", "fuzz", "tests"})
            found += [
                (Path(folder) / file).relative_to(ROOT) for file in sorted(files) if file.endswith((".rs", ".toml"))
            ]
    return found


def digest(*files: Path, text: str = "") -> str:
    """A digest of files and a text."""
    total = hashlib.sha256(text.encode())
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def files_of(names: Sequence[str]) -> list[Path]:
    """The files test_NAME.py, whichever folder they are in. A name may stand for several: `reentrancy*`."""
    found = [sorted(TESTS.rglob(f"test_{name}.py")) for name in names]
    assert all(found), f"one of {', '.join(names)} has no file"
    return [file for files in found for file in files]


def test_files(run: str) -> list[Path]:
    """The files that the outcome of a run depends on."""
    lab = ROOT / "src" / "lab" / "hashtable_lab"
    shared = [TESTS / name for name in ("subject.py", "calls.py", "ownership/leakchecks.py")] + [
        lab / "audit" / "ledger.py",
        Path(__file__),
    ]
    if run == "smoke":
        return [HERE / "smoke.py", TESTS / "faults" / "injection.py", *shared]
    return [TESTS / "conftest.py", *files_of(RUNS[run][0]), *shared]


def standing(run: str, python: Python) -> str:
    """What a record of this run must have been made with, to count: a digest of the tests and of Python."""
    return digest(*test_files(run), text=python.version)


# ---- one worker ------------------------------------------------------------------------------------------------------


class Worker:
    """Builds and tries one mutant after another, in folders of its own."""

    def __init__(self, number: int, stop: threading.Event, python: Python) -> None:
        self.python = python
        self.folder = TARGET / f"worker-{number}{python.kind and '-'}{python.kind}"
        self.source = self.folder / "source"
        self.stop = stop

    def prepare(self) -> None:
        """Makes the copy of the source what the source is now. What has not changed keeps its time, for cargo."""
        files = source_files()
        for file in files:
            _write(self.source / file, (ROOT / file).read_bytes())
        for stale in set(self.source.rglob("*.rs")) - {self.source / file for file in files}:
            stale.unlink()

    def try_out(self, mutant: Mutant) -> Symptom:
        """Builds a mutant and runs the tests. Afterwards, the copy is as it was.

        Raises:
            Stopped: in the middle of it.
        """
        file = self.source / EXTENSION / mutant.operation.file
        text = file.read_bytes()
        try:
            _write(file, mutant.applied(text))
            try:
                self._build()
            except DoesNotBuild as error:
                return Symptom("no build", str(error))
            symptom = self._smoke()
            if not symptom.killed and mutant.kind != NOTHING and not self._is_compiled(mutant, file, text):
                return Symptom("not compiled", "not a part of the module for this Python")
            for run in RUNS:
                if not symptom.killed:
                    _write(file, mutant.applied(text))
                    symptom = self._pytest(run)
            return symptom
        finally:
            _write(file, text)

    def _run(self, command: Sequence[str | Path], limit: float, folder: Path = ROOT) -> children.Ending:
        variables = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self.folder / "traced"), str(ROOT / "src" / "lab")]),
            "HASHTABLE_MODULE": "hashtable_traced",
            "HASHTABLE_SOURCE": str(ROOT),
            "CARGO_TARGET_DIR": str(self.folder / "cargo"),
            "CARGO_TERM_COLOR": "never",
            "PYO3_PYTHON": self.python.path,
            "PYO3_BUILD_EXTENSION_MODULE": "1",
            # A mutant may leave a name unused.
            "RUSTFLAGS": "--cap-lints allow",
            **children.FREED_MEMORY_SHOWS,
        }
        for name in ("PYTHONFAULTHANDLER", "PYTHONDEVMODE"):
            variables.pop(name, None)
        end = time.monotonic() + limit
        try:
            with children.start(list(map(str, command)), env=variables, cwd=folder) as child:
                while True:
                    try:
                        output, _ = child.communicate(timeout=0.25)
                        return children.Ending(output, child.returncode)
                    except subprocess.TimeoutExpired:
                        if self.stop.is_set():
                            raise Stopped from None
                        if time.monotonic() > end:
                            raise TimeoutError from None
        except TimeoutError:
            return children.Ending("", -9, timed_out=True)

    def _build(self) -> None:
        command = ["cargo", "build", "--quiet", "--locked", "--package", "hashtable-extension", "--features", "trace"]
        command += ["--profile", "mutants"]
        for setting, value in PROFILE.items():
            command += ["--config", f"profile.mutants.{setting}={value}"]
        ending = self._run(command, 600, self.source)
        if not ending.well:
            raise DoesNotBuild(ending.output.strip())
        [library] = (
            file for end in ("so", "dylib") for file in (self.folder / "cargo" / "mutants").glob(f"*hashtable.{end}")
        )
        folder = self.folder / "traced"
        folder.mkdir(parents=True, exist_ok=True)
        # A module that a child has mapped must not be written into.
        fresh = folder / "fresh"
        shutil.copyfile(library, fresh)
        fresh.replace(folder / f"hashtable_traced{self.python.suffix}")

    def _is_compiled(self, mutant: Mutant, file: Path, text: bytes) -> bool:
        """Would it be noticed if there were no Rust at all where the operation is?"""
        at = mutant.operation
        _write(file, text[: at.start] + b'compile_error!("here")' + text[at.end :])
        try:
            self._build()
        except DoesNotBuild:
            return True
        return False

    def _smoke(self) -> Symptom:
        ending = self._run([self.python.path, "-u", HERE / "smoke.py"], SMOKE_LIMIT)
        return _symptom(ending, SMOKE_LIMIT, _smoke_statement(ending.output))

    def _pytest(self, run: str) -> Symptom:
        names, selected = RUNS[run]
        self._build()
        command = [self.python.path, "-u", "-m", "pytest", "-x", "-v", "-rfE", "--tb=short", "--timeout=600"]
        # The slow tests too, but for those that SLOW_ONES names.
        command += ["-m", "", "-p", "no:cacheprovider", "-p", "no:xdist", *(["-k", selected] if selected else [])]
        ending = self._run([*command, *files_of(names)], RUN_LIMIT)
        # 1: a test failed. 5: none was run. More: pytest itself went wrong, perhaps for want of the module.
        return _symptom(ending, RUN_LIMIT, _last_test(ending.output))


def _write(file: Path, content: bytes) -> None:
    """Writes a file, unless that is what it holds."""
    if not file.is_file() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


# ---- reading what a child said ---------------------------------------------------------------------------------------


def _symptom(ending: children.Ending, limit: float, by: str) -> Symptom:
    if ending.well:
        return Symptom("nothing")
    if ending.timed_out:
        return Symptom("time limit", f"not at an end after {limit} seconds", by=by)
    place, what = _finding(ending.output)
    if ending.crashed:
        return Symptom("crash", "; ".join(filter(None, [str(ending.signal_name), what])), place, by)
    if what:
        return Symptom("ledger", what, place, by)
    errors = re.findall(r"^E? *((?:\w+\.)*\w*(?:Error|Exception|Warning|Failed)\b.*)", ending.output, re.MULTILINE)
    fatal = re.search(r"^Fatal Python error: .*", ending.output, re.MULTILINE)
    compared = re.search(r"^E +(\S.*)", ending.output, re.MULTILINE)
    said = (
        fatal[0]
        if fatal
        else errors[-1]
        if errors
        else compared[1]
        if compared
        else ending.output.strip().rpartition("\n")[2]
    )
    return Symptom("test", _without_addresses(said.removeprefix("AssertionError: "))[:200], by=by)


def _finding(output: str) -> tuple[str, str]:
    """Place and text of the first thing that the ledger said, at once or in a report at the end."""
    at_once = re.search(r"^refcount ledger: (\S+:\d+): in (.*)", output, re.MULTILINE)
    if at_once:
        return at_once[1].removeprefix("src/extension/"), "deficit: " + _without_addresses(at_once[2])
    report = re.search(
        r"^(?:E +)?  ((?:\S+:\d+|[\w. ]+)): (surplus|deficit|borrowed|exception|record): (.*)", output, re.MULTILINE
    )
    if report:
        place = report[1].removeprefix("src/extension/")
        return place, f"{report[2]}: {_without_addresses(report[3])}"
    return "", ""


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _smoke_statement(output: str) -> str:
    said = re.findall(r"^> (.*)", output, re.MULTILINE)
    return said[-1] if said else "import, and a first table"


def _last_test(output: str) -> str:
    """The test that failed, or that was running when all was over."""
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?::.*?)(?: - .*)?$", output, re.MULTILINE)
    tests = re.findall(r"^(\S*test_\w+\.py::.*?)(?: (?:PASSED|SKIPPED|FAILED|ERROR|XFAIL).*)?$", output, re.MULTILINE)
    name = failed[1] if failed else tests[-1] if tests else "pytest"
    # Without its folder, so that a record outlives a move.
    return re.sub(r"^(?:\w+/)*", "", name).strip()


# ---- what is known from before ---------------------------------------------------------------------------------------


class Memory:
    """Outcomes of earlier runs, below target/mutants/known/, so that a run which was stopped goes on where it was.

    A mutant that was killed stays so while its source and the tests that killed it are the same; one that survived, while
    all tests are.
    """

    def __init__(self, python: Python) -> None:
        self.source = digest(*(ROOT / file for file in source_files()), text=python.kind)
        self.standing = {run: standing(run, python) for run in ("smoke", *RUNS)}

    def _file(self, mutant: Mutant) -> Path:
        form = mutant.operation.forms[mutant.kind]
        return TARGET / "known" / f"{digest(text=f'{self.source} {mutant.id} {form}')}.json"

    def recall(self, mutant: Mutant) -> Symptom | None:
        """What is known of a mutant, if it still holds."""
        try:
            known = json.loads(self._file(mutant).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        holds = all(self.standing.get(run) == tests for run, tests in known["standing"].items())
        return Symptom(**known["symptom"]) if holds else None

    def keep(self, mutant: Mutant, symptom: Symptom) -> None:
        """Writes down what is known now."""
        if not symptom.killed:
            runs = list(self.standing)
        elif ".py::" not in symptom.by:
            runs = ["smoke"]
        else:
            runs = [run for run, (names, _) in RUNS.items() if any(file.name in symptom.by for file in files_of(names))]
        file = self._file(mutant)
        file.parent.mkdir(parents=True, exist_ok=True)
        known = {"mutant": mutant.id, "symptom": asdict(symptom), "standing": {run: self.standing[run] for run in runs}}
        file.with_suffix(".new").write_text(json.dumps(known), encoding="utf-8")
        file.with_suffix(".new").replace(file)
