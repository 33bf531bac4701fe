"""Counts what the other forms of the module cost against the classic one, in instructions: `make bench-forms`.

As `make bench-instructions` counts, but on all forms, each built as people build it. The rows are the operations of that command,
and those in which the forms differ: a table is made and freed, a view, an iterator, a union, a comparison. All forms are imported
by one CPython: 3.15 if it is here, as hashtable_abi3t is for that and later ones. Without it, an older one does, of 3.12 or later,
and that form is left out.
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

#: The module of each form, its crate, the feature that makes it this form, and the first CPython that it is for.
FORMS = {
    "classic": ("hashtable", PACKAGES["hashtable"], None, (3, 9)),
    "heap": ("hashtable_heap", PACKAGES["hashtable_heap"], None, (3, 11)),
    "abi3": ("hashtable_abi3", PACKAGES["hashtable_heap"], "abi3", (3, 12)),
    "abi3t": ("hashtable_abi3t", PACKAGES["hashtable_heap"], "abi3t", (3, 15)),
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


def interpreter() -> tuple[tuple[int, ...], str]:
    """The interpreter that imports them, and its version: the oldest that all are for, or else the newest that is here.

    Raises:
        click.ClickException: there is none for the form for the stable ABI.
    """
    found = {
        tuple(map(int, kind.split("."))): path for kind, path in interpreters().items() if re.fullmatch(r"[\d.]+", kind)
    }
    able = sorted(version for version in found if version >= FORMS["abi3"][3])
    if not able:
        raise click.ClickException("no CPython of 3.12 or later is here, for the form for the stable ABI: install one.")
    version = next((version for version in able if version >= FORMS["abi3t"][3]), able[0])
    return version, found[version]


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
    version, python = interpreter()
    path = json.loads(subprocess.run([python, "-c", ASK], check=True, capture_output=True, text=True).stdout)
    forms = {form: described for form, described in FORMS.items() if version >= described[3]}
    for form in FORMS.keys() - forms.keys():
        console.print(f"{FORMS[form][0]} is left out: it is for a newer CPython than {'.'.join(map(str, version))}.")
    for form, (module, package, feature, _) in forms.items():
        command = ["cargo", "build", "--release", "--locked", "--package", package]
        command += ["--features", feature] if feature else []
        suffix = f".{feature}.so" if feature else None
        make(f"building {module}", python, ROOT, target / "cargo", target / form, command, module, suffix)
    ratios = [f"{form} / classic" for form in forms if form != "classic"]
    table = Table("operation", *forms, *ratios, title=f"instructions, those of {Path(python).name} among them")
    for work, statement in WORKS.items():
        counts = [count(python, path, module, target / form, statement) for form, (module, *_) in forms.items()]
        numbers = [f"{number:.0f}" for number in counts]
        table.add_row(work, *numbers, *(f"{number / counts[0]:.2f}" for number in counts[1:]))
        console.print(f"{work}: {', '.join(numbers)}")
    console.print(table)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")
    run_command(main)
