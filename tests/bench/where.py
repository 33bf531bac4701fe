"""Where the instructions go, in works that do not reach their goal: `make bench-where`.

callgrind counts the instructions of each function (https://valgrind.org/docs/manual/cl-format.html). A work is done once, and in
another process three times; the difference is what it costs, function by function, with nothing of what prepares it. What
stands beside it is the work that it is compared with by `make bench`.

The record is docs/performance/where.json, from which the chapter docs/fast.md takes its tables (`--show WORK`). Another CPython has
a record of its own beside it, such as where-3.15.json (`--show WORK --python 3.15`).
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from callgrind import counts_of, profile_of  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from peers import FOLDER, HASHTABLE, build_c  # noqa: E402

RECORD = ROOT / "docs" / "performance" / "where.json"

#: Pairs in a table.
PAIRS = 1000

#: Functions that take fewer instructions for one operation are not shown one by one.
FEW = 5


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: what it is called, how a table is made, the work with a table `t`, what that imports."""

    name: str
    make: str
    statement: str
    imports: str = ""


POP = "for k in keys: t.pop(k)"
GET = "for k in keys: t[k]"
SET = "for k in keys: t[k] = k"
#: Name, the keys, and the two sides.
WORKS: dict[str, tuple[str, Side, Side]] = {
    "adding strs": (
        "'key-%d' % i",
        Side("dict", "{}", SET),
        Side("HashTable", "HashTable()", SET),
    ),
    "update from a dict": (
        "'key-%d' % i",
        Side("dict", "None", "dict(d)"),
        Side("HashTable", "None", "HashTable().update(d)"),
    ),
    "a Python hash function": (
        "i",
        Side("map", "None", "deque(map(function, keys), maxlen=0)"),
        Side("HashTable", "filled(HashTable(hash_func=function))", "deque(map(t.get, keys), maxlen=0)"),
    ),
    "pop": (
        "10**6 + i",
        Side("textbook", "filled(Table())", POP, "from textbook import Table"),
        Side("HashTable", "filled(HashTable())", POP),
    ),
    "keys of a class": (
        "Point(i)",
        Side("dict", "d", GET),
        Side("HashTable", "filled(HashTable())", GET),
    ),
    "an odd size": (
        "'key-%d' % i",
        Side("size 2048", "HashTable(size=2048)", SET),
        Side("size 2047", "HashTable(size=2047)", SET),
    ),
}

PROGRAM = """
import gc, os, sys
gc.disable()
sys.path[:0] = {folders!r}
from collections import deque
from hashtable import HashTable
from keys import Point
{imports}
function = lambda k: k
keys = [(lambda i: {key})(i * 379 % {pairs}) for i in range({pairs})]
d = {{k: k for k in keys}}
def filled(t):
    for k in keys: t.set(k, k)
    return t
def work(t):
    {statement}
tables = [{make} for _ in range(3)]
for t in tables[:{times}]: work(t)
os._exit(0)  # without taking the tables down
"""


def count(key: str, side: Side) -> dict[str, float]:
    """What one operation costs, by function."""
    counts = []
    for times in (1, 3):
        program = PROGRAM.format(
            folders=[str(HASHTABLE.parent), str(FOLDER), str(HERE)],
            key=key,
            pairs=PAIRS,
            statement=side.statement,
            make=side.make,
            imports=side.imports,
            times=times,
        )
        counts.append(counts_of(profile_of(program)))
    more = {name: (counts[1][name] - counts[0][name]) / (2 * PAIRS) for name in counts[1]}
    return {name: round(value, 1) for name, value in more.items() if abs(value) >= 0.05}


def without_impl(name: str) -> str:
    """The name of a function in Rust without the type that it belongs to, where the path of its module says that too."""
    return re.sub(r"<impl .*>::", "", name)


def table_of(sides: Mapping[str, Mapping[str, float]]) -> str:
    """A work as a table: a line for each function, the most expensive first, then the small ones together, then all."""
    everything = {name for counts in sides.values() for name in counts}
    most = {name: max(counts.get(name, 0) for counts in sides.values()) for name in everything}
    shown = sorted((name for name in everything if most[name] >= FEW), key=lambda name: (-most[name], name))
    lines = ["".join(f"{name:>11}" for name in sides)]
    rows = {name: [counts.get(name, 0) for counts in sides.values()] for name in shown}
    small = [sum(value for name, value in counts.items() if most[name] < FEW) for counts in sides.values()]
    rows[f"others, of fewer than {FEW} each"] = small
    rows["all"] = [sum(counts.values()) for counts in sides.values()]
    for name, values in rows.items():
        # The figures first: however long a name is, and however narrow a page, they stay below one another.
        lines.append(
            "".join(f"{value:11.0f}" if value else f"{'-':>11}" for value in values) + f"  {without_impl(name)}"
        )
    return "\n".join(lines)


def record_of(python: str) -> Path:
    """Where the record of a version such as 3.15 belongs: in RECORD if that is of the same one, or is not there; or beside it."""
    if not RECORD.is_file() or minor(json.loads(RECORD.read_text("utf-8"))["python"]) == python:
        return RECORD
    return RECORD.with_name(f"where-{python}.json")


def minor(version: str) -> str:
    """A version without the last of its numbers."""
    return ".".join(version.split(".")[:2])


@click.command(help=__doc__.split("\n\n")[0], epilog="Exit codes: 0 done, 2 something is missing.")
@click.option("--show", type=click.Choice([*WORKS]), help="Count nothing; print this work from the record.")
@click.option("--python", help="With --show: the record of this CPython, such as 3.15.")
@click.option("--record", is_flag=True, help="Write the counts into the record.")
def main(show: str | None, python: str | None, record: bool) -> int:
    """The command line."""
    if show:
        file = record_of(python) if python else RECORD
        if not file.is_file():
            raise click.ClickException(f"{file.relative_to(ROOT)} is missing: make record WHAT=where writes it.")
        recorded = json.loads(file.read_text("utf-8"))
        print(f"instructions for one operation, CPython {recorded['python']} on {recorded['machine']}\n")
        print(table_of(recorded["works"][show]))
        return 0
    if shutil.which("valgrind") is None:
        raise click.ClickException("valgrind is missing (Debian: apt install valgrind).")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if why := build_c("textbook"):
        raise click.ClickException(f"the textbook extension cannot be built: {why}")
    works = {}
    for work, (key, *sides) in WORKS.items():
        console.print(f"counting: {work} ...")
        works[work] = {side.name: count(key, side) for side in sides}
        console.print(table_of(works[work]) + "\n")
    if record:
        whole = {"machine": platform.machine(), "python": platform.python_version(), "works": works}
        file = record_of(minor(whole["python"]))
        file.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        console.print(f"written to {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    run_command(main)
