"""Threads at work on one table, in all the ways that may go wrong. What they saw must have an explanation.

A scenario runs in rounds, each with a new table and, mostly, a dozen calls of three or four threads at once. Of most scenarios the
calls and their answers are a history, for which history.py must find an order that explains it; of the others something else must
hold, which their first line says. After each round the table must be sound.

What is asked for is what a dict promises without the GIL: each call by itself happens at one moment. A walk through a table is
many calls, and so are `update` and `==`: for `update` it is asked that each pair by itself arrives at one moment, and for a walk
that it yields no pair twice, whichever thread takes the next step.
"""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from history import Event, explanation, shown, table
from hostile import assert_sound
from subject import NAME

THREADS = 3
CALLS_OF_A_THREAD = 4


def give_way() -> None:
    """Lets another thread go on."""
    time.sleep(0)


class Number:
    """A key that is hashed and compared in Python, or a value."""

    __slots__ = ("__weakref__", "number")

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        give_way()
        return isinstance(other, Number) and self.number == other.number

    def __hash__(self) -> int:
        return self.number % 2

    def __repr__(self) -> str:
        return f"n{self.number}"


class Slow:
    """A key that takes long to be compared, gives way to nobody meanwhile, and is equal to none."""

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        for _ in range(2000):
            pass
        return False


class Mortal(Number):
    """A value at whose end Python code runs."""

    __slots__ = ()
    __hash__ = Number.__hash__

    def __del__(self) -> None:
        give_way()


def hash_in_python(key: int) -> int:
    """A hash function that lets others run."""
    give_way()
    return key % 3


def perform(subject: Any, call: tuple[Any, ...]) -> Any:
    """Makes a call on a table. Returns its answer as history.py's model gives it."""
    name, *arguments = call
    if name == "in":
        return arguments[0] in subject
    if name == "len":
        return len(subject)
    if name == "copy":
        return tuple(subject.copy().items())
    if name == "pop":
        return subject.pop(arguments[0], None)
    if name == "popitem":
        try:
            return subject.popitem()
        except KeyError:
            return None
    answer = getattr(subject, name)(*arguments)
    return None if name == "set" else answer


def at_once(programs: list[Callable[[], None]], beside: list[Callable[[], None]]) -> None:
    """Runs programs in a thread each, all from one moment on, and others beside them again and again until they have ended."""
    barrier = threading.Barrier(len(programs) + len(beside))
    ended = threading.Event()
    raised: list[BaseException] = []

    def run(program: Callable[[], None]) -> None:
        barrier.wait()
        try:
            program()
        except BaseException as error:
            raised.append(error)

    def again(program: Callable[[], None]) -> None:
        barrier.wait()
        try:
            while not ended.is_set():
                program()
        except BaseException as error:
            raised.append(error)

    main = [threading.Thread(target=run, args=(program,)) for program in programs]
    side = [threading.Thread(target=again, args=(program,)) for program in beside]
    for thread in [*main, *side]:
        thread.start()
    for thread in main:
        thread.join()
    ended.set()
    for thread in side:
        thread.join()
    if raised:
        raise raised[0]


def without_the_gil() -> bool:
    """Whether threads run at the same time."""
    return not getattr(sys, "_is_gil_enabled", lambda: True)()


def has_counters() -> bool:
    """Whether readers get counters of their own: without the GIL, and not by the stable ABI, which hides the lock of an object."""
    return without_the_gil() and not NAME.startswith("hashtable_abi3")


def with_counters(tables: list[Any]) -> int:
    """Reads tables in one thread that another one has locked, until each has counters for its readers (ffi/readers.rs).

    Args:
        tables: without counters. Each has the key 0.

    Returns:
        How many bytes the counters of all take; 0 where there are none.
    """
    if not has_counters():
        return 0
    now = tables[:1]
    counters = 0

    def lock() -> None:
        nonlocal counters
        for now[0] in tables:
            size = sys.getsizeof(now[0])
            for _ in range(100_000):
                now[0].get(Slow())
                if sys.getsizeof(now[0]) > size:
                    break
            else:
                raise AssertionError("readers found a table locked, and it has no counters for them")
            counters += sys.getsizeof(now[0]) - size

    def read() -> None:
        # Without asking for the size, for which it would have to wait until the table is not locked.
        for _ in range(20):
            now[0].get(0)

    at_once([lock], [read])
    return counters


class Allocated(ctypes.Structure):
    """What `mallinfo2` returns."""

    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in NAMES.split(" "))


def allocated() -> int:
    """How many bytes `malloc` has given out, to C and to Rust: CPython without the GIL has its own memory elsewhere."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Allocated
    now = mallinfo()
    return now.uordblks + now.hblkhd


def malloc_tells() -> bool:
    """Whether `allocated` notices what is allocated. So it is with glibc's `malloc`, and not if a sanitizer has its own."""
    if not hasattr(ctypes.CDLL(None), "mallinfo2"):
        return False
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    before = allocated()
    memory = ctypes.c_void_p(library.malloc(100_000))
    after = allocated()
    library.free(memory)
    return after - before >= 100_000


class Scenario:
    """A scenario whose calls are a history. The others override `round`.

    Attributes:
        calls: the names of the calls that are made, as often as they stand here.
        keys: how many different keys.
        beside: what runs beside the calls, again and again.
    """

    calls: tuple[str, ...] = ("set", "pop", "get")
    keys = 2
    beside: tuple[Callable[[], None], ...] = ()
    #: Whether the threads wait for each other in a loop: then they run when they begin, each on a processor of its own.
    waits_busily = False
    #: More show nothing new.
    rounds_at_most = sys.maxsize

    def left_out(self) -> str:
        """Why there is nothing to be seen here, "" if there is."""
        return ""

    def key(self, number: int) -> Any:
        return number

    def value(self, number: int) -> Any:
        return number

    def make(self, kind: Any) -> Any:
        """A new table."""
        return kind(2, 1.0)

    def through(self, subject: Any) -> Any:
        """What the calls are made on: the table, or something that shows it."""
        return subject

    def programs(self, chance: random.Random) -> list[list[tuple[Any, ...]]]:
        """What each thread is to call."""
        numbers = iter(range(100, 10_000))
        return [
            [self.call(chance.choice(self.calls), chance, numbers) for _ in range(CALLS_OF_A_THREAD)]
            for _ in range(THREADS)
        ]

    def call(self, name: str, chance: random.Random, numbers: Iterator[int]) -> tuple[Any, ...]:
        key = self.key(chance.randrange(self.keys))
        if name in ("set", "setdefault"):
            return name, key, self.value(next(numbers))
        if name in ("len", "clear", "copy", "popitem"):
            return (name,)
        return name, key

    def perform(self, subject: Any, call: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
        """Makes a call. Returns the calls of the model that it amounts to, in no order, each with its answer."""
        return [(call, perform(subject, call))]

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        """A round with tables of this kind. Returns complaints."""
        subject = self.make(kind)
        start = tuple(subject.items())
        through = self.through(subject)
        history: list[Event] = []

        running: list[int] = []

        def run(thread: int, program: list[tuple[Any, ...]]) -> None:
            running.append(thread)
            while self.waits_busily and len(running) < len(programs):
                pass
            for call in program:
                began = time.perf_counter_ns()
                made = self.perform(through, call)
                ended = time.perf_counter_ns()
                history.extend(Event(thread, began, ended, part, answer) for part, answer in made)

        programs = self.programs(chance)
        at_once([lambda n=n, p=p: run(n, p) for n, p in enumerate(programs)], list(self.beside))  # type: ignore[misc]
        last = Event(THREADS, time.perf_counter_ns(), time.perf_counter_ns(), ("copy",), tuple(subject.items()))
        assert_sound(subject)
        if explanation([*history, last], table, start) is None:
            return [f"no order of the calls explains their answers:\n{shown([*history, last])}"]
        return []


class SetAndPop(Scenario):
    """The same keys come and go."""


class Growth(Scenario):
    """Tables of one bucket that double again and again, while others look up what was there before."""

    calls = ("set", "set", "set", "get", "in")
    keys = 12

    def make(self, kind: Any) -> Any:
        return kind(1, 1.0).set(0, 0)


class HashFunctionInPython(Scenario):
    """Every call runs Python code, and lets others run, before it looks."""

    calls = ("set", "pop", "get", "in", "setdefault")
    keys = 4

    def make(self, kind: Any) -> Any:
        return kind(2, 1.0, hash_in_python)


class EqualityInPython(Scenario):
    """Every lookup compares, and lets others run while it does."""

    calls = ("set", "pop", "get", "setdefault")
    keys = 3

    def key(self, number: int) -> Any:
        return Number(number)


class EndInPython(Scenario):
    """What is overwritten or removed has an end in Python, which lets others run."""

    calls = ("set", "set", "pop", "clear")

    def value(self, number: int) -> Any:
        return Mortal(number)


class CollectorRunning(Scenario):
    """The garbage collector looks at the table all the time."""

    calls = ("set", "pop", "clear", "copy")
    beside = (lambda: gc.collect(0) and None,)


class ClearAndLength(Scenario):
    """All pairs go at once, and nobody sees some of them."""

    calls = ("set", "clear", "len", "copy")
    keys = 4


class Setdefault(Scenario):
    """Of those that bring a default, one wins, and all are told which."""

    calls = ("setdefault", "setdefault", "setdefault", "pop")


class Popitem(Scenario):
    """Each pair is taken by one, the newest first."""

    calls = ("popitem", "popitem", "set", "len")
    keys = 6

    def make(self, kind: Any) -> Any:
        made = kind(2, 1.0)
        for number in range(5):
            made.set(number, number)
        return made


class TakenInARow(Scenario):
    """Two threads take pair after pair, until there is none: each pair is taken once, and the newest first."""

    waits_busily = True

    def make(self, kind: Any) -> Any:
        made = kind(2, 1.0)
        for number in range(160):
            made.set(number, number)
        return made

    def programs(self, chance: random.Random) -> list[list[tuple[Any, ...]]]:
        return [[("popitem",)] * 80 for _ in range(2)]


class Copies(Scenario):
    """A copy shows a table as it was at one moment."""

    calls = ("set", "set", "pop", "copy", "copy")
    keys = 5


class Update(Scenario):
    """Each pair of an update arrives at one moment; it is as many calls as it has pairs."""

    calls = ("update", "update", "pop", "get")
    keys = 3

    def call(self, name: str, chance: random.Random, numbers: Iterator[int]) -> tuple[Any, ...]:
        if name == "update":
            return name, {self.key(number): next(numbers) for number in chance.sample(range(self.keys), 2)}
        return super().call(name, chance, numbers)

    def perform(self, subject: Any, call: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
        if call[0] != "update":
            return super().perform(subject, call)
        subject.update(call[1])
        return [(("set", key, value), None) for key, value in call[1].items()]


class ViewShared(Scenario):
    """Some change the table, others look through one view of it."""

    calls = ("len", "in", "set", "pop")
    keys = 3

    def make(self, kind: Any) -> Any:
        self.subject = kind(2, 1.0)
        return self.subject

    def through(self, subject: Any) -> Any:
        return subject.keys()

    def perform(self, subject: Any, call: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], Any]]:
        return super().perform(subject if call[0] in ("len", "in") else self.subject, call)


class IteratorShared(Scenario):
    """Several threads take the steps of one iterator: each pair is yielded once, to one of them."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        subject = kind(4, 1.0)
        for number in range(40):
            subject.set(number, -number)
        walk = iter(chance.choice([subject.items, lambda: subject, subject.values, lambda: reversed(subject)])())
        seen: list[Any] = []
        at_once([lambda: seen.extend(walk) for _ in range(THREADS)], [])
        found = sorted(abs(step[0] if isinstance(step, tuple) else step) for step in seen)
        return [] if found == list(range(40)) else [f"the steps of one iterator, in three threads: {found}"]


class WeakReferences(Scenario):
    """A weak reference gives the table or None; after None never the table again; and what it gives is of use."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        owner = [kind(2, 1.0).set(1, 1)]
        reference = weakref.ref(owner[0])
        complaints: list[str] = []

        def look() -> None:
            gone = False
            for _ in range(20):
                found = reference()
                if found is None:
                    gone = True
                elif gone:
                    complaints.append("a table came back")
                elif found.get(1) != 1:
                    complaints.append("a table had lost its pair")
                del found

        at_once([look, look, owner.clear], [])
        gc.collect()
        return [*complaints, *(["the table is still alive"] if reference() is not None else [])]


class TableDropped(Scenario):
    """The last name of a table goes while others use it by a method, a view or an iterator: what they use stays whole."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        subject = kind(4, 1.0)
        values = [Number(number) for number in range(20)]
        references = [weakref.ref(value) for value in values]
        for number, value in enumerate(values):
            subject.set(number, value)
        del values, value
        complaints: list[str] = []
        get, view, walk = subject.get, subject.items(), iter(subject.values())
        owner = [subject]
        del subject

        def by_method(get: Any = get) -> None:
            complaints.extend("a pair was lost" for number in range(20) if get(number) is None)

        def by_view(view: Any = view) -> None:
            if len(list(view)) != 20:
                complaints.append("a view has lost pairs")

        def by_iterator(walk: Any = walk) -> None:
            if len(list(walk)) != 20:
                complaints.append("an iterator has lost pairs")

        programs = [by_method, by_view, by_iterator, owner.clear]
        del get, view, walk
        at_once(programs, [])
        del by_method, by_view, by_iterator, programs
        gc.collect()
        alive = sum(reference() is not None for reference in references)
        return [*complaints, *([f"{alive} values are still alive"] if alive else [])]


class TwoTables(Scenario):
    """Two tables read and fill each other: nobody waits for ever, and both end with all pairs."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        one, two = kind(2, 1.0), kind(2, 1.0)
        for number in range(8):
            one.set(number, number)
            two.set(100 + number, number)

        def into(target: Any, source: Any) -> None:
            # A source that changes meanwhile is noticed; then it is tried again.
            for _ in range(1000):
                try:
                    target.update(source)
                    target |= source
                    return
                except RuntimeError:
                    give_way()

        at_once([lambda: into(one, two), lambda: into(two, one), lambda: one == two and None], [])
        assert_sound(one)
        assert_sound(two)
        missing = [key for key in (*range(8), *range(100, 108)) if key not in one or key not in two]
        return [f"two tables that were put into each other lack {missing}"] if missing else []


class UpdateFromAChangingDict(Scenario):
    """An update from a dict that others change: an error that says so, or pairs that were once in the dict."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        subject, source = kind(1, 1.0), {number: [number] for number in range(10)}

        def change() -> None:
            for number in range(10, 40):
                source[number] = [number]
                source.pop(number - 10, None)

        def take() -> None:
            for _ in range(10):
                try:
                    subject.update(source)
                except RuntimeError as error:
                    if "mutated during update" not in str(error) and "changed" not in str(error):
                        raise

        at_once([change, take, take], [])
        assert_sound(subject)
        wrong = [(key, value) for key, value in subject.items() if value != [key]]
        return [f"pairs that never were in the dict: {wrong}"] if wrong else []


class MadeAnew(Scenario):
    """`__init__` empties the table and changes how it hashes, under those that look up."""

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        subject = kind(4, 1.0)

        def anew() -> None:
            for number in range(10):
                subject.__init__(1 + number, 1.0, chance.choice([hash, hash_in_python]))

        def use() -> None:
            for number in range(10):
                subject.set(number, number)
                if subject.get(number) not in (None, number):
                    raise AssertionError("the value of another key")
                subject.pop(number, None)

        at_once([anew, use, use], [])
        assert_sound(subject)
        return []


class ReadersAndWriters(Scenario):
    """Two threads read, with counters of their own, and two change the table: no key is lost, no value older than one before."""

    #: How often each writer sets a value; they are no small ints, which CPython keeps.
    numbers = range(10**6, 10**6 + 200)
    subject: Any = None

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        if self.subject is None:
            self.subject = kind(1, 1.0).set(0, 0)
            with_counters([self.subject])
        # As small as it was made, so that it grows anew. It keeps its counters.
        self.subject.clear()
        subject = self.subject.set(0, self.numbers[0]).set(1, self.numbers[0])
        complaints: list[str] = []

        def reader() -> Callable[[], None]:
            newest = [self.numbers[0]] * 2

            def read() -> None:
                for key in (0, 1):
                    seen = subject.get(key)
                    if key not in subject or seen is None:
                        complaints.append(f"the key {key} was lost")
                    elif type(seen) is not int or not newest[key] <= seen <= self.numbers[-1]:
                        complaints.append(f"{seen!r} was seen after {newest[key]}")
                    else:
                        newest[key] = seen

            return read

        def write(key: int) -> None:
            for number in self.numbers:
                subject.set(key, number)
                # Others come, so that the table grows, and go.
                subject.set(2 * number + key, number)
                if number % 4:
                    subject.pop(2 * number + key)

        at_once([lambda: write(0), lambda: write(1)], [reader(), reader()])
        assert_sound(subject)
        stayed = {2 * number + key: number for key in (0, 1) for number in self.numbers if number % 4 == 0}
        if dict(subject.items()) != {0: self.numbers[-1], 1: self.numbers[-1], **stayed}:
            complaints.append("the table has not what was set last")
        return complaints[:1]


class CountersFreed(Scenario):
    """The counters of a table's readers are freed with the table: `malloc` has as much as before."""

    rounds_at_most = 2
    tables = 30
    warm = False

    def left_out(self) -> str:
        if not has_counters():
            return "with the GIL, and by the stable ABI, readers have no counters"
        return "" if malloc_tells() else "malloc does not tell how much it has given out"

    def made_and_dropped(self, kind: Any) -> int:
        """Makes tables with counters and drops them. Returns how many bytes the counters took."""
        tables = [kind(1, 1.0).set(0, 0) for _ in range(self.tables)]
        counters = with_counters(tables)
        del tables
        gc.collect()
        return counters

    def round(self, kind: Any, chance: random.Random) -> list[str]:
        if not self.warm:
            # What threads allocate once and keep.
            self.made_and_dropped(kind)
            self.warm = True
        before = allocated()
        counters = self.made_and_dropped(kind)
        more = allocated() - before
        return (
            [f"{self.tables} tables, {counters} bytes of counters, {more} were not freed"]
            if more > counters // 2
            else []
        )


SCENARIOS = {
    kind.__name__: kind
    for kind in (
        SetAndPop, Growth, HashFunctionInPython, EqualityInPython, EndInPython, CollectorRunning, ClearAndLength, Setdefault,
        Popitem, TakenInARow, Copies, Update, ViewShared, IteratorShared, WeakReferences, TableDropped, TwoTables,
        UpdateFromAChangingDict, MadeAnew, ReadersAndWriters, CountersFreed,
    )
}  # fmt: skip


def left_out(name: str) -> str:
    """Why a scenario has nothing to see here, "" if it has."""
    return SCENARIOS[name]().left_out()


def run(name: str, kind: Any, rounds: int, seed: int = 0) -> list[str]:
    """Runs a scenario.

    Args:
        name: of one of `SCENARIOS`.
        kind: the type of the tables.
        rounds: how many rounds; they end with the first complaint.
        seed: decides what is called.

    Returns:
        Complaints, none if all is well.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        scenario, chance = SCENARIOS[name](), random.Random(seed)
        for number in range(min(rounds, scenario.rounds_at_most)):
            complaints = scenario.round(kind, chance)
            if complaints:
                return [f"{name}, round {number}: {complaint}" for complaint in complaints]
        return []
    finally:
        sys.setswitchinterval(interval)


# ---- the negative control ------------------------------------------------------------------------------------------------


def torn(kind: Any) -> Any:
    """A type of tables whose calls happen at two moments, between which others may come in."""

    class Torn(kind):  # type: ignore[misc]
        def pop(self, key: Any, default: Any = None) -> Any:
            value = super().get(key, default)
            give_way()
            super().pop(key, None)
            return value

        def setdefault(self, key: Any, default: Any = None) -> Any:
            if key not in self:
                give_way()
                self.set(key, default)
            return self.get(key)

        def popitem(self) -> Any:
            for key in reversed(self.copy()):
                value = super().get(key)
                give_way()
                super().pop(key, None)
                return key, value
            raise KeyError

        def clear(self) -> None:
            for key in self.copy():
                give_way()
                super().pop(key, None)

    return Torn
