"""Measures tables against dicts without the GIL: `make bench-free-threaded`.

    get, set, items       one thread: the time for a table as a part of that for a dict; the goals are 1, 1 and 1.3
    two tables            two threads, each with a table of its own, that read or write: how many times the work of one; the
                          goal is 1.8. The tables were made one after the other, so they lie side by side, and the keys of
                          each were made by the thread that uses it
    two readers           two threads that read one table: the goal is 1.5. Their keys are names in a program, whose references
                          nobody counts, so that the table is all that they share

Table and dict take turns, and each figure is the median of what the turns say. Two threads need two processors, so a turn counts
only if each thread had one to itself from beginning to end, and both worked at the same time. How many such turns there were is
printed beside the figures, and a dict's figures are theirs to be compared with.

It needs a free-threaded CPython (`make interpreters KINDS=3.14t`), and says so where there is none.
"""

from __future__ import annotations

import json
import os
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAIRS, REPEATED, TURNS = 1000, 200, 40


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


class Worker(threading.Thread):
    """A thread that does one job after another: functions, to which it passes itself, and whose answers it hands over."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: queue.SimpleQueue[Callable[[Worker], Any]] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.start()

    def run(self) -> None:
        """Makes keys of its own, and takes jobs for ever."""
        self.keys = ["".join(["key ", str(number)]) for number in range(PAIRS)]
        while True:
            self.answers.put(self.jobs.get()(self))


def at_once(jobs: list[tuple[Worker, Callable[[Worker], Any]]]) -> list[Any]:
    """Has threads do their jobs at the same time, and returns the answers."""
    for worker, job in jobs:
        worker.jobs.put(job)
    return [worker.answers.get() for worker, _ in jobs]


def fill(table: Any) -> Callable[[Worker], None]:
    """A job: puts the thread's own keys into a table."""
    return lambda worker: write(table, worker.keys)


def times(
    work: Callable[[Any, list[str]], None], places: list[tuple[Worker, Any]], keys: list[str] | None
) -> list[float] | None:
    """How long it takes each thread to do the work on its table; None if one of them was kept waiting meanwhile, or did not work
    while the others did."""
    barrier = threading.Barrier(len(places))

    def job(table: Any) -> Callable[[Worker], tuple[float, float, float]]:
        def run(worker: Worker) -> tuple[float, float, float]:
            barrier.wait()
            own, start = time.thread_time(), time.perf_counter()
            work(table, keys or worker.keys)
            return start, time.perf_counter(), time.thread_time() - own

        return run

    found = at_once([(worker, job(table)) for worker, table in places])
    took = [end - start for start, end, _ in found]
    together = min(end for _, end, _ in found) - max(start for start, _, _ in found)
    waited = any(time > 1.05 * own for time, (_, _, own) in zip(took, found))
    return None if waited or together < 0.9 * min(took) else took


def measure() -> dict[str, Any]:
    """All figures, taken in turns by this interpreter."""
    from hashtable import HashTable

    names: list[str] = eval(repr([f"key{number}" for number in range(PAIRS)]))
    one, other = Worker(), Worker()
    figures: dict[str, list[float]] = {}
    side_by_side: dict[str, list[Any]] = {"table": [HashTable(), HashTable()], "dict": [{}, {}]}
    shared: dict[str, Any] = {"table": HashTable(), "dict": {}}
    own: dict[str, Any] = {"table": HashTable(), "dict": {}}
    for kind in side_by_side:
        for worker, table in zip((one, other), side_by_side[kind]):
            at_once([(worker, fill(table))])
        write(shared[kind], names)
        write(own[kind], names)
    for _ in range(TURNS):
        for name, work in (("get", read), ("set", write), ("items", walk)):
            took = []
            for table in (own["table"], own["dict"]):
                start = time.perf_counter()
                work(table, names)
                took.append(time.perf_counter() - start)
            figures.setdefault(name, []).append(took[0] / took[1])
        for kind in side_by_side:
            first, second = side_by_side[kind]
            for what, work, tables, keys in (
                (f"two {kind}s, read", read, (first, second), None),
                (f"two {kind}s, written", write, (first, second), None),
                (f"two readers of a {kind}", read, (shared[kind],) * 2, names),
            ):
                alone = times(work, [(one, tables[0])], keys)
                both = times(work, [(one, tables[0]), (other, tables[1])], keys)
                figures.setdefault(what, [])
                if alone and both:
                    figures[what].append(2 * alone[0] / max(both))
    found: dict[str, Any] = {
        name: [round(statistics.median(values), 2), len(values)] if values else None for name, values in figures.items()
    }
    return {"figures": found, "gil": sys._is_gil_enabled()}  # type: ignore[attr-defined]


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
    found = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    print(f"CPython {kind}, {'with' if found['gil'] else 'without'} the GIL, the median of so many turns of {TURNS}:")
    for name, figure in found["figures"].items():
        print(
            f"  {name:24} {'{:.2f}, {}'.format(*figure) if figure else 'each turn was disturbed: nothing was measured'}"
        )
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        print(json.dumps(measure()))
    else:
        sys.exit(main())
