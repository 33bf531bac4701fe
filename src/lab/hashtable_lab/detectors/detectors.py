"""Detectors: ten ways to find out that references are mistreated, as they can be put to any extension.

Each of them runs a script's `act` in a child (`observers`), with the module built in the form that it needs,
and judges the result by its own means alone. A leak checker that crashes along with the program it checks has found
nothing; that is noted as an outcome of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hashtable_lab import children
from hashtable_lab.detectors import observers
from hashtable_lab.source import source_folder
from hashtable_lab.specimens import Form

#: The outcome of a run. CRASHED: the program died, and the detector is not one that reports crashes.
FOUND, SILENT, CRASHED, ABSENT = "found", "silent", "crashed", "absent"

#: The exit code that valgrind is asked for if it found an error.
VALGRIND_FOUND = 99

TIME_LIMIT = 300.0

#: What valgrind reports of CPython itself, suppressed.
VALGRIND_SUPPRESSIONS = Path(__file__).with_name("valgrind.supp")

# What AddressSanitizer and valgrind say first, each of its errors.
_ASAN = re.compile(r"ERROR: AddressSanitizer:? (.*?)(?: on (?:unknown )?address.*| \(|$)", re.MULTILINE)
_VALGRIND = re.compile(r"(Invalid (?:read|write|free).*|Process terminating.*|Stack overflow.*|Jump to .*)")
_LEDGER = re.compile(r"^refcount ledger: (.*)", re.MULTILINE)
# A place in Rust source, as tools write it: with the folders or without.
_PLACE = re.compile(r"([\w./@-]*\w\.rs):(\d+)")


@dataclass(frozen=True)
class Outcome:
    """What a detector found in a module.

    Attributes:
        state: `FOUND`, `SILENT`, `CRASHED` or `ABSENT`.
        words: what it said, or how the program died, or why the detector is absent.
        places: the lines of the extension's source that it named, as file (without folders, which not every tool tells) and
            line, in the order in which it named them.
    """

    state: str
    words: str = ""
    places: list[tuple[str, int]] = field(default_factory=list)

    def names(self, places: set[tuple[str, int]]) -> bool:
        """Is one of these lines among those that it named?"""
        wanted = {(Path(file).name, line) for file, line in places}
        return self.state == FOUND and not wanted.isdisjoint(self.places)


def places_in(text: str) -> list[tuple[str, int]]:
    """The lines of the extension's source that a text names, each once, in order."""
    extension = source_folder() / "src" / "extension"
    # Not those of ffi/, which speak for their callers; and other crates have a `mod.rs` too.
    ours = {file.name for file in extension.rglob("*.rs") if file.parent.name != "ffi" and file.name != "mod.rs"}
    found = [(Path(file), int(line)) for file, line in _PLACE.findall(text) if "registry" not in file]
    return list(dict.fromkeys((file.name, line) for file, line in found if file.name in ours))


@dataclass(frozen=True)
class Run:
    """What a child left: how it ended, and what its observer returned, if it got that far."""

    ending: children.Ending
    seen: list[list[str]] | None


def _sentences(run: Run) -> list[str]:
    return [sentence for one in run.seen or [] for sentence in one]


def _by_observer(run: Run) -> list[str]:
    return _sentences(run)


def _by_crash(run: Run) -> list[str]:
    return [str(run.ending)] if run.ending.crashed or run.ending.timed_out else []


def _by_any_end(run: Run) -> list[str]:
    # An exception can come out anywhere, also in the observer, if a call has left it set.
    last = run.ending.output.strip().splitlines()[-1:]
    return _sentences(run) + ([": ".join([str(run.ending), *last])] if run.seen is None else [])


def _by_observer_or_crash(run: Run) -> list[str]:
    return _sentences(run) + _by_crash(run)


def _by_asan(run: Run) -> list[str]:
    return [f"AddressSanitizer: {what}" for what in _ASAN.findall(run.ending.output)]


def _by_valgrind(run: Run) -> list[str]:
    return _VALGRIND.findall(run.ending.output) if run.ending.code == VALGRIND_FOUND or run.ending.code < 0 else []


def _by_ledger(run: Run) -> list[str]:
    # If the program died, what it had said by then is all there is.
    return _sentences(run) if run.seen is not None else _LEDGER.findall(run.ending.output)


def _by_ledger_or_fault(run: Run) -> list[str]:
    found = _by_ledger(run)
    faults = re.findall(rf"{observers.FAULT} (\d+)", run.ending.output)
    if run.ending.crashed and faults:
        found.append(f"{run.ending}, when call number {faults[-1]} that can fail was made to fail")
    return found


@dataclass(frozen=True)
class Detector:
    """One way to find out.

    Attributes:
        name: as it is spelled in headers.
        short: as it is spelled where there is little room.
        what: what it looks at, in a sentence.
        observer: the function in `observers` that runs in the child.
        judge: what it found, as sentences, in what is left of the child.
        traced, sanitized, debug: the form of the module that it needs.
        environment: environment variables for the child.
        missing: why it is not available on this machine; "" if it is.
    """

    name: str
    short: str
    what: str
    observer: Callable[..., list[str]]
    judge: Callable[[Run], list[str]]
    traced: bool = False
    sanitized: bool = False
    debug: bool = False
    environment: Callable[[], dict[str, str]] = dict
    command: Callable[[], Sequence[str]] = tuple
    missing: Callable[[], str] = str

    def form(self) -> Form:
        """The form in which the module must be built."""
        return Form(self.traced, self.sanitized, debug_python() or sys.executable if self.debug else sys.executable)

    def run(self, folder: Path, scripts: Sequence[str]) -> Outcome:
        """Puts scripts to the module in a folder, one after the other in one child."""
        if reason := self.missing():
            return Outcome(ABSENT, reason)
        with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as place:
            files = [Path(place, f"script{number}.py") for number, _ in enumerate(scripts)]
            for file, script in zip(files, scripts):
                file.write_text(script, encoding="utf-8")
            answer = Path(place, "answer.json")
            arguments = [observers.__file__, str(folder), self.observer.__name__, str(answer), *map(str, files)]
            ending = children.run_command(
                [*self.command(), self.form().python, "-u", *arguments], self.environment(), TIME_LIMIT
            )
            seen = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else None
        found = self.judge(Run(ending, seen))
        if found:
            said = ending.output if self.sanitized or self.command() else "\n".join(found)
            return Outcome(FOUND, found[0], places_in(said))
        if seen is None:
            last = ending.output.strip().splitlines()[-1:]
            return Outcome(CRASHED, f"{ending}{': ' if last else ''}{''.join(last)}")
        return Outcome(SILENT)


# ---- what a machine has ----------------------------------------------------------------------------------------------


@cache
def debug_python() -> str | None:
    """The path of a debug build of CPython: the one that runs this, or one of the same version beside it."""
    if hasattr(sys, "gettotalrefcount"):
        return sys.executable
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return shutil.which(f"python{version}-dbg") or shutil.which(f"python{version}d")


@cache
def asan_library() -> str | None:
    """The path of AddressSanitizer's library. A module takes it from its process, where it must be from the beginning."""
    if not sys.platform.startswith("linux") or shutil.which("cc") is None:
        return None
    done = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True)
    library = done.stdout.strip()
    return library if os.path.isabs(library) else None


def _no_debug_python() -> str:
    return "" if debug_python() else "there is no debug build of this Python (Debian: apt install python3-dbg)"


def _no_asan() -> str:
    return "" if asan_library() else "there is no libasan (Debian: apt install gcc)"


def _no_valgrind() -> str:
    return "" if shutil.which("valgrind") else "there is no valgrind (Debian: apt install valgrind)"


def _no_psleak() -> str:
    if importlib.util.find_spec("psleak") is None:
        return "there is no psleak (pip install psleak)"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "a free-threaded CPython cannot do without its own allocator"
    psutil = importlib.import_module("psutil")
    readable = hasattr(psutil, "heap_info") and psutil.heap_info().heap_used > 0
    return "" if readable else "psutil cannot read the heap of this system"


def _asan_environment() -> dict[str, str]:
    # Python keeps much to its end, so what is left then is no leak.
    options = "detect_leaks=0:allocator_may_return_null=1"
    return {"LD_PRELOAD": asan_library() or "", "ASAN_OPTIONS": options, "PYTHONMALLOC": "malloc"}


def _valgrind_command() -> Sequence[str]:
    # CPython reads memory that it has not written, on purpose: only what lies outside of all that is alive counts.
    command = ["valgrind", "--quiet", "--undef-value-errors=no", f"--error-exitcode={VALGRIND_FOUND}"]
    return [*command, f"--suppressions={VALGRIND_SUPPRESSIONS}"]


def _malloc(kind: str) -> Callable[[], dict[str, str]]:
    return lambda: {"PYTHONMALLOC": kind}


DETECTORS = {
    detector.name: detector
    for detector in (
        Detector("plain", "plain", "the program is only run: it crashes or raises", observers.plain, _by_any_end),
        Detector(
            "getrefcount",
            "counts",
            "`sys.getrefcount` of all that the program has named, before and after",
            observers.getrefcount,
            _by_observer,
        ),
        Detector(
            "gc",
            "gc",
            "objects that the garbage collector tracks, before and after; and whether it is shown all that is owned",
            observers.collector,
            _by_observer,
        ),
        Detector(
            "total-refcount",
            "total",
            "a debug build of CPython: the sum of all reference counts, before and after; and its assertions",
            observers.total,
            _by_observer_or_crash,
            debug=True,
            missing=_no_debug_python,
        ),
        Detector(
            "malloc-debug",
            "malloc",
            "`PYTHONMALLOC=debug` fills memory that is freed: the program crashes",
            observers.plain,
            _by_crash,
            environment=_malloc("debug"),
        ),
        Detector(
            "asan",
            "asan",
            "AddressSanitizer: memory is used that was freed",
            observers.plain,
            _by_asan,
            sanitized=True,
            environment=_asan_environment,
            missing=_no_asan,
        ),
        Detector(
            "valgrind",
            "valgr.",
            "valgrind: memory is used that was freed",
            observers.plain,
            _by_valgrind,
            environment=_malloc("malloc"),
            command=_valgrind_command,
            missing=_no_valgrind,
        ),
        Detector(
            "psleak",
            "psleak",
            "psleak: the heap grows with the number of calls",
            observers.heap,
            _by_observer,
            environment=_malloc("malloc"),
            missing=_no_psleak,
        ),
        Detector(
            "ledger",
            "ledger",
            "the ledger: what was taken and not given back, or given away and not owned",
            observers.ledger,
            _by_ledger,
            traced=True,
        ),
        Detector(
            "faults",
            "faults",
            "each call that can fail is made to fail, and the ledger is read",
            observers.faults,
            _by_ledger_or_fault,
            traced=True,
        ),
    )
}
