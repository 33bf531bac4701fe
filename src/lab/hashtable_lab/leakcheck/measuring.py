"""What `leakcheck` does in its child: runs a statement again and again, and reads meters. The method, in plain words:

**What is read.** Before and after a round of calls, and after the cyclic garbage collector has run (a cycle is garbage,
not a leak):

* *objects*: how many objects the garbage collector tracks. Containers and instances are tracked; ints, strings and a
  bare `object()` are not.
* *blocks*: `sys.getallocatedblocks()`, all memory blocks of up to 512 bytes that CPython's own allocator has given out:
  every small object, tracked or not.
* *counts*: the reference count of each object that the setup has named, and of what the modules among them hold by
  name. These are the statement's arguments. An extension that forgets a DECREF on an argument allocates nothing: only
  the count tells. Immortal objects are left out, as their count never moves.
* *the census*: the reference counts of all other objects that can be reached, some ten thousand in a bare interpreter;
  `census` says how. They are read in the first rounds; those that have moved join the meters for the rest.
* *lengths*: of the lists, dicts, sets, deques and bytearrays among the names. One that grows for ever is a leak, even
  if what it holds is immortal and takes no block.
* *references*: `sys.gettotalrefcount()`, which only a debug build of CPython has.
* *the heap*, in a second child: all memory that malloc has given out, also to C and Rust code that goes past CPython's
  allocator. That is measured by psleak (https://github.com/giampaolo/psleak), by its own rule and not by the one below.
  It takes up to 16 bytes per call for noise, so that a leak in one call of ten shows in the other meters only.

**When growth is a leak.** A leak has one mark that nothing else has: it grows *in proportion to the number of calls*,
for ever. Everything below is there to tell it from growth that ends.

1. *Warm-up*: some calls that are not measured. Imports, free lists, inline caches and small caches fill here.
2. *Five rounds of N calls*. N is 2000, or fewer if the statement is slow: as many as take half a second, but at least
   100. A meter that has not gained `LIMIT` per call over all five, 1 per 500 calls, is steady. The reason: readings
   wobble by some dozen, as free lists fill and empty, whatever N is; a leak of one object in ten calls shows as 200
   in a round. What leaks more rarely than once in 500 calls is not found.
   If all meters are steady, that is the end: clean.
3. *Rounds of 2 N, 4 N, 8 N, 16 N calls* otherwise. Noise stays as large as it was, so that its rate is halved each
   time; a leak's rate does not change. A cache fills up: its rate goes to nothing. A buffer that is emptied now and
   then (a list that is appended to and cleared, an amortised resize) falls back: its growth is negative in some round.
   Of the last four rounds, a meter is
     - *steady* if it did not grow in one of them, or gained less than `LIMIT` per call over all;
     - *leaking* if the growth of each is the median rate times its number of calls, within 20 per cent (`PROPORTION`)
       and three times the square root (what chance does to a thing that happens so often). Why 20: noise or a cache
       that fills within these rounds is off by half or more.
     - *undecided* otherwise; then up to three more rounds follow, each of twice the calls. If it is undecided still,
       but its rate has fallen to half or less, it *fades*: growth that slows down is a cache. Else the answer is:
       could not tell.

So a cache is not taken for a leak as long as it has room for no more than some 30 N entries (60 000 for N = 2000; the
largest in the standard library has 32 768). With a slow statement N is small: the report says how many calls were made.

**Naming what leaks.** If objects leak, another round counts them by type; if blocks leak, another one runs under
tracemalloc, which tells the size and the line of Python code during which they were allocated. Both only name: the
verdict is made before.

**What falls.** A count that *falls* in proportion to the calls is no leak. Either the statement uses up what the setup
has laid in, which can hide a leak, or a reference is given back by somebody who does not own it. It is reported, and
the answer is: could not tell.
"""

from __future__ import annotations

import gc
import importlib
import sys
import time
from array import array
from pathlib import Path
from typing import Any, Protocol

from hashtable_lab.children.questions import CannotAnswer, Tell, answer, describe
from hashtable_lab.leakcheck.census import Census
from hashtable_lab.leakcheck.meters import Meter, arguments, meters, type_name
from hashtable_lab.leakcheck.rule import DOUBLED_ROUNDS, FIRST_ROUNDS, LIMIT, MOST_DOUBLED_ROUNDS, verdict
from hashtable_lab.leakcheck.statement import Statement

#: When what leaks is named, from a single round, smaller growth than this is ignored.
WOBBLE = 10

#: Calls in one of the first rounds.
MOST_CALLS, FEWEST_CALLS, SECONDS_PER_ROUND = 2000, 100, 0.5

#: What these files allocate is not the statement's.
_HERE = str(Path(__file__).parent)


def settle() -> None:
    """Frees what is garbage, and the names that the interpreter keeps in its cache of looked-up methods.

    That cache has 4096 places. A statement that makes a class and uses it fills one of them in each call, with a reference to the
    name of the method: where there are few calls, that looks like a leak.
    """
    gc.collect()
    gc.collect()  # what a finalizer of the first collection released
    # CPython 3.13 has another name for it.
    clear = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        clear()


class Repeated(Protocol):
    """What can be run again and again; `names` are those whose objects' counts and lengths are watched."""

    names: dict[str, Any]
    calls: int

    def run(self, times: int) -> None:
        """Runs it so many times."""


class Rounds:
    """Runs rounds of calls and keeps what the meters showed.

    Attributes:
        calls: how many calls each round had.
        meters: what is read after each round. After the first rounds, the objects whose counts have moved join them.
        counted: how many objects the census counts.
    """

    def __init__(self, statement: Repeated, tell: Tell, census: Census | None = None) -> None:
        """Reads everything for the first time.

        Args:
            statement: what is run.
            tell: is called with the progress.
            census: of which objects; None: of all that can be reached now, but for those that have a name.
        """
        self.statement, self.tell = statement, tell
        self.moments = 1 + FIRST_ROUNDS + MOST_DOUBLED_ROUNDS
        self.meters = meters(statement.names, self.moments)
        # No list: each number in it would be one reference more, and a debug build counts them all.
        self.calls = array("q")
        # What has a name is among the meters already.
        self.census = census or Census(arguments(statement.names).values())
        self.counted = len(self.census.objects)
        self._read(0)

    def _read(self, moment: int) -> None:
        settle()
        for meter in self.meters:
            meter.readings[moment] = meter.read()
        if moment <= FIRST_ROUNDS:
            self.census.read(moment)
        if moment == FIRST_ROUNDS:
            self.meters += self.census.suspects(sum(self.calls), self.moments)

    def round(self, times: int, done: float, until: float) -> None:
        """Runs one round and reads the meters.

        Args:
            times: the number of calls.
            done, until: how much of all is done before and after this round, 0 to 1.
        """
        slices = 10
        for part in range(slices):
            self.tell(done + (until - done) * part / slices, f"round {len(self.calls) + 1}, of {times} calls")
            self.statement.run(times * (part + 1) // slices - times * part // slices)
        self.calls.append(times)
        self._read(len(self.calls))

    def growth(self, meter: Meter) -> list[int]:
        """What a meter gained in each round."""
        shown = meter.readings[: len(self.calls) + 1]
        return [later - earlier for earlier, later in zip(shown, shown[1:])]

    def verdicts(self, last: bool) -> list[str]:
        """What each meter's readings amount to."""
        return [verdict(self.growth(meter), self.calls, last) for meter in self.meters]


def warm_up(statement: Statement, calls: int | None, tell: Tell) -> int:
    """Makes the first calls, and finds out how many calls a round should have.

    Args:
        statement: what to run.
        calls: how many the reader wants; None leaves it to the time that they take.
        tell: is called with the progress.

    Returns:
        The number of calls in a round.
    """
    tell(0.0, "warming up")
    times = 1
    while True:
        began = time.perf_counter()
        statement.run(times)
        seconds = time.perf_counter() - began
        if seconds > SECONDS_PER_ROUND / 4 or times >= MOST_CALLS:
            break
        times *= 2
    if calls is None:
        calls = max(FEWEST_CALLS, min(MOST_CALLS, int(times * SECONDS_PER_ROUND / max(seconds, 1e-9))))
    statement.run(calls)
    return calls


def all_rounds(statement: Repeated, times: int, tell: Tell, census: Census | None = None) -> Rounds:
    """Runs as many rounds as it takes to tell.

    Args:
        statement: what to run; it is warm.
        times: the number of calls in one of the first rounds.
        tell, census: as for `Rounds`.
    """
    rounds = Rounds(statement, tell, census)
    for number in range(FIRST_ROUNDS):
        rounds.round(times, number / FIRST_ROUNDS, (number + 1) / FIRST_ROUNDS)
    for number in range(MOST_DOUBLED_ROUNDS):
        last = number >= DOUBLED_ROUNDS
        if "undecided" not in rounds.verdicts(last=False):
            break
        planned = 2 ** (MOST_DOUBLED_ROUNDS if last else DOUBLED_ROUNDS)
        rounds.round(times * 2 ** (number + 1), (2**number - 1) / planned, (2 ** (number + 1) - 1) / planned)
    return rounds


def measure(question: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Runs a statement in rounds and says what each meter did.

    Args:
        question: `setup`, `statement`, `function` (a module and a path, or None) and `calls` (a number, or None).
        tell: is called with the progress.

    Returns:
        `calls` (per round), `total_calls`, `meters` (of each its kind, name, verdict, growth per round, and growth per
        call in the last rounds; of those of the census also type, value and address), `counted` (how many objects the
        census counts), `types` and `lines` (what leaks, where it can be known).
    """
    statement = Statement(question["setup"], question["statement"], question["function"])
    times = warm_up(statement, question["calls"], tell)
    rounds = all_rounds(statement, times, tell)
    verdicts = rounds.verdicts(last=True)
    shown = []
    for meter, found in zip(rounds.meters, verdicts):
        growth = rounds.growth(meter)
        recent = slice(-DOUBLED_ROUNDS, None)
        shown.append(
            {
                "kind": meter.kind,
                "name": meter.name,
                "verdict": found,
                "growth": growth,
                "per_call": sum(growth[recent]) / sum(rounds.calls[recent]),
                **meter.about,
            }
        )
    leaking = {meter["kind"] for meter in shown if meter["verdict"] == "leaks"}
    return {
        "calls": list(rounds.calls),
        "total_calls": statement.calls,
        "meters": shown,
        "counted": rounds.counted,
        "types": _types(statement, times, tell) if "objects" in leaking else [],
        "lines": _lines(statement, times, tell) if "blocks" in leaking else [],
    }


# ---- naming what leaks -----------------------------------------------------------------------------------------------


def _histogram() -> dict[type, int]:
    gc.collect()
    found: dict[type, int] = {}
    for thing in gc.get_objects():
        found[type(thing)] = found.get(type(thing), 0) + 1
    return found


def _types(statement: Statement, times: int, tell: Tell) -> list[dict[str, Any]]:
    """Which types have more objects, after a round, than before it: the type's name and how many per call."""
    tell(1.0, "counting objects by type")
    before = _histogram()
    statement.run(times)
    after = _histogram()
    gains = {kind: count - before.get(kind, 0) for kind, count in after.items()}
    least = max(LIMIT * times, WOBBLE)
    found = [{"type": type_name(kind), "per_call": gain / times} for kind, gain in gains.items() if gain >= least]
    return sorted(found, key=lambda row: -row["per_call"])


def _lines(statement: Statement, times: int, tell: Tell) -> list[dict[str, Any]]:
    """During which lines of Python code the blocks were allocated that a round leaves behind."""
    import tracemalloc

    tell(1.0, "looking where blocks are allocated")
    tracemalloc.start()
    statement.run(times)
    gc.collect()
    snapshot = tracemalloc.take_snapshot()
    tracemalloc.stop()
    found: list[dict[str, Any]] = []
    for line in snapshot.statistics("lineno"):
        frame = line.traceback[0]
        if line.count >= max(LIMIT * times, WOBBLE) and not frame.filename.startswith(_HERE):
            place = f"line {frame.lineno} of {frame.filename.strip('<>')}"
            found.append({"place": place, "per_call": line.count / times, "bytes_per_call": line.size / times})
    return sorted(found, key=lambda row: -row["per_call"])[:5]


# ---- the heap --------------------------------------------------------------------------------------------------------


def measure_heap(question: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Lets psleak judge the heap. CPython's allocator must have been switched off (PYTHONMALLOC=malloc).

    Args:
        question: as for `measure`; `calls` is a number; `warm_up`, how many calls to make before.
        tell: is called with the progress.

    Returns:
        `verdict` ("leaks" or "steady") and `bytes_per_call`; or `not_measured`, the reason why.
    """
    statement = Statement(question["setup"], question["statement"], question["function"])
    try:
        psleak = importlib.import_module("psleak")
        psutil = importlib.import_module("psutil")
    except ImportError as error:
        return {"not_measured": f"the package psleak is needed for it: {describe(error)}"}
    if not hasattr(psutil, "heap_info") or psutil.heap_info().heap_used == 0:
        return {"not_measured": "psutil cannot read the heap of this system"}
    times = question["calls"]
    # psleak makes up to ten rounds, each half as large again as the one before: 113 times the first. With a third of
    # our N in the first, it is as patient as we are.
    first = max(times // 3, 20)
    limit = 113 * first + question["warm_up"]

    def once() -> None:
        statement.run(1)
        if statement.calls % first == 0:
            tell(min(statement.calls / limit, 1.0), "the heap")

    # Heap and mmap count; the resident and virtual size of the process are left out, as they wobble by whole pages.
    far_too_much = 2**62
    tolerance = {"uss": far_too_much, "rss": far_too_much, "vms": far_too_much}
    case = psleak.MemoryLeakTestCase()
    try:
        case.execute(
            once,
            warmup_times=question["warm_up"],
            times=first,
            tolerance=tolerance,
            checkers=psleak.Checkers.only("memory"),
        )
        found = "steady"
    except psleak.MemoryLeakError:
        found = "leaks"
    except CannotAnswer:
        raise
    except BaseException as error:
        return {"not_measured": f"psleak gave up: {describe(error)}"}
    before = _heap_used(psutil)
    statement.run(times)
    return {"verdict": found, "bytes_per_call": (_heap_used(psutil) - before) / times}


def _heap_used(psutil: Any) -> int:
    gc.collect()
    psutil.heap_trim()
    heap = psutil.heap_info()
    return int(heap.heap_used + heap.mmap_used)


if __name__ == "__main__":
    answer(lambda question, tell: (measure_heap if question["heap"] else measure)(question, tell))
