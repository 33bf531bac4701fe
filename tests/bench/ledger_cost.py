"""What the ledger costs while it is kept: `make ledger-cost`.

The same operations are timed on the normal build and on the traced build, which enters every change of ownership, by
turns in one run; the fastest of several rounds counts. What is printed are ratios: the times themselves say something
about the machine only.

That the ledger costs nothing where it is not kept is another matter, shown by `make same-code`.
"""

from __future__ import annotations

import timeit

import click
import hashtable
import hashtable_traced
from hashtable_lab.audit.book import ledger
from hashtable_lab.stage import Stage

OPERATIONS = {
    "h.get(key)": "for key in keys: h.get(key)",
    "h[key] = value": "for key in keys: h[key] = key",
    "h.get(key), hash_func in Python": "for key in keys: own.get(key)",
    "make a table and let it go": "for _ in keys: HashTable()",
    "list(h.items())": "list(h.items())",
    "h.copy()": "h.copy()",
}


def prepared(module):
    """The names that the statements use, for one of the builds."""
    keys = [f"key {number}" for number in range(1000)]
    h = module.HashTable(2048)
    own = module.HashTable(2048, hash_func=lambda key: hash(key))
    for key in keys:
        h[key] = own[key] = key
    return {"h": h, "own": own, "keys": keys, "HashTable": module.HashTable}


def fastest(timers, rounds):
    """The shortest time of each timer, the timers by turns."""
    times = [[timer.timeit(1) for timer in timers] for _ in range(rounds)]
    return [min(column) for column in zip(*times)]


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=30, show_default=True, help="Of each operation.")
def main(rounds: int) -> None:
    """Times the traced build, which keeps a ledger, against the normal build."""
    hashtable_traced.announce(False)
    stage = Stage()
    rows = []
    with stage.progress("ledger-cost", len(OPERATIONS)) as advance:
        for number, (name, statement) in enumerate(OPERATIONS.items()):
            normal, traced = (
                timeit.Timer(statement, globals=prepared(module)) for module in (hashtable, hashtable_traced)
            )
            without, kept = fastest([normal, traced], rounds)
            with ledger(hashtable_traced):
                # The record takes memory: a few rounds do.
                (recorded,) = fastest([traced], min(rounds, 5))
            rows.append((name, "1", f"{kept / without:.0f}", f"{recorded / without:.0f}"))
            advance(number + 1)
    stage.table(["operation", "normal build", "ledger kept", "and every event recorded"], rows)
    stage.say(
        "Ratios of times, in one run. In the normal build there is no ledger: `make same-code` compares the code."
    )


if __name__ == "__main__":
    main()
