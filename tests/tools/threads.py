"""Lets threads loose on tables, on every kind of CPython where that differs: `make threads`.

    the CPython of .venv                     mostly with the GIL
    a free-threaded one (3.14t)              without it, if the module declares that it can do without
    one that ThreadSanitizer watches         the module is built for it too; and once more with a race planted in it

What the threads do, and what must hold, is in tests/threads. `make interpreters` gets what is missing here; what is not there is
left out, and said so.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import click
from building import build
from commands import ROOT, console, run_command
from hashtable_lab.children.interpreters import interpreters

STRESS = ROOT / "tests" / "threads" / "stress.py"
#: The race: a counter that all threads add to, in a function that many call at once.
FUNCTION = re.compile(r"(fn mp_length\([^)]*\) -> Py_ssize_t \{\n)")
PLANTED = (
    r"\1    static mut CALLS: usize = 0;\n    unsafe {\n"
    r"        (&raw mut CALLS).write_volatile((&raw const CALLS).read_volatile().wrapping_add(1));\n    }\n"
)
#: A program that runs into it, and what ThreadSanitizer must then name. (The calls of a scenario come one after another too often.)
CONTROL = """
import threading, hashtable
def ask():
    table = hashtable.HashTable()
    for _ in range(20_000):
        len(table)
threads = [threading.Thread(target=ask) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
NAMED = "mp_length"
RACE = re.compile(r"WARNING: ThreadSanitizer: .*?\n==================", re.S)


def run_stress(python: str, module: Path | None, rounds: int, *names: str, **variables: str) -> int:
    """Runs stress.py, which prints what comes of it. Returns its exit code."""
    # pytest, which the tests' own modules import, is plain Python: any interpreter can use that of .venv.
    path = [str(module), sysconfig.get_path("purelib")] if module else []
    environment = {**os.environ, **({"PYTHONPATH": os.pathsep.join(path)} if path else {}), **variables}
    command = [python, str(STRESS), "--rounds", str(rounds), *names]
    if variables:
        command = ["setarch", "-R", *command]  # ThreadSanitizer needs an address space that is not laid out at random
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode


def planted(folder: Path) -> Path:
    """A copy of the source with the race in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, folder / file)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("lab", "__pycache__", "*.egg-info"))
    found = 0
    for file in (folder / "src" / "extension").rglob("*.rs"):
        text, number = FUNCTION.subn(PLANTED, file.read_text("utf-8"))
        if number:
            file.write_text(text, "utf-8")
        found += number
    if found != 1:
        raise click.ClickException("the race cannot be planted: there is no `mp_length` as it was.")
    return folder


def races(log: Path) -> tuple[list[str], int]:
    """What ThreadSanitizer has written: the reports in which the module occurs, and how many are about CPython alone."""
    text = "".join(file.read_text(errors="replace") for file in sorted(log.parent.glob(f"{log.name}.*")))
    reports = RACE.findall(text)
    ours = [report for report in reports if re.search(r"hashtable[^/\n]*\.so", report)]
    return ours, len(reports) - len(ours)


def sanitize(kind: str, python: str, rounds: int) -> bool:
    """Runs the stress under ThreadSanitizer, and the control. Returns whether all is well."""
    target = ROOT / "target" / "threads" / kind
    # Unstable flags, of a stable compiler; the standard library is not watched, which is linked as it is.
    flags = {"RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -g"}
    build(f"CPython {kind}: building", python, ROOT, target / "cargo", target / "module", **flags)
    source = planted(target / "source")
    build(
        f"CPython {kind}: building the control", python, source, target / "cargo-planted", target / "planted", **flags
    )
    well = True
    for what, module in (("the module", "module"), ("the control", "planted")):
        log = target / f"races-{module}"
        for old in target.glob(f"{log.name}.*"):
            old.unlink()
        options = {"TSAN_OPTIONS": f"log_path={log}:exitcode=0"}
        if what == "the module":
            code = run_stress(python, target / module, rounds, **options)
        else:
            environment = {**os.environ, **options, "PYTHONPATH": str(target / module)}
            code = subprocess.run(["setarch", "-R", python, "-c", CONTROL], env=environment).returncode
        ours, others = races(log)
        console.print(f"ThreadSanitizer, {what}: {len(ours)} races in the module, {others} in CPython alone")
        if what == "the module":
            well = well and code == 0 and not ours
        elif not any(NAMED in report for report in ours):
            console.print("THE PLANTED RACE WAS NOT FOUND")
            well = False
        if ours:
            console.print("\n".join(ours[0].splitlines()[:40]))
    return well


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--rounds", default=300, show_default=True, help="Rounds of each scenario.")
def main(kinds: tuple[str, ...], rounds: int) -> int:
    """The command line."""
    found = interpreters(sanitized=True)
    wanted = kinds or (
        "here",
        *sorted({kind for kind in found if "t" in kind.partition("-")[0]} | {"3.14t", "3.14t-tsan"}),
    )
    well = True
    for kind in wanted:
        if kind == "here":
            console.print(f"==> CPython {sys.version.split()[0]}")
            well = run_stress(sys.executable, None, rounds) == 0 and well
        elif kind not in found:
            console.print(f"==> CPython {kind} is not here, and is left out (make interpreters KINDS={kind})")
        elif kind.endswith("-tsan"):
            console.print(f"==> CPython {kind}: {found[kind]}")
            well = sanitize(kind, found[kind], max(1, rounds // 30)) and well
        else:
            console.print(f"==> CPython {kind}: {found[kind]}")
            target = ROOT / "target" / "threads" / kind
            build(f"CPython {kind}: building", found[kind], ROOT, target / "cargo", target / "module")
            well = run_stress(found[kind], target / "module", rounds) == 0 and well
    return 0 if well else 1


if __name__ == "__main__":
    run_command(main)
