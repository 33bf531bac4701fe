"""The three knobs: what size, hash function and maximum load do, each turned alone."""

from __future__ import annotations

from typing import Any

import click

from hashtable_lab.campaign.engine import run
from hashtable_lab.commands import perform
from hashtable_lab.errors import require
from hashtable_lab.explore.command import jobs_of, rows_of, sizes_for
from hashtable_lab.stage import Stage

COUNT = 1000


def play(stage: Stage, count: int = COUNT) -> None:
    """Performs the demo.

    Args:
        stage: where.
        count: how many keys go into each table.
    """
    require("hashtable")
    stage.title("Three knobs")
    stage.say(
        "A hash table has three knobs: its size, its hash function and its maximum load. Each is turned here "
        f"alone, with {count:,} keys. "
        "What counts is how many pairs a lookup visits until it is at its key: 1 is perfect, and 1 + a/2 is "
        "to be expected of a good "
        "hash function at a load factor of a."
    )
    columns = [
        "keys",
        "hash function",
        "size at first",
        "maximum load",
        "longest chain",
        "visited",
        "expected",
        "bytes per pair",
    ]

    def show(
        keys: tuple[str, ...], functions: tuple[str, ...], sizes: tuple[int, ...], loads: tuple[float, ...]
    ) -> list[dict[str, Any]]:
        with stage.busy("Filling tables"):
            rows = rows_of(run(jobs_of(keys, functions, sizes, loads, count)))
        failed = [row["error"] for row in rows if row["error"]]
        if failed:
            stage.say(f"A table could not be filled: {failed[0]}")
            return []
        stage.table(
            columns,
            [
                (
                    row["keys"],
                    row["function"],
                    row["initial_size"],
                    row["max_load"],
                    f"{row['longest_chain']:,}",
                    f"{row['hit']:.2f}",
                    f"{row['hit_expected']:.2f}",
                    f"{row['bytes'] / row['load']:.0f}",
                )
                for row in rows
            ],
            gap=2,
        )
        return rows

    stage.heading("The maximum load: time for memory")
    rows = show(("random ints",), ("hash",), (4,), (0.25, 0.5, 1.0))
    stage.check("with a larger maximum load, lookups visit more pairs", _rises([row["hit"] for row in rows]))
    stage.check("and a pair takes fewer bytes", _rises([-row["bytes"] for row in rows]))
    stage.heading("The hash function: everything, if it is bad")
    rows = show(("words",), ("hash", "library_hash"), (4,), (0.5,))
    stage.check(
        "under a hash that is a word's length, lookups visit more than ten times as many pairs",
        len(rows) == 2 and rows[1]["hit"] > 10 * rows[0]["hit"],
    )
    stage.heading("The size: only where hashes agree in their low bits")
    prime = sizes_for(count)[-1]
    rows = show(("random ints", "i << 32"), ("hash",), (4, 7, prime), (0.5,))
    complete = len(rows) == 6
    stage.check(
        "random keys come near to what is expected at any size",
        complete and all(row["hit"] < 1.1 * row["hit_expected"] for row in rows[:3]),
    )
    stage.check(f"for i << 32, a prime of {prime:,} buckets is a way out", complete and rows[5]["hit"] < 1.5)
    stage.check("7 is not: it grew, and what was doubled is even", complete and rows[4]["hit"] > 10 * rows[5]["hit"])
    stage.say(
        "And so is another hash function, whatever the size: mixed_hash, whose low bits depend on all bits "
        "of the builtin hash."
    )
    rows = show(("i << 32", "i / 1024"), ("mixed_hash",), (4,), (0.5,))
    stage.check(
        "under mixed_hash, lookups visit what is to be expected",
        bool(rows) and all(row["hit"] < 1.1 * row["hit_expected"] for row in rows),
    )
    stage.say(
        "`python -m hashtable_lab explore` sweeps all three at once, with your own keys too; `attack` "
        "searches keys that collide."
    )
    stage.verdict()


def _rises(numbers: list[float]) -> bool:
    return len(numbers) > 1 and all(one < other for one, other in zip(numbers, numbers[1:]))


@click.command("knobs")
@click.option(
    "--count", type=click.IntRange(min=100), default=COUNT, show_default=True, help="How many keys go into each table."
)
def command(count: int) -> int:
    """Turns size, hash function and maximum load, one at a time."""
    return perform(play, count=count)
