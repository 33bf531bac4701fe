"""What the detectors do in their child: call the `act` of a script again and again, and look at something meanwhile.

    python observers.py FOLDER OBSERVER ANSWER SCRIPT...

FOLDER has the module in it, right or broken, traced or not. OBSERVER is a function of this file. It is called with each of
the scripts, and what it returns is written into the file ANSWER, as a JSON list of lists: for each script the sentences that
say what was seen, none if all is well. Only the standard library is imported, so that any interpreter can run this file: a
debug build has none of our packages. (psleak needs one, and is run by the interpreter that has it.)
"""

from __future__ import annotations

import collections
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: How often `act` is called for one reading.
ROUNDS = 20

#: How many references to each watched object are held while counts are read, so that none falls to zero.
KEPT = 1000

#: From this count on an object is immortal, and its count does not move.
_IMMORTAL = 2**30

#: At most how many calls are made to fail.
MOST_FAULTS = 100


def _rule() -> Any:
    """leakcheck's rule for what grows. It is loaded as a file, like this one: the package needs what a debug build may not have."""
    file = Path(__file__).resolve().parents[1] / "leakcheck" / "rule.py"
    spec = importlib.util.spec_from_file_location("rule", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = _rule().judge

#: What `faults` writes to standard error, with a number, before it makes a call fail: the program may not survive it.
FAULT = "failing call number"

Names = dict[str, Any]
Act = Callable[[], object]


def quietly(act: Act) -> None:
    """Calls it; an exception is for `plain` to see."""
    with contextlib.suppress(Exception):
        act()


def plain(act: Act, names: Names) -> list[str]:
    """Only runs it. An exception is a symptom; a crash is for the parent to see."""
    for _ in range(ROUNDS):
        try:
            act()
        except BaseException as error:
            return [f"raises {type(error).__name__}: {error}"]
    return []


def getrefcount(act: Act, names: Names) -> list[str]:
    """Compares `sys.getrefcount` of all that the script has named, before and after."""
    watched = {name: value for name, value in names.items() if _is_of_the_script(name, value)}
    keep = [[value] * KEPT for value in watched.values()]
    quietly(act)
    gc.collect()
    readings = []
    for _ in range(3):
        readings.append({name: sys.getrefcount(value) for name, value in watched.items()})
        for _ in range(ROUNDS):
            quietly(act)
        gc.collect()
    seen = []
    for name in watched:
        shown = [reading[name] for reading in readings]
        change = _change_per_call(shown)
        if change and shown[0] < _IMMORTAL:
            seen.append(f"the count of `{name}` changes by {change:+g} with each call")
    del keep
    return seen


def _is_of_the_script(name: str, value: object) -> bool:
    return not (name.startswith("__") or name == "act" or isinstance(value, types.ModuleType))


def collector(act: Act, names: Names) -> list[str]:
    """Counts what the garbage collector tracks, and asks whether it is shown what tables, views and iterators own."""
    return _not_visited() + _growth_of_tracked(act)


def _change_per_call(readings: list[int]) -> float:
    """By how much a meter that was read between rounds of `ROUNDS` calls rises or falls with each; 0 if it does neither.

    The rule is leakcheck's, for growth as for what falls; less than one in a call is no news here.
    """
    growth = [later - earlier for earlier, later in zip(readings, readings[1:])]
    calls = [ROUNDS] * len(growth)
    for sign in (1, -1):
        if judge([sign * gain for gain in growth], calls, least=1) == "leaks":
            return min(growth, key=abs) / ROUNDS
    return 0


def _growth_of_tracked(act: Act) -> list[str]:
    def tracked() -> collections.Counter[str]:
        gc.collect()
        return collections.Counter(type(op).__name__ for op in gc.get_objects())

    for _ in range(3):
        quietly(act)
    readings = [tracked()]
    for _ in range(2):
        for _ in range(ROUNDS):
            quietly(act)
        readings.append(tracked())
    more = {name: _change_per_call([reading[name] for reading in readings]) for name in readings[-1]}
    more = {name: number for name, number in more.items() if number > 0}
    if not more:
        return []
    named = ", ".join(f"{number:g} {name}" for name, number in sorted(more.items()))
    return [f"each call leaves objects that are tracked: {named}"]


def _not_visited() -> list[str]:
    hashtable = importlib.import_module("hashtable")

    def hash_function(key: object) -> int:
        return 1

    key, value = object(), object()
    table = hashtable.HashTable(hash_func=hash_function).set(key, value)
    owned = {"HashTable": (table, {"its hash function": hash_function, "a key": key, "a value": value})}
    for op in (table.keys(), table.values(), table.items(), iter(table)):
        owned[type(op).__name__] = (op, {"its table": table})
    for op, things in owned.values():
        # An object of a heap type owns that, too.
        if type(op).__flags__ & 1 << 9:
            things["its type"] = type(op)
    seen = []
    for name, (op, things) in owned.items():
        visited = {id(thing) for thing in gc.get_referents(op)}
        seen += [f"a {name} does not show {what}" for what, thing in things.items() if id(thing) not in visited]
    return seen


def total(act: Act, names: Names) -> list[str]:
    """Compares the sum of all reference counts, which only a debug build of CPython keeps."""
    for _ in range(ROUNDS):
        quietly(act)
    readings = []
    for _ in range(4):
        gc.collect()
        readings.append(sys.gettotalrefcount())
        for _ in range(ROUNDS):
            quietly(act)
    change = _change_per_call(readings)
    return [f"the sum of all counts changes by {change:+g} with each call"] if change else []


def heap(act: Act, names: Names) -> list[str]:
    """Has psleak look at the heap. Python's own allocator must be switched off."""
    psleak = importlib.import_module("psleak")

    # The heap and mmap count; the size of the process is left out, as it wobbles by whole pages.
    tolerance = dict.fromkeys(("uss", "rss", "vms"), 2**62)
    case = psleak.MemoryLeakTestCase()
    checkers = psleak.Checkers.only("memory")
    try:
        case.execute(lambda: quietly(act), warmup_times=50, times=50, tolerance=tolerance, checkers=checkers)
    except psleak.MemoryLeakError as error:
        return [f"psleak: {' '.join(str(error).split())}"[:200]]
    return []


def ledger(act: Act, names: Names) -> list[str]:
    """Reads what the ledger of the traced build found."""
    hashtable = importlib.import_module("hashtable")

    since, _ = hashtable.ledger_position()
    for _ in range(ROUNDS):
        quietly(act)
    gc.collect()
    return _findings(hashtable.ledger_findings(since)) + _stored_and_not_visited(hashtable)


def _stored_and_not_visited(hashtable: Any) -> list[str]:
    """What the books say that an object owns, and its `tp_traverse` does not show."""
    seen: dict[str, None] = {}
    for op in gc.get_objects():
        if type(op).__module__ == hashtable.__name__:
            visited = {id(thing) for thing in gc.get_referents(op)}
            for file, line, address in hashtable.ledger_stored(op):
                if address not in visited:
                    seen[
                        f"{file}:{line}: unvisited: stored in a {type(op).__name__} that does not show it to the collector"
                    ] = None
    return list(seen)


def _findings(found: list[tuple[Any, ...]]) -> list[str]:
    seen: dict[str, None] = {}
    for kind, what, file, line, function, *_ in found:
        place = f"{file}:{line}: " if line else ""
        seen[f"{place}in {function}: {kind}: {what}"] = None
    return list(seen)


def faults(act: Act, names: Names) -> list[str]:
    """Makes every call that can fail do so, one at a time, and reads the ledger. What was raised must come out."""
    hashtable = importlib.import_module("hashtable")

    # What is raised in a `__del__` cannot come out, and is printed.
    unraisable: list[type[BaseException] | None] = []
    sys.unraisablehook = lambda error: unraisable.append(error.exc_type)
    quietly(act)
    gc.collect()
    since, _ = hashtable.ledger_position()
    seen = []
    for nth in range(1, MOST_FAULTS):
        raised: type[BaseException] | None = None
        print(FAULT, nth, file=sys.stderr)
        hashtable.ledger_fail(nth)
        try:
            act()
        except BaseException as error:
            raised = type(error)
        if hashtable.ledger_fail(None):
            break  # there were fewer such calls
        if raised is not MemoryError and MemoryError not in unraisable:
            what = raised.__name__ if raised else "nothing"
            seen.append(f"MemoryError was to be raised, and what came out was {what}")
        unraisable.clear()
    gc.collect()
    return _findings(hashtable.ledger_findings(since)) + sorted(set(seen))


def main() -> None:
    """Runs one observer with each of the scripts."""
    folder, observer, answer, *scripts = sys.argv[1:]
    sys.path[0] = folder
    _no_core_files()
    # What the traced build announces on other threads than this; what matters comes on standard error.
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if list(Path(folder).glob("hashtable_traced.*")):
        hashtable_traced = importlib.import_module("hashtable_traced")
        hashtable_traced.announce(False)
        sys.modules["hashtable"] = hashtable_traced
    seen = []
    for script in scripts:
        names: Names = {"__name__": "specimen"}
        exec(compile(Path(script).read_text(encoding="utf-8"), script, "exec"), names)
        seen.append(globals()[observer](names["act"], names))
    Path(answer).write_text(json.dumps(seen), encoding="utf-8")


def _no_core_files() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


if __name__ == "__main__":
    main()
