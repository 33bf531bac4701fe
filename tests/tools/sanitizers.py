"""Runs tests under AddressSanitizer or valgrind, which see what a test cannot: that memory is used which was given back.

    sanitizers.py asan         `make asan`: the whole suite, with an extension built for it
    sanitizers.py valgrind     `make valgrind`: a part of the suite, as valgrind makes it about fifty times slower

Both begin with a control. The specimen missing-incref is built as the extension is, and its script is run with the right module
and the broken one: the tool must be content with the one and complain about the other, or its silence about the suite means
nothing.

Python's own allocator is told to leave each object to malloc. From the memory that it would keep in large pieces nobody could tell
an object that is alive from one that is not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from building import build
from commands import ROOT, console, last_lines, run_command, watch
from hashtable_lab.detectors import VALGRIND_SUPPRESSIONS
from rich.table import Table

CONTROL = "missing-incref"

# What valgrind runs: every way into the extension, and every point at which it is re-entered, there by the acts that free the most.
SELECTED_FILES = [
    "behaviour/test_constructor.py",
    "behaviour/test_mapping.py",
    "behaviour/test_protocol.py",
    "hostile/test_reentrancy*.py",
]
SELECTED_TESTS = "not test_reentrancy or clears or destroys or begins_anew"

# What AddressSanitizer leaves out: tests of the tools around the extension. They build modules of their own, or kill children.
TOOLS = [
    "audit",
    "bench",
    "book_programs",
    "docs",
    "faults",
    "guards",
    "ledger",
    "ledger_elsewhere",
    "makefile",
    "matrix",
    "mutants",
    "readme",
    "bindings",
    "same_code",
    "specimens",
    "wheels",
    "ways_in",
]

#: The exit code that valgrind is asked for if it found an error.
VALGRIND_FOUND = 99


@dataclass
class Report:
    """What was seen, line by line for the closing table."""

    rows: list[tuple[str, bool, str, float]] = field(default_factory=list)

    def add(self, what: str, good: bool, seen: str, seconds: float, output: str = "") -> None:
        """Notes a result.

        Args:
            what: what was run.
            good: whether it came out as it should.
            seen: what came out, in a few words.
            seconds: how long it took.
            output: all that was said, of which the end is shown if it is not good.
        """
        self.rows.append((what, good, seen, seconds))
        console.print(f"{what}: {seen} ({seconds:.0f} s)")
        if not good:
            console.print(last_lines(output, 60))

    def close(self, tool: str) -> int:
        """Prints the table, and returns the exit code."""
        table = Table(tool, "", "seen", "seconds", box=None, padding=(0, 2, 0, 0))
        for what, good, seen, seconds in self.rows:
            table.add_row(what, "good" if good else "BAD", seen, f"{seconds:.0f}")
        console.print()
        console.print(table)
        return 0 if all(good for _, good, _, _ in self.rows) else 1


@dataclass
class Tool:
    """How a program is run under a sanitizer.

    Attributes:
        name: its name.
        command: what comes before `python`.
        variables: environment variables.
        complaint: a regular expression for what it says about memory that was given back.
        any_complaint: one for whatever it may have to say.
    """

    name: str
    command: Sequence[str | Path]
    variables: Mapping[str, str]
    complaint: str
    any_complaint: str

    def run(self, what: str, arguments: Sequence[str | Path], module: Path, **variables: str) -> tuple[int, str, float]:
        """Runs Python with these arguments; it finds the module in the folder `module`. Returns what `watch` does."""
        path = [str(module), str(ROOT / "tests" / "tools"), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            **self.variables,
            "PYTHONMALLOC": "malloc",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            **variables,
        }
        return watch(what, [*self.command, sys.executable, *arguments], environment)


def run_control(tool: Tool, right: Path, wrong: Path, folder: Path, report: Report) -> None:
    """Runs the specimen's script with the right module and with the broken one."""
    script = folder / f"{CONTROL}.py"
    script.write_text(load_specimen().script)
    code, output, seconds = tool.run(f"the script of {CONTROL}, with the right module", [script], right)
    good = code == 0 and not re.search(tool.any_complaint, output)
    report.add("the right module", good, "no complaint" if good else f"exit code {code}", seconds, output)
    code, output, seconds = tool.run("the same, with the broken module", [script], wrong)
    found = re.search(tool.complaint, output)
    seen = found.group().strip() if found and code != 0 else f"exit code {code}, and no complaint"
    report.add(f"the control, {CONTROL}", bool(found) and code != 0, seen, seconds, output)


def run_tests(tool: Tool, module: Path, options: Sequence[str | Path], reports: Path, report: Report) -> None:
    """Runs the suite, with these options for pytest. The tool writes what it finds into files whose names begin with `reports`."""
    for old in reports.parent.glob(f"{reports.name}*"):
        old.unlink()
    # What is said when a process dies is for the tool to say, not for Python.
    pytest = ["-m", "pytest", "-q", "-p", "sanitized", "-p", "no:cacheprovider", "-p", "no:faulthandler", *options]
    what = f"the suite under {tool.name}"
    code, output, seconds = tool.run(what, pytest, module, HASHTABLE_SANITIZED=str(module))
    written = "".join(file.read_text(errors="replace") for file in sorted(reports.parent.glob(f"{reports.name}*")))
    complaints = len(re.findall(tool.any_complaint, written + output))
    counts = re.findall(r"^(\d+ .*(?:passed|failed).*) in [\d.]+s", output, re.MULTILINE)
    good = code == 0 and complaints == 0 and bool(counts) and "passed" in counts[-1]
    seen = f"{counts[-1] if counts else f'ended with exit code {code}'}, {complaints} complaints"
    left_out: Counter[str] = Counter()
    for number, reason in re.findall(r"^SKIPPED \[(\d+)\] \S+ (.*)", output, re.MULTILINE):
        left_out[reason] += int(number)
    for reason, number in left_out.most_common():
        console.print(f"left out because {reason}: {number}")
    report.add("the suite", good, seen, seconds, output + written)


def load_specimen():
    """The specimen that serves as the control."""
    from hashtable_lab import specimens

    return specimens.load(CONTROL)


def broken_source(folder: Path) -> Path:
    """A copy of the source with the specimen's diff applied."""
    from hashtable_lab import specimens

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, folder / file)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("lab", "__pycache__", "*.egg-info"))
    specimens.apply(load_specimen().patch, folder, CONTROL)
    return folder


def build_both(target: Path, **variables: str) -> tuple[Path, Path]:
    """Builds the extension and the control, each into a folder of its own, with these environment variables for cargo."""
    right, wrong = target / "module", target / CONTROL
    for folder in (right, wrong):
        shutil.rmtree(folder, ignore_errors=True)
    build("building the extension", sys.executable, ROOT, target / "cargo", right, **variables)
    build("building the traced extension", sys.executable, ROOT, target / "cargo", right, traced=True, **variables)
    # Cargo calls what it makes of the copy by the same name, so each source has a folder of its own for it.
    broken = broken_source(target / "source")
    build(f"building the control, {CONTROL}", sys.executable, broken, target / "cargo-control", wrong, **variables)
    return right, wrong


@click.group(help=__doc__.split("\n\n")[0])
def main() -> None:
    """The command line."""
    if not sys.platform.startswith("linux"):
        raise click.ClickException("the sanitizers are set up for Linux alone.")


@main.command(help="Run the whole suite under AddressSanitizer.")
def asan() -> int:
    target = ROOT / "target" / "asan"
    # A module has no sanitizer of its own in it; it takes the one of the process, which has to be there from the beginning.
    library = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(library):
        raise click.ClickException("libasan is missing: it comes with gcc (Debian: apt install gcc).")
    # The sanitizer is an unstable option of the compiler, which a stable one lets pass if it is told to be bootstrapping.
    flags = "-Zsanitizer=address -Cforce-frame-pointers=yes"
    right, wrong = build_both(target, RUSTC_BOOTSTRAP="1", RUSTFLAGS=flags)
    # Python keeps much to its end, so what is left then is no leak; and a table too large for any machine must be a MemoryError.
    options = "detect_leaks=0:allocator_may_return_null=1"
    tool = Tool(
        name="AddressSanitizer",
        command=(),
        variables={"LD_PRELOAD": library, "ASAN_OPTIONS": options},
        complaint=r"AddressSanitizer: heap-use-after-free",
        any_complaint=r"ERROR: AddressSanitizer",
    )
    report = Report()
    run_control(tool, right, wrong, target, report)
    reports = target / "report"
    tool.variables = {**tool.variables, "ASAN_OPTIONS": f"{options}:log_path={reports}"}
    left_out = [f"--ignore-glob=*/test_{name}.py" for name in TOOLS]
    run_tests(tool, right, [ROOT / "tests", "--numprocesses=auto", *left_out], reports, report)
    return report.close(tool.name)


@main.command(help="Run a part of the suite under valgrind.")
def valgrind() -> int:
    if shutil.which("valgrind") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq valgrind"
        watch("installing valgrind", ["sh", "-c", install], dict(os.environ))
    if shutil.which("valgrind") is None:
        console.print("valgrind is missing (Debian: apt install valgrind): nothing was run")
        return 0
    target = ROOT / "target" / "valgrind"
    right, wrong = build_both(target)
    reports = target / "report"
    # CPython reads memory that it has not written, on purpose; so only what is read or written outside of what is alive counts.
    known = f"--suppressions={VALGRIND_SUPPRESSIONS}"
    options = ["--quiet", "--undef-value-errors=no", known, f"--error-exitcode={VALGRIND_FOUND}"]
    tool = Tool(
        name="valgrind",
        command=["valgrind", *options],
        variables={},
        complaint=r"Invalid (read|write) of size \d+",
        any_complaint=r"Invalid (read|write|free)|Process terminating",
    )
    report = Report()
    run_control(tool, right, wrong, target, report)
    tool.command = [*tool.command, f"--log-file={reports}.%p"]
    selected = [file for name in SELECTED_FILES for file in sorted((ROOT / "tests").glob(name))]
    run_tests(tool, right, [*selected, "-k", SELECTED_TESTS], reports, report)
    return report.close(tool.name)


if __name__ == "__main__":
    run_command(main)
