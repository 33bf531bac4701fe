"""Counts the instructions of the hot paths, and compares them with the record: `make bench-instructions`.

Seconds depend on who else uses the machine; the number of instructions that an operation takes does not. valgrind counts them
(https://valgrind.org/docs/manual/cl-manual.html), and tells how many belong to which shared library. So two numbers are known of
each operation: those *in the extension*, and *all*, with what the interpreter spends on the statement and its loop.

An operation is run on one table, and in another process on three. The difference, through the number of operations that the two
more tables took, is what one costs; starting Python, making keys and filling tables are in both and cancel out. For `set, new key`
a table grows from the default size, and its growing is counted too.

The numbers in the extension may differ from the record by TOLERANCE, all of them only with the version of CPython that is in
the record. Not every instruction takes the same time, and a cache miss is none: that fewer are faster is for `make bench` to say.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from callgrind import counts_of, profile_of  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402

RECORD = HERE / "instructions.json"

#: How far a count may be from the record, as a part of it. The same build gives the same counts to within a few instructions in a
#: thousand operations. The margin is for what another patch of a compiler, or a change elsewhere, does to the order of a function's
#: parts; one more branch on the shortest of the paths is more than it allows.
TOLERANCE = 0.02

#: Pairs in a table.
PAIRS = 1000

#: Operation, and its statement; `t` is a table, `keys`, `equal` and `absent` are keys.
WORKS = {
    "set, new key": "for k in keys: t[k] = k",
    "set, old key": "for k in keys: t[k] = k",
    "get, same object": "for k in keys: t[k]",
    "get, equal object": "for k in equal: t[k]",
    "miss": "for k in absent: k in t",
    "del": "for k in keys: del t[k]",
    "iterate": "for k in t: pass",
}
KEYS = {"int": "10**6 + i", "str": "'key-%d' % i"}

PROGRAM = """
import gc, os, sys
gc.disable()
sys.path.insert(0, {folder!r})
from hashtable import HashTable
make = lambda i: {key}
numbers = [i * 379 % {pairs} for i in range({pairs})]
keys, equal = [make(i) for i in numbers], [make(i) for i in numbers]
absent = [make({pairs} + i) for i in numbers]
for k in keys + equal + absent: hash(k)
tables = [HashTable() for _ in range(3)]
if {filled}:
    for t in tables:
        for k in keys: t[k] = k
def work(t):
    {statement}
for t in tables[:{times}]: work(t)
os._exit(0)  # without taking the tables down
"""


def in_the_extension(counts: Mapping[str, float]) -> tuple[float, float]:
    """The instructions in the extension, and all, of what callgrind.counts_of returns."""
    return sum(count for name, count in counts.items() if name.endswith(" (hashtable)")), sum(counts.values())


def run_once(kind: str, work: str, statement: str, times: int) -> tuple[float, float]:
    """Runs an operation on so many tables, under valgrind. Returns what `in_the_extension` does."""
    import hashtable

    # From a folder whose name is as long wherever we are: see `profile_of`.
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(hashtable.__file__, folder)
        program = PROGRAM.format(
            folder=folder,
            key=KEYS[kind],
            pairs=PAIRS,
            filled=work != "set, new key",
            statement=statement,
            times=times,
        )
        try:
            return in_the_extension(counts_of(profile_of(program)))
        except click.ClickException as failure:
            raise click.ClickException(f"{kind}, {work}: {failure.message}") from None


def count(kind: str, work: str, statement: str) -> dict[str, float]:
    """What one operation costs.

    Args:
        kind: the kind of keys, of KEYS.
        work: one of WORKS.
        statement: its statement, or another one in its place.

    Returns:
        The instructions in the extension and all, by `extension` and `all`.
    """
    few, many = (run_once(kind, work, statement, times) for times in (1, 3))
    extension, everything = ((more - less) / (2 * PAIRS) for less, more in zip(few, many))
    return {"extension": round(extension, 2), "all": round(everything, 2)}


def versions() -> dict[str, str]:
    """On what the counts depend beside the source."""
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    python = f"CPython {platform.python_version()}, {platform.python_compiler()}"
    return {"python": python, "rust": rust[1] if len(rust) > 1 else "", "machine": platform.machine()}


def complaints(
    record: Mapping[str, Any], counted: Mapping[str, Mapping[str, float]], now: Mapping[str, str]
) -> list[str]:
    """Compares counts with the record.

    Args:
        record: what instructions.json has.
        counted: the counts, by operation.
        now: the versions with which they were counted.

    Returns:
        A line for each that differs by more than TOLERANCE, or is only in one of the two.
    """
    found = []
    which = ["extension", "all"] if record["versions"]["python"] == now["python"] else ["extension"]
    for name in {**record["counts"], **counted}:
        if name not in counted or name not in record["counts"]:
            found.append(f"{name}: it is only {'in the record' if name not in counted else 'counted'}")
            continue
        for what in which:
            old, new = record["counts"][name][what], counted[name][what]
            if abs(new - old) > TOLERANCE * old:
                found.append(f"{name}: {what} {old:g} in the record, now {new:g} ({new / old - 1:+.1%})")
    return found


@click.command(help=__doc__.split("\n\n")[0], epilog="Exit codes: 0 as recorded, 1 not, 2 something is missing.")
@click.option("--record", is_flag=True, help="Write the counts into the record instead of comparing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def main(record: bool, as_json: bool) -> int:
    """The command line."""
    if shutil.which("valgrind") is None:
        raise click.ClickException("valgrind is missing (Debian: apt install valgrind).")
    if not record and not RECORD.is_file():
        raise click.ClickException(f"{RECORD.relative_to(ROOT)} is missing: make record WHAT=instructions writes it.")
    todo = [(kind, work, statement) for kind in KEYS for work, statement in WORKS.items()]
    counted = {}
    console.stderr = as_json
    if not console.is_terminal:
        console.print(f"counting the instructions of {len(todo)} operations ...")
    # What is counted is the same however many are counted at once.
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            results = pool.map(lambda arguments: count(*arguments), todo)
            for (kind, work, _), result in zip(todo, progress.track(results, len(todo))):
                counted[f"{kind}: {work}"] = result
    finally:
        # After Ctrl-C nothing more is begun.
        pool.shutdown(cancel_futures=True)
    whole = {"versions": versions(), "counts": counted}
    if as_json:
        print(json.dumps(whole, indent=1))
    else:
        old = json.loads(RECORD.read_text())["counts"] if RECORD.is_file() else {}
        table = Table("operation", "in the extension", "recorded", "all", "recorded", box=None, padding=(0, 2, 0, 0))
        for name, result in counted.items():
            known = [f"{old[name][what]:.1f}" if name in old else "" for what in ("extension", "all")]
            table.add_row(name, f"{result['extension']:.1f}", known[0], f"{result['all']:.1f}", known[1])
        console.print(table)
    if record:
        RECORD.write_text(json.dumps(whole, indent=1) + "\n")
        console.print(f"written to {RECORD.relative_to(ROOT)}")
        return 0
    recorded = json.loads(RECORD.read_text())
    if recorded["versions"] != whole["versions"]:
        console.print(f"counted with {whole['versions']}, recorded with {recorded['versions']}")
    found = complaints(recorded, counted, whole["versions"])
    for line in found:
        console.print(line)
    if found:
        console.print("If that is as it should be: make record WHAT=instructions")
    return 1 if found else 0


if __name__ == "__main__":
    run_command(main)
