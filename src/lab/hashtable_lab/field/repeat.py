"""A plugin for pytest that runs each test again and again, and asks leakcheck whether anything grows with it. Runs in the child.

pytest knows hooks by their names, so nothing of pytest is imported here. When pytest has run a test and it has passed, this plugin
runs it again, with the fixtures that were made for it, in rounds, as `leakcheck` runs a statement. The meters and the rule are
leakcheck's own.

Where something grows, a second question is asked: does anything that the garbage collector can see hold what is new? A cache, a
registry or a list of results that Python code keeps grows as a leak does, but its references lie in a dict or a list that
`tp_traverse` shows. What an extension has lost lies nowhere. Such growth is `hidden`, and only that is called a leak.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hashtable_lab.leakcheck.census import Census, reachable
from hashtable_lab.leakcheck.measuring import Rounds, all_rounds, settle
from hashtable_lab.leakcheck.meters import Meter, type_name

#: A test that takes longer is not repeated.
LONGEST = 0.1

#: Calls in one of the first rounds: as many as take so many seconds, but at least and at most so many.
SECONDS_PER_ROUND, FEWEST, MOST = 0.01, 3, 10

#: Of a test with many parameters so many are repeated.
PARAMETERS = 3

#: Runs after which hidden growth is looked for, and how much of it in each run is called growth.
MORE, HALF = 10, 0.5

#: Of what grows in a test so much is looked at.
MOST_METERS = 6


class Again:
    """A test with its fixtures, as a statement that is repeated."""

    def __init__(self, item: Any) -> None:
        self.item, self.calls = item, 0
        self.names: dict[str, Any] = {}

    def run(self, times: int) -> None:
        """Runs the test so many times; it raises if the test fails."""
        for _ in range(times):
            self.item.runtest()
        self.calls += times


class Repeat:
    """The plugin.

    Args:
        log: a file to which a line of JSON is written for each test, so that what was seen outlives a crash.
        seconds: after so long no other test is repeated.
    """

    def __init__(self, log: str, seconds: float) -> None:
        self._log = open(log, "a", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
        self._until = time.monotonic() + seconds
        self._file: Path | None = None
        self._census: Census | None = None
        self._passed = ""

    def _say(self, **what: Any) -> None:
        self._log.write(json.dumps(what) + "\n")
        self._log.flush()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Of a test with many parameters keeps the first few."""
        kept, seen = [], dict[str, int]()
        for item in items:
            name = item.nodeid.partition("[")[0]
            seen[name] = seen.get(name, 0) + 1
            if seen[name] <= PARAMETERS:
                kept.append(item)
        self._say(tests=len(items), kept=len(kept))
        items[:] = kept

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keeps which test has passed, and says which has not."""
        if report.outcome == "failed":
            self._say(failed=report.nodeid)
        elif report.when == "call" and report.outcome == "passed":
            self._passed = report.nodeid

    def pytest_runtest_teardown(self, item: Any) -> None:
        """Repeats a test that has passed, before its fixtures go."""
        if item.nodeid != self._passed or time.monotonic() > self._until:
            return
        self._say(begun=item.nodeid)
        try:
            self._say(test=item.nodeid, **self._judge(item))
        except Exception as error:  # the test's own
            self._say(test=item.nodeid, why=f"fails when repeated: {type(error).__name__}")
        except BaseException as error:  # `pytest.skip` and its like, which are no `Exception`
            self._say(test=item.nodeid, why=f"ends in {type(error).__name__}")

    def pytest_sessionfinish(self) -> None:
        """Says that all tests had their turn."""
        self._say(end=time.monotonic() <= self._until)

    def _judge(self, item: Any) -> dict[str, Any]:
        again = Again(item)
        begun = time.perf_counter()
        again.run(1)
        seconds = time.perf_counter() - begun
        if seconds > LONGEST:
            return {"why": "takes too long"}
        again.run(2)
        if item.path != self._file or self._census is None:
            # What was imported for this file of tests is there now. Frozen, it costs no time when garbage is collected.
            gc.unfreeze()
            gc.collect()
            self._census = None
            self._file, self._census = item.path, Census([self])
            gc.freeze()
        times = max(FEWEST, min(MOST, int(SECONDS_PER_ROUND / max(seconds, 1e-6))))
        rounds = all_rounds(again, times, lambda done, what: None, self._census)
        leaking = [meter for meter, found in zip(rounds.meters, rounds.verdicts(last=True)) if found == "leaks"]
        grows = []
        if leaking:
            gc.unfreeze()
            grows = list(_look(again, rounds, leaking[:MOST_METERS]))
            gc.collect()
            gc.freeze()
        return {"runs": again.calls, "counted": rounds.counted, "grows": grows}


# ---- is what grows held by anything that can be seen? ----------------------------------------------------------------


def _look(again: Again, rounds: Rounds, leaking: Sequence[Meter]) -> Iterator[dict[str, Any]]:
    kinds = {meter.kind for meter in leaking}
    for meter in leaking:
        if meter.kind == "blocks" and "objects" in kinds:
            continue  # they are the blocks of these objects
        growth = rounds.growth(meter)[-4:]
        found: dict[str, Any] = {"kind": meter.kind, "name": meter.name}
        found["per_run"] = sum(growth) / sum(rounds.calls[-4:])
        if meter.kind == "reachable":
            things = {id(thing): thing for thing in rounds.census.objects}
            found["hidden"] = _hidden_references(again, things[int(meter.about["address"], 16)])
        elif meter.kind == "objects":
            types = _hidden_objects(again)
            found["name"], found["hidden"] = ", ".join(sorted(types)), float(sum(types.values()))
        else:
            found["hidden"] = _hidden_blocks(again)
        yield found


def _seen(wanted: Iterable[int]) -> dict[int, int]:
    """How many references to each of some objects lie where the collector can see them, by the objects' addresses.

    It does not track a dict or a tuple that holds only what makes no cycle, such as None and numbers: from others it gets there.
    """
    counts = dict.fromkeys(wanted, 0)
    for holder in reachable([]):
        for thing in gc.get_referents(holder):
            if id(thing) in counts:
                counts[id(thing)] += 1
        if type(holder) is dict:
            # A dict whose keys are all str does not show them.
            for key in holder:
                if id(key) in counts:
                    counts[id(key)] += 1
    return counts


def _hidden_references(again: Again, thing: object) -> float:
    """By how much the count of an object grows with each run, less the references that can be seen.

    An object has a reference to its type that the collector may not show: of a type, the number of its instances that are tracked
    is taken off as well.
    """

    def count() -> int:
        settle()
        instances = sum(type(other) is thing for other in gc.get_objects()) if isinstance(thing, type) else 0
        return sys.getrefcount(thing) - max(_seen([id(thing)])[id(thing)], instances)

    before = count()
    again.run(MORE)
    return (count() - before) / MORE


def _hidden_objects(again: Again) -> dict[str, float]:
    """Objects that are there after some runs, were not before, and have more references than can be seen: per run, by type."""
    settle()
    old = gc.get_objects()
    known = set(map(id, old))
    again.run(MORE)
    settle()
    new = [thing for thing in gc.get_objects() if id(thing) not in known and thing is not old and thing is not known]
    seen = _seen(map(id, new))
    found: dict[str, float] = {}
    for thing in new:
        # One is in `new`, which the collector sees as well; two are this name and the argument.
        if sys.getrefcount(thing) - seen[id(thing)] > 2:
            name = type_name(type(thing))
            found[name] = found.get(name, 0.0) + 1 / MORE
    return {name: rate for name, rate in found.items() if rate > HALF}


def _hidden_blocks(again: Again) -> float:
    """How many blocks of memory more there are after each run; 0 if there are more objects that can be reached as well.

    An object takes a block or more: a list has another one for its items.
    """

    def count() -> tuple[int, int]:
        settle()
        return sys.getallocatedblocks(), len(reachable([]))

    blocks, objects = count()
    again.run(MORE)
    more_blocks, more_objects = count()
    return 0.0 if more_objects - objects > HALF * MORE else (more_blocks - blocks) / MORE


def pytest_configure(config: Any) -> None:
    """Registers the plugin; `HASHTABLE_LAB_REPEAT` has what it is to do, as JSON."""
    config.pluginmanager.register(Repeat(**json.loads(os.environ["HASHTABLE_LAB_REPEAT"])))
