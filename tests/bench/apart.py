"""Measurements that take a process each: memory, pauses, imports.

    python tests/bench/apart.py WHAT JSON

prints one JSON value. What is measured begins with nothing but the keys in memory, and ends with its process.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "apart.py"


def table(imports: str, make: str) -> Any:
    """A new table, made as the text says."""
    names: dict[str, Any] = {}
    exec(imports, names)
    return eval(make, names)


def resident() -> int:
    """How many bytes of this process are in memory. (Linux.)"""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(imports: str, make: str, kind: str, n: int) -> dict[str, float]:
    """Bytes per pair with n pairs: of the arrays, as `sys.getsizeof` tells, and of the process."""
    from keys import material

    keys = material(kind, n, [], 1)["fill"]
    made = table(imports, make)
    before = resident()
    for key in keys:
        made[key] = key
    return {"arrays": sys.getsizeof(made) / n, "RSS": (resident() - before) / n}


def growth(imports: str, make: str, kind: str, n: int) -> list[tuple[int, int]]:
    """The sizes of a table that grows to n pairs: each time that it has changed, the number of pairs and of bytes."""
    from keys import material

    made = table(imports, make)
    steps = [(0, sys.getsizeof(made))]
    for number, key in enumerate(material(kind, n, [], 1)["fill"], start=1):
        made[key] = key
        size = sys.getsizeof(made)
        if size != steps[-1][1]:
            steps.append((number, size))
    return steps


def pause(imports: str, make: str, kind: str, n: int) -> int:
    """The longest that one insert took while a table grew to n pairs, in nanoseconds of processor time."""
    from keys import material

    keys = material(kind, n, [], 1)["fill"]
    made = table(imports, make)
    clock = time.process_time_ns
    longest = 0
    for key in keys:
        begin = clock()
        made[key] = key
        took = clock() - begin
        if took > longest:
            longest = took
    return longest


def load(module: str, folder: str) -> float:
    """How long the import of a module took, in milliseconds."""
    sys.path.insert(0, folder)
    begin = time.perf_counter_ns()
    __import__(module)
    return (time.perf_counter_ns() - begin) / 1e6


#: What can be measured.
WHAT: dict[str, Callable[..., Any]] = {"memory": memory, "growth": growth, "pause": pause, "load": load}


def run(what: str, *arguments: Any, environment: dict[str, str]) -> Any:
    """Measures in a process of its own, from outside. RuntimeError with the last line of what it said if it fails."""
    command = [sys.executable, str(SCRIPT), what, json.dumps(arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    gc.disable()
    print(json.dumps(WHAT[sys.argv[1]](*json.loads(sys.argv[2]))))
