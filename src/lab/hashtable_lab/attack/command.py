"""`python -m hashtable_lab attack`: keys that collide, what they cost, and what changes it."""

from __future__ import annotations

import functools
import json
import random
import time
from collections.abc import Callable
from typing import Any

import click

from hashtable_lab.attack.searching import ALGEBRA, by_birthday
from hashtable_lab.commands import DID_NOT_SEE, EXIT_CODES, SAW
from hashtable_lab.errors import Missing
from hashtable_lab.explore import theory
from hashtable_lab.explore.functions import KNOWN, function_of
from hashtable_lab.stage import Stage

KINDS = ("ints", "floats", "strs")
COUNT = 1000
#: A birthday search for so many bits and keys ends within a few seconds.
BIRTHDAY_COUNT, BITS = 100, 12


def fill(keys: list[Any], **knobs: Any) -> dict[str, Any]:
    """Fills a table. Returns how long it took, and what came of it."""
    from hashtable import HashTable

    began = time.perf_counter()
    table: Any = HashTable(**knobs)
    for key in keys:
        table[key] = None
    seconds = time.perf_counter() - began
    stats = table.stats()
    return {
        "seconds": seconds,
        "longest_chain": stats["longest_chain"],
        "probes": round(stats["mean_probes"], 2),
        "size": stats["size"],
    }


def _ordinary(kind: str, count: int) -> list[Any]:
    generator = random.Random(1)
    make: Callable[[], Any]
    if kind == "ints":
        make = functools.partial(generator.getrandbits, 60)
    elif kind == "floats":
        make = generator.random
    else:
        make = lambda: f"{generator.getrandbits(60):x}"  # noqa: E731
    return list(dict.fromkeys(make() for _ in range(count)))


@click.command("attack", epilog=EXIT_CODES)
@click.argument("hash_function")
@click.option(
    "--keys", "kind", type=click.Choice(KINDS), help="What kind of keys.  [default: one that algebra knows, else strs]"
)
@click.option(
    "--count",
    type=click.IntRange(2, 20_000),
    help=f"How many keys.  [default: {COUNT}; by birthday {BIRTHDAY_COUNT}]",
)
@click.option(
    "--bits",
    type=click.IntRange(1, 32),
    default=BITS,
    show_default=True,
    help="By birthday: in how many low bits the hashes agree.",
)
@click.option("--json", "as_json", is_flag=True, help="Print keys and figures as JSON.")
def attack_command(hash_function: str, kind: str | None, count: int | None, bits: int, as_json: bool) -> int:
    """Searches keys that collide under HASH_FUNCTION, and shows what they cost.

    HASH_FUNCTION is hash, mixed_hash, library_hash, digits_hash or module:function. Where the function is known, the keys
    are found by algebra; otherwise by birthday: random keys are tried until enough of them agree.
    """
    function = function_of(hash_function)
    kind = kind or next((keys for name, keys in ALGEBRA if name == hash_function), "strs")
    algebra = ALGEBRA.get((hash_function, kind))
    stage = Stage()
    if algebra is not None:
        found = algebra(count or COUNT)
    else:
        candidates = None if kind == "strs" else iter(_ordinary(kind, 2_000_000))
        with stage.busy(f"Searching keys that agree in {bits} bits"):
            try:
                found = by_birthday(function, count or BIRTHDAY_COUNT, bits, candidates)
            except Missing:
                raise
            except Exception as error:  # the function may raise whatever it likes
                raise Missing(f"{hash_function} raised {type(error).__name__}: {error}") from None
    keys = found.keys
    # As large a table as the defaults would make, and larger than the number of bits that agree would need.
    settings: dict[str, dict[str, Any]] = {f"the attack, by {hash_function}": {"hash_func": function}}
    tables = {name: fill(keys, **knobs) for name, knobs in settings.items()}
    tables["as many ordinary keys"] = fill(_ordinary(kind, len(keys)), hash_func=function)
    tables["the attack, of an odd size"] = fill(keys, hash_func=function, size=7)
    for other in ("mixed_hash", "hash"):
        if other != hash_function:
            tables[f"the attack, by {other}"] = fill(keys, hash_func=function_of(other))
    attacked = tables[f"the attack, by {hash_function}"]
    expected = theory.longest_chain(len(keys), attacked["size"])
    seen = attacked["longest_chain"] > 2 * expected
    if as_json:
        print(json.dumps({"keys": keys, "how": found.how, "tried": found.tried, "tables": tables}, indent=1))
        return SAW if seen else DID_NOT_SEE
    stage.title(f"An attack on {hash_function}")
    stage.say(
        f"{KNOWN.get(hash_function, 'a function of yours').capitalize()}. {len(keys):,} {kind} were found by "
        f"{found.how}. {found.tried:,} keys were looked at."
    )
    stage.transcript("\n".join(repr(key)[:90] for key in keys[:5]) + "\n...")
    stage.table(
        ["", "longest chain", "pairs visited for a hit", "filled in"],
        [
            (name, f"{row['longest_chain']:,}", f"{row['probes']:,}", f"{1000 * row['seconds']:.1f} ms")
            for name, row in tables.items()
        ],
    )
    stage.say(
        "What changes it: a function under which these keys differ. Mixing is none against keys whose hashes "
        "are equal, and an odd size "
        "helps only where merely the low bits agree. The builtin hash of str and bytes has a secret, made "
        "anew for each process "
        "(PYTHONHASHSEED): keys that collide in one process do not in the next."
    )
    stage.check(f"the longest chain is more than twice as long as chance would make it ({expected})", seen)
    return SAW if seen else DID_NOT_SEE
