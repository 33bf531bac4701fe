"""Counts what the heap form costs against the classic one, in instructions: `make bench-forms`.

As `make bench-instructions` counts, but on both forms of the module, each built as people build it. The rows are the operations of
that command, and those in which the forms differ: a table is made and freed, a view, an iterator, a union, a comparison.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import click
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from building import make  # noqa: E402
from callgrind import counts_of, profile_of  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from hashtable_lab.specimens.building import PACKAGES  # noqa: E402

FORMS = {"classic": "hashtable", "heap": "hashtable_heap"}

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


def count(module: str, folder: Path, statement: str) -> float:
    """All instructions that one operation takes, the interpreter's among them."""
    totals = []
    for times in (0, TIMES // 1000):
        path = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib") + "/lib-dynload"]
        program = PROGRAM.format(module=module, folder=str(folder), path=path, statement=statement, times=times)
        totals.append(sum(counts_of(profile_of(program)).values()))
    return (totals[1] - totals[0]) / TIMES


@click.command(help=__doc__)
def main() -> int:
    """The command line."""
    target = ROOT / "target" / "bench-forms"
    for form, module in FORMS.items():
        command = ["cargo", "build", "--release", "--locked", "--package", PACKAGES[module]]
        make(f"building {module}", sys.executable, ROOT, target / "cargo", target / form, command, module)
    table = Table("operation", *FORMS, "heap / classic", title="instructions, the interpreter's among them")
    for work, statement in WORKS.items():
        counts = [count(module, target / form, statement) for form, module in FORMS.items()]
        table.add_row(work, *(f"{number:.0f}" for number in counts), f"{counts[1] / counts[0]:.2f}")
        console.print(f"{work}: {counts[0]:.0f} and {counts[1]:.0f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYO3_BUILD_EXTENSION_MODULE", "1")
    run_command(main)
