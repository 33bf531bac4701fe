"""Measures one setting of the three knobs with one set of keys."""

from __future__ import annotations

import time
from typing import Any

from hashtable_lab.explore import theory
from hashtable_lab.explore.functions import function_of
from hashtable_lab.explore.keys import keys_of

#: Each time is the least of so many; table and dict take turns.
ROUNDS = 5


def measure(keys: str, count: int, function: str, size: int, max_load: float) -> dict[str, Any]:
    """Fills a table, looks into it, and times it against a dict.

    Args:
        keys: a set of keys, by its name.
        count: how many of them go into the table.
        function: a hash function, by its name.
        size: the number of buckets at first.
        max_load: the maximum load.

    Returns:
        The setting, and what came of it: what `HashTable.stats` has, the pairs that lookups visit (`hit`, `miss`), the
        longest chain, each with what theory expects (`..._expected`), and times as ratios to dict (`set`, `get`, `in`).
        `error` is what the hash function raised, if it did.
    """
    from hashtable import HashTable

    setting = {"keys": keys, "function": function, "initial_size": size, "max_load": max_load}
    hash_func = function_of(function)
    present, absent = keys_of(keys, count)
    try:
        table: Any = HashTable(size, max_load, hash_func)
        for key in present:
            table[key] = None
        stats = table.stats()
        lengths = [len(chain) for chain in table.buckets()]
        misses = [lengths[table.bucket_of(key)] for key in absent]
        times = _ratios(lambda: HashTable(size, max_load, hash_func), present, absent)
    except Exception as error:  # a hash function may raise whatever it likes
        return {**setting, "error": f"{type(error).__name__}: {error}"}
    load, buckets = stats["load"], stats["size"]
    return {
        **setting,
        **stats,
        "hit": round(stats["mean_probes"], 4),
        "hit_expected": round(theory.probes_for_a_hit(load, buckets), 4),
        "miss": round(sum(misses) / len(misses), 4) if misses else None,
        "miss_expected": round(theory.probes_for_a_miss(load, buckets), 4),
        "longest_expected": theory.longest_chain(load, buckets),
        **times,
        "error": "",
    }


def _ratios(make: Any, present: list[Any], absent: list[Any]) -> dict[str, float | None]:
    best: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for number, container in enumerate((make(), {})):
            for what, work, keys in (("set", _set, present), ("get", _get, present), ("in", _in, absent)):
                began = time.perf_counter()
                work(container, keys)
                seconds = time.perf_counter() - began
                known = best.setdefault(what, [float("inf")] * 2)
                known[number] = min(known[number], seconds)
    return {what: round(ours / theirs, 3) if theirs > 0 else None for what, (ours, theirs) in best.items()}


def _set(table: Any, keys: list[Any]) -> None:
    for key in keys:
        table[key] = key


def _get(table: Any, keys: list[Any]) -> None:
    for key in keys:
        table[key]


def _in(table: Any, keys: list[Any]) -> None:
    for key in keys:
        key in table  # noqa: B015
