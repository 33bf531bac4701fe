"""What `mixed_hash` costs, in instructions: `make bench-mixed`.

On ordinary keys it is compared with the default table, on clustered keys (whose hashes agree in their low bits) with dict. The
counts are of the whole process, so what the interpreter spends on the statement is in them, as in everybody's program; they are
the same on a busy machine as on an idle one. The method is that of instructions.py. The book's page on performance shows the
record.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from callgrind import counts_of, profile_of  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from instructions import versions  # noqa: E402

RECORD = HERE / "mixed.json"
PAIRS = 1000
WORKS = {
    "set, new key": "for k in keys: t[k] = k",
    "get": "for k in keys: t[k]",
    "miss": "for k in absent: k in t",
    "del": "for k in keys: del t[k]",
}
MIXED = "HashTable(hash_func=mixed_hash)"
#: Keys, what mixed_hash is compared with, and how much more it may cost.
COMPARED = {
    **{f"ordinary: {key}": (key, "HashTable()", 1.1) for key in ("10**6 + i", "'key-%d' % i")},
    **{f"clustered: {key}": (key, "{}", 1.2) for key in ("i << 32", "i / 1024", "i * 65536")},
}

PROGRAM = """
import gc, os, sys
gc.disable()
sys.path.insert(0, {folder!r})
from hashtable import HashTable, mixed_hash
make = lambda i: {key}
numbers = [i * 379 % {pairs} for i in range({pairs})]
keys = [make(i) for i in numbers]
absent = [make({pairs} + i) for i in numbers]
for k in keys + absent: hash(k)
tables = [{table} for _ in range(3)]
if {filled}:
    for t in tables:
        for k in keys: t[k] = k
def work(t):
    {statement}
for t in tables[:{times}]: work(t)
os._exit(0)
"""


def count(key: str, table: str, work: str) -> float:
    """The instructions that one operation takes."""
    import hashtable

    totals = []
    for times in (1, 3):
        program = PROGRAM.format(
            folder=str(Path(hashtable.__file__).parent),
            key=key,
            table=table,
            pairs=PAIRS,
            filled=work != "set, new key",
            statement=WORKS[work],
            times=times,
        )
        totals.append(sum(counts_of(profile_of(program)).values()))
    return (totals[1] - totals[0]) / (2 * PAIRS)


@click.command(help=__doc__.split("\n\n")[0], epilog="Exit codes: 0 within its goals, 1 not, 2 something is missing.")
@click.option("--record", is_flag=True, help="Write the counts into the record, from which the page is made.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def main(record: bool, as_json: bool) -> int:
    """The command line."""
    todo = [(name, work) for name in COMPARED for work in WORKS]
    console.stderr = as_json
    console.print(f"counting the instructions of {len(todo)} operations, twice each ...")

    def compare(name: str, work: str) -> dict[str, float]:
        key, other, _ = COMPARED[name]
        return {"mixed_hash": round(count(key, MIXED, work), 1), "other": round(count(key, other, work), 1)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda both: compare(*both), todo))
    table = Table(
        "keys", "operation", "mixed_hash", "compared with", "", "ratio", "goal", box=None, padding=(0, 2, 0, 0)
    )
    rows, late = [], 0
    for (name, work), counted in zip(todo, found):
        ratio, goal = counted["mixed_hash"] / counted["other"], COMPARED[name][2]
        other = "dict" if COMPARED[name][1] == "{}" else "the default"
        rows.append(
            {"keys": name, "operation": work, **counted, "compared_with": other, "ratio": round(ratio, 3), "goal": goal}
        )
        late += ratio > goal
        cells = [f"{counted['mixed_hash']:.1f}", other, f"{counted['other']:.1f}", f"{ratio:.2f}", f"{goal}"]
        table.add_row(name, work, *cells, style="bold" if ratio > goal else "")
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        console.print(table)
        console.print(f"{late} of {len(rows)} are not within their goals." if late else "All are within their goals.")
    if record:
        RECORD.write_text(json.dumps({"versions": versions(), "rows": rows}, indent=1) + "\n")
        console.print(f"written to {RECORD.relative_to(ROOT)}")
    return 1 if late else 0


if __name__ == "__main__":
    run_command(main)
