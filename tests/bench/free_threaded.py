"""Measures tables against dicts without the GIL: `make bench-free-threaded`.

    get, set, items       one thread: the time for a table as a part of that for a dict; the goals are 1, 1 and 1.3
    two tables            two threads, each with a table of its own: how many times the work of one; the goal is 1.8
    two readers           two threads that read one table: the goal is 1.5

Table and dict take turns, and each figure is the median of what the turns say. Two threads need two processors that have nothing
else to do: the load of the machine is printed beside the figures, and a dict's figures are theirs to be compared with.

It needs a free-threaded CPython (`make interpreters KINDS=3.14t`), and says so where there is none.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAIRS, REPEATED, TURNS = 1000, 100, 15


def read(table: Any, keys: list[str]) -> None:
    for _ in range(REPEATED):
        for key in keys:
            table[key]


def write(table: Any, keys: list[str]) -> None:
    for _ in range(REPEATED):
        for key in keys:
            table[key] = 0


def walk(table: Any, keys: list[str]) -> None:
    for _ in range(REPEATED):
        for _key, _value in table.items():
            pass


def seconds(tables: list[Any], keys: list[str], work: Callable[[Any, list[str]], None]) -> float:
    """How long it takes until a thread for each table has done the work."""
    barrier = threading.Barrier(len(tables) + 1)

    def run(table: Any) -> None:
        barrier.wait()
        work(table, keys)

    threads = [threading.Thread(target=run, args=(table,)) for table in tables]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def measure() -> dict[str, Any]:
    """All figures, taken in turns by this interpreter."""
    from hashtable import HashTable

    keys = [sys.intern(f"key {number}") for number in range(PAIRS)]

    def filled(kind: Any) -> Any:
        made = kind()
        for key in keys:
            made[key] = 0
        return made

    figures: dict[str, list[float]] = {}
    ours, theirs = [filled(HashTable), filled(HashTable)], [filled(dict), filled(dict)]
    for _ in range(TURNS):
        for name, work in (("get", read), ("set", write), ("items", walk)):
            times = []
            for table in (ours[0], theirs[0]):
                start = time.perf_counter()
                work(table, keys)
                times.append(time.perf_counter() - start)
            figures.setdefault(name, []).append(times[0] / times[1])
        for kind, (one, other) in (("table", ours), ("dict", theirs)):
            alone = seconds([one], keys, read)
            figures.setdefault(f"two {kind}s", []).append(2 * alone / seconds([one, other], keys, read))
            figures.setdefault(f"two readers of a {kind}", []).append(2 * alone / seconds([one, one], keys, read))
    found: dict[str, Any] = {name: round(statistics.median(values), 2) for name, values in figures.items()}
    return {**found, "load": round(os.getloadavg()[0], 1), "gil": sys._is_gil_enabled()}  # type: ignore[attr-defined]


def main() -> int:
    """Builds the module for the free-threaded CPython, and has that measure."""
    root = Path(__file__).resolve().parents[2]
    sys.path.insert(0, str(root / "tests" / "tools"))
    from building import build
    from hashtable_lab.children.interpreters import interpreters

    found = {kind: path for kind, path in interpreters().items() if kind.endswith("t")}
    if not found:
        print("no free-threaded CPython is here: nothing was measured (make interpreters KINDS=3.14t)")
        return 0
    kind, python = list(found.items())[-1]
    target = root / "target" / "threads" / kind
    build(f"CPython {kind}: building", python, root, target / "cargo", target / "module")
    environment = {**os.environ, "PYTHONPATH": str(target / "module")}
    command = [python, str(Path(__file__).resolve()), "--here"]
    figures = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    print(f"CPython {kind}, {'with' if figures.pop('gil') else 'without'} the GIL, load {figures.pop('load')}:")
    for name, figure in figures.items():
        print(f"  {name:24} {figure:.2f}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        print(json.dumps(measure()))
    else:
        sys.exit(main())
