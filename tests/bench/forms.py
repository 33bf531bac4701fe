"""Counts what the other forms of the module cost against the classic one, in instructions: `make bench-forms`.

As `make bench-instructions` counts, but on all forms, each built as people build it. The rows are the operations of that command,
and those in which the forms differ: a table is made and freed, a view, an iterator, a union, a comparison. All forms are imported
by one CPython, of 3.12 or later: the form for the stable ABI is for these.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from building import make  # noqa: E402
from callgrind import counts_of, profile_of  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from hashtable_lab.children.interpreters import interpreters  # noqa: E402
from hashtable_lab.specimens.building import PACKAGES  # noqa: E402

#: The module of each form, its crate, and how cargo is told to build it.
FORMS = {
    "classic": ("hashtable", PACKAGES["hashtable"], []),
    "heap": ("hashtable_heap", PACKAGES["hashtable_heap"], []),
    "abi3": ("hashtable_abi3", PACKAGES["hashtable_heap"], ["--features", "abi3"]),
}

#: How often each is done more in the second run than in the first.
TIMES = 2000

#: Operation, and its statement; `t` is a table of a thousand ints, `u` a copy, `d` a dict of one, `keys` its keys.
WORKS = {
    "h[k]": "for k in keys: t[k]",
    "h[k] = v, old key": "for k in keys: t[k] = k",
    "k in h, miss": "for k in absent: k in t",
    "HashTable(), freed": "for k in keys: HashTable()",
    "h.keys(), freed": "for k in keys: t.keys()",
    "iter(h), freed": "for k in keys: iter(t)",
    "one | dict": "for k in keys: one | d",
    "one == dict": "for k in keys: one == d",
    "k in h.keys()": "for k in keys: k in view",
}

PROGRAM = """
import gc, os, sys
gc.disable()
sys.path[:0] = [{folder!r}, *{path!r}]
from {module} import HashTable
keys, absent = list(range(10**6, 10**6 + 1000)), list(range(1000))
t, d, one = HashTable().set(1, 1), {{1: 2}}, HashTable().set(1, 1)
for k in keys: t[k] = k
view = t.keys()
def work():
    {statement}
work()
for _ in range({times}): work()
os._exit(0)
"""


ASK = (
    "import json, sysconfig as s; print(json.dumps([s.get_path('stdlib'), s.get_path('platstdlib') + '/lib-dynload']))"
)


def interpreter() -> str:
    """The interpreter that imports them: this one, or else the oldest that is here and new enough.

    Raises:
        click.ClickException: there is none.
    """
    if sys.version_info >= (3, 12):
        return sys.executable
    found = {
        tuple(map(int, kind.split("."))): path for kind, path in interpreters().items() if re.fullmatch(r"[\d.]+", kind)
    }
    able = [version for version in found if version >= (3, 12)]
    if not able:
        raise click.ClickException("no CPython of 3.12 or later is here, for the form for the stable ABI: install one.")
    return found[min(able)]


def count(python: str, path: list[str], module: str, folder: Path, statement: str) -> float:
    """All instructions that one operation takes, the interpreter's among them."""
    totals = []
    for times in (0, TIMES // 1000):
        program = PROGRAM.format(module=module, folder=str(folder), path=path, statement=statement, times=times)
        totals.append(sum(counts_of(profile_of(program, python)).values()))
    return (totals[1] - totals[0]) / TIMES


@click.command(help=__doc__)
def main() -> int:
    """The command line."""
    target = ROOT / "target" / "bench-forms"
    python = interpreter()
    path = json.loads(subprocess.run([python, "-c", ASK], check=True, capture_output=True, text=True).stdout)
    for form, (module, package, features) in FORMS.items():
        command = ["cargo", "build", "--release", "--locked", "--package", package, *features]
        suffix = ".abi3.so" if form == "abi3" else None
        make(f"building {module}", python, ROOT, target / "cargo", target / form, command, module, suffix)
    ratios = [f"{form} / classic" for form in FORMS if form != "classic"]
    table = Table("operation", *FORMS, *ratios, title=f"instructions, those of {Path(python).name} among them")
    for work, statement in WORKS.items():
        counts = [count(python, path, module, target / form, statement) for form, (module, _, _) in FORMS.items()]
        numbers = [f"{number:.0f}" for number in counts]
        table.add_row(work, *numbers, *(f"{number / counts[0]:.2f}" for number in counts[1:]))
        console.print(f"{work}: {', '.join(numbers)}")
    console.print(table)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")
    run_command(main)
