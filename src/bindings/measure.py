"""What is measured in one binding, in a process of its own: `python measure.py NAME`. Prints JSON.

Times are of the processor and not of the clock, the best of several rounds, in ns per call; compare.py lets all bindings take
their turns. Memory is what malloc has given out (with PYTHONMALLOC=malloc that is all of it).
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
import timeit
from typing import Any

import psutil

ROUNDS, SECONDS = 3, 0.02
TABLES = 2000


def nanoseconds(statement: str, names: dict[str, Any]) -> float:
    """What one run of a statement takes, the loop around it taken off."""
    best = []
    for text in (statement, "pass"):
        timer = timeit.Timer(text, globals=names, timer=time.process_time)
        number = 1000
        while timer.timeit(number) < SECONDS and number < 1_000_000:
            number *= 2
        best.append(min(timer.repeat(ROUNDS, number)) / number)
    return 1e9 * (best[0] - best[1])


def times(hello: Any, table_of: Any) -> dict[str, float]:
    """ns per call, by what is called."""

    def function(key: int) -> int:
        return key

    default, called = table_of(2048), table_of(2048, 0.5, function)
    for key in range(1000):
        default.set(key, key)
        called.set(key, key)
    # The library's default hash of a str is its length: here each has a bucket of its own, and there all are in one chain, in
    # which the first is the last by now. The key is an equal str, not the very same, as it is in programs.
    apart, chain = table_of(2048), table_of(2048)
    for number in range(100):
        apart.set("k" * (number + 1), number)
        chain.set(f"key {number:03}", number)
    names = {"hello": hello, "function": function, "word": "".join(["k"] * 7), "first": "".join(["key ", "000"])}
    names.update(nothing=hello.nothing, ask=hello.ask, get=default.get, set=default.set, get_called=called.get)
    names.update(get_apart=apart.get, get_chain=chain.get)
    found = {
        "empty": nanoseconds("nothing()", names),
        "get": nanoseconds("get(777)", names),
        "get_str": nanoseconds("get_apart(word)", names),
        "get_chain": nanoseconds("get_chain(first)", names),
        "set": nanoseconds("set(777, 5)", names),
        "get_hash_func": nanoseconds("get_called(777)", names),
        "ask": nanoseconds("ask(function, 777)", names),
    }
    # What the hash function costs in a call of get: the way to it, its work and the way back.
    found["hash_func"] = found["get_hash_func"] - found["get"]
    return found


def bytes_per_table(table_of: Any) -> float:
    """The memory of an empty table of four buckets."""

    def used() -> int:
        gc.collect()
        psutil.heap_trim()
        heap = psutil.heap_info()
        return heap.heap_used + heap.mmap_used

    tables = [table_of() for _ in range(TABLES)]  # what is made once is made now
    tables[:] = [None] * TABLES
    before = used()
    for number in range(TABLES):
        tables[number] = table_of()
    return (used() - before) / TABLES


class Python:
    """Python itself, to compare with: a function in Python, and dict."""

    @staticmethod
    def nothing() -> None:
        pass

    @staticmethod
    def ask(function: Any, key: int) -> int:
        return function(key)


class Dict(dict):
    """A dict with the names of a table's methods."""

    def __init__(self, *parameters: Any) -> None:
        self.set = self.__setitem__


def main() -> None:
    name, what = sys.argv[1:]
    if name == "python":
        hello, table_of = Python, Dict
    else:
        module = name.replace("-", "_")
        hello = importlib.import_module(f"hello_{module}")
        table_of = importlib.import_module(f"table_{module}").HashTable
    if what == "times":
        print(json.dumps(times(hello, table_of)))
    else:
        print(json.dumps({"bytes": bytes_per_table(dict if name == "python" else table_of)}))


if __name__ == "__main__":
    main()
