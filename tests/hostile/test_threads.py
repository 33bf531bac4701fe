"""Several threads on one table, with hash functions and comparisons that let the other threads run.

Under the GIL one thread runs at a time, and gives way only between two instructions of Python, or when a call waits. So a table
can change under a call in exactly the places at which Python code can run; here another thread changes it, not the code
that was called. Every test does a fixed amount of work, however long that takes.
"""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import random
import sys
import threading
import time

import pytest
from hostile import assert_sound
from subject import HashTable

WORKERS = 4


@pytest.fixture(autouse=True)
def restless():
    """Threads give way as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def give_way():
    """Releases the GIL, so that another thread can go on."""
    time.sleep(0)


def at_once(*functions):
    """Runs functions in a thread each, all from the same moment on. Returns what they raised."""
    raised = []
    start = threading.Barrier(len(functions))

    def run(function):
        start.wait()
        try:
            function()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


class Key:
    """A key that lets others run when it is hashed and when it is compared."""

    def __init__(self, name, number):
        self.name = name
        self.number = number

    def __hash__(self):
        give_way()
        return self.number

    def __eq__(self, other):
        give_way()
        return isinstance(other, Key) and self.name == other.name

    def __repr__(self):
        give_way()
        return str(self.name)


def patient(call):
    """Makes a call again if the others left it no peace for so long that it gave up."""
    while True:
        try:
            return call()
        except RuntimeError as error:
            assert str(error) == "HashTable kept changing during a lookup"


def hash_by_name(key):
    give_way()
    return key.number


@pytest.mark.parametrize("hash_func", [hash, hash_by_name], ids=["__hash__", "hash_func"])
@pytest.mark.parametrize("chains", [1, 16])
def test_every_thread_finds_what_it_has_put_in(hash_func, chains):
    """Each thread has keys of its own, in the same chains as the others', and a dict that says what must be in the table."""
    table = HashTable(2, 1.0, hash_func)
    models = [{} for _ in range(WORKERS)]

    def worker(number):
        dice = random.Random(number)
        model = models[number]
        for step in range(60):
            name = (number, dice.randrange(6))
            key = Key(name, name[1] % chains)
            what = dice.randrange(6)
            if what < 3:
                patient(lambda: table.set(key, (name, step)))
                model[name] = (name, step)
            elif what == 3:
                assert patient(lambda: table.pop(key, None)) == model.pop(name, None)
            elif what == 4:
                assert patient(lambda: table.setdefault(key, (name, step))) == model.setdefault(name, (name, step))
            else:
                assert patient(lambda: table.get(key)) == model.get(name)

    assert at_once(*(lambda number=number: worker(number) for number in range(WORKERS))) == []
    together = {name: value for model in models for name, value in model.items()}
    assert {key.name: value for key, value in table.items()} == together
    assert len(table) == len(together)
    assert_sound(table)


def test_threads_that_overthrow_everything():
    """Some threads read, while others clear the table, make it anew, exchange its content, and make it grow."""
    table = HashTable(2, 1.0, hash_by_name)
    keys = [Key(number, number % 3) for number in range(12)]
    state = HashTable(4, 0.5, hash).set(keys[0], "from a state").__reduce__()[2]
    upheavals = [
        lambda: table.clear(),
        lambda: table.__init__(3, 0.9, hash_by_name),
        lambda: table.__init__(5, 1.0, hash),
        lambda: table.__setstate__(state),
        lambda: [table.set(key, "grown") for key in keys],
        lambda: table.popitem(),
        lambda: table.update(dict.fromkeys(keys, "updated")),
        lambda: table.update(table.copy()),
    ]
    seen = set()

    def upset(seed):
        dice = random.Random(seed)
        for _ in range(60):
            try:
                dice.choice(upheavals)()
            except KeyError:
                pass
            except RuntimeError as error:
                assert str(error) in ("HashTable kept changing during a lookup", "HashTable mutated during update")

    def read(seed):
        dice = random.Random(seed)
        for _ in range(100):
            try:
                key = dice.choice(keys)
                seen.update([table.get(key), table.setdefault(key, "set")])
                assert len(list(table)) >= 0
                f"{table:full}"
                sum(map(len, table.buckets()))
                table.__eq__(table)
                (key, "grown") in table.items()  # noqa: B015
            except RuntimeError as error:
                assert str(error).startswith("HashTable ")

    workers = [lambda seed=seed: upset(seed) for seed in range(2)] + [
        lambda seed=seed: read(seed) for seed in range(2, 4)
    ]
    assert at_once(*workers) == []
    assert seen - {None} <= {"from a state", "grown", "updated", "set"}
    assert_sound(table)


def test_a_walk_while_others_add_and_remove():
    """It ends, or says that the table has changed; and what it yields was in the table."""
    table = HashTable(2, 1.0, hash_by_name)
    permanent = [Key(("permanent", number), number) for number in range(8)]
    for key in permanent:
        table[key] = key.name
    finished = []

    def walk():
        for _ in range(60):
            try:
                for key, value in table.items():
                    give_way()
                    assert key.name == value
                finished.append(True)
            except RuntimeError as error:
                assert str(error) == "HashTable changed size during iteration"

    def change():
        for number in range(60):
            key = Key(("passing", number), number % 8)
            patient(lambda: table.set(key, key.name))
            patient(lambda: table.pop(key))

    assert at_once(walk, walk, change) == []
    assert list(table) == permanent
    assert_sound(table)


@pytest.mark.parametrize("walk_of", ["keys", "items", "reversed"])
def test_threads_that_share_an_iterator(walk_of):
    """Together they get every pair, and none twice."""
    table = HashTable()
    for number in range(2000):
        table[number] = str(number)
    walk = reversed(table) if walk_of == "reversed" else iter(getattr(table, walk_of)())
    parts = [[] for _ in range(WORKERS)]

    def take(part):
        for one in walk:
            part.append(one)
            if len(part) % 50 == 0:
                give_way()

    assert at_once(*(lambda part=part: take(part) for part in parts)) == []
    together = sorted(one for part in parts for one in part)
    assert together == (list(table.items()) if walk_of == "items" else list(range(2000)))


def test_threads_that_take_everything_out():
    """Every pair is taken out once, by whomever."""
    table = HashTable()
    for number in range(2000):
        table[number] = str(number)
    taken = [[] for _ in range(WORKERS)]

    def take(part):
        while True:
            try:
                part.append(table.popitem())
            except KeyError:
                return

    assert at_once(*(lambda part=part: take(part) for part in taken)) == []
    assert sorted(pair for part in taken for pair in part) == [(number, str(number)) for number in range(2000)]
    assert len(table) == 0
    assert_sound(table)


def test_threads_that_add_the_same_keys():
    """The thread that comes first adds the pair: a key is never there twice, and `setdefault` gives all threads the same value."""
    table = HashTable(1, 1.0, hash_by_name)
    got = [[] for _ in range(WORKERS)]

    def add(number):
        for name in range(25):
            got[number].append(patient(lambda: table.setdefault(Key(name, name % 5), object())))

    assert at_once(*(lambda number=number: add(number) for number in range(WORKERS))) == []
    assert got[0] == got[1] == got[2] == got[3]
    assert [key.name for key in sorted(table, key=lambda key: key.name)] == list(range(25))
    assert_sound(table)


def test_a_table_that_goes_while_another_thread_looks_into_it():
    """The thread that is in the middle of a call keeps the table until the call is done."""
    for _ in range(20):
        box = [HashTable(2, 1.0, hash_by_name)]
        for number in range(4):
            box[0][Key(number, 0)] = number

        def look(box=box):
            try:
                return box[0].get(Key(9, 0), "none") == "none"
            except IndexError:
                return None

        assert at_once(look, look, box.clear) == []
