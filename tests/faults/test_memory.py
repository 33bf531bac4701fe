"""Out of memory: MemoryError, the table as it was, nothing leaked, and the table of use afterwards.

scarcity.py makes the calls of the registry, and refuses each request for memory once: Python's requests in a child, where
`_testcapi` is at hand; those for the table's own arrays in the traced module, which has a switch for that. And there is a child
that may not have more memory than so much, in which nothing is refused that is not really too much.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
import sysconfig

import pytest
import scarcity
import subject
from hostile import assert_sound, quick_collections  # noqa: F401  (a fixture that is used by itself)

#: One child refuses memory for all of them, and it runs once.
pytestmark = pytest.mark.xdist_group("memory")

# These never ask Python for memory, no more than `len` does: with keys that are hashed and compared in C, to look up and to change
# is up to the table alone.
FRUGAL = [
    "native.set(number, other)",
    "native.setdefault('five', other)",
    "native.get(number, other)",
    "native['one'] = other",
    "native.pop('one')",
    "table.clear()",
]


# ---- Python's memory -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refused_by_python(child):
    """What scarcity.py says of each call: how often MemoryError was raised, and complaints."""
    if importlib.util.find_spec("_testcapi") is None:
        pytest.skip("this CPython comes without _testcapi, which refuses memory")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        # PyList_New of 3.14.4 gives the new list back when its array is refused, and frees the array that it has not set yet.
        pytest.skip("without the GIL CPython itself frees what is not its own when a list gets no memory")
    ending = child(scarcity.__file__)
    lines = [json.loads(line) for line in ending.stdout.splitlines()]
    assert ending.returncode == 0, f"the child ended with {ending.returncode} in the call {lines[-1]}: {ending.stderr}"
    return {line[0]: line[1:] for line in lines}


@pytest.mark.parametrize("statement", scarcity.CALLS)
def test_python_has_no_memory(refused_by_python, statement):
    if statement not in refused_by_python:
        pytest.skip("a debug build of CPython aborts here, without a table too")
    failures, complaints = refused_by_python[statement]
    assert complaints == []
    if statement in FRUGAL:
        assert failures == refused_by_python["len(table)"][0]


def test_most_calls_miss_the_memory_that_was_refused(refused_by_python):
    """The control: refusing has an effect."""
    failing = [statement for statement, (failures, _) in refused_by_python.items() if failures]
    assert len(failing) > len(refused_by_python) // 2
    assert set(FRUGAL) <= set(refused_by_python)
    assert {"table.buckets()", "repr(table)", "table.copy()", "((key, key), table.popitem())"} <= set(failing)


# ---- the table's own memory --------------------------------------------------------------------------------------------


@pytest.fixture
def traced():
    """The traced module, silent."""
    try:
        traced = importlib.import_module("hashtable_traced")
    except ImportError:
        pytest.skip("the traced module is not installed")
    traced.announce(False)
    yield traced
    traced._fail_allocation(0)


# What makes a table, or makes one grow; nothing else may ask for memory. (`clear` asks too, but does without.)
MAKING = re.compile(
    r"HashTable\(|__new__|__init__|Answering\(|copy\(|fromkeys| \| |setstate"
    r"|^full(\.set|\[|\.update|\.__ior__)|^native(\.set|\.update\((\{number|HashTable))|^\[table\.set"
)


@pytest.mark.parametrize("statement", scarcity.CALLS)
def test_the_table_has_no_memory(traced, statement):
    left = []

    def switch(nth):
        left.append(traced._fail_allocation(nth))

    failures, complaints = scarcity.try_all(traced, scarcity.CALLS[statement], switch, lambda: left[-1] == 0)
    assert complaints == []
    assert (failures > 0) == bool(MAKING.search(statement))


def test_a_growth_that_failed_comes_with_the_next_pair(traced):
    """GUARD: a growth without memory has changed nothing, not even how many pairs the buckets may hold."""
    table = traced.HashTable(4, 0.5, hash).set(0, 0).set(1, 1)
    traced._fail_allocation(1)
    with pytest.raises(MemoryError):
        table.set(2, 2)
    assert (table.size, table.load) == (4, 2)
    table.set(2, 2)
    assert (table.size, table.load) == (8, 3)
    assert_sound(table)


def test_clear_without_memory(traced):
    """`clear` goes back to fewer buckets, and needs no memory for that."""
    table = traced.HashTable(4, 0.5, hash)
    for number in range(100):
        table[number] = number
    assert table.size == 256
    traced._fail_allocation(1)
    table.clear()
    assert traced._fail_allocation(0) == 0
    assert (len(table), table.size, repr(table)) == (0, 4, "[]\n" * 4)
    for number in range(100):
        table[number] = number
    assert_sound(table)
    assert table.size == 256


def test_the_switch(traced):
    """The controls: it refuses the request that was asked for, and says what is left of an order."""
    assert traced._fail_allocation(10) == 0
    traced.HashTable()
    assert 0 < traced._fail_allocation(0) < 10
    traced._fail_allocation(1)
    with pytest.raises(MemoryError):
        traced.HashTable()
    traced.HashTable()
    assert traced._fail_allocation(0) == 0
    with pytest.raises(TypeError):
        traced._fail_allocation("1")
    with pytest.raises(OverflowError):
        traced._fail_allocation(-1)


class Leaky:
    """A module whose table is not as it was after a failure, and keeps what it was given."""

    def __init__(self, module):
        self.library_hash, self.mixed_hash = module.library_hash, module.mixed_hash

        class HashTable(module.HashTable):
            kept = []  # noqa: RUF012

            def set(self, key, value):
                self.kept.append(key)
                try:
                    return super().set(key, value)
                except MemoryError:
                    self["changed"] = True
                    raise

        self.HashTable = HashTable


def test_that_scarcity_complains(traced):
    """The control for its checks: it must notice a table that has changed, and references that were kept."""
    left = []
    call = scarcity.CALLS["full.set(absent, other)"]
    switch = lambda nth: left.append(traced._fail_allocation(nth))  # noqa: E731
    failures, complaints = scarcity.try_all(Leaky(traced), call, switch, lambda: left[-1] == 0)
    assert failures >= 1
    assert complaints[0] == "request 1: MemoryError was raised, but a table has changed"
    assert "request 1: the count of absent changed by +1 and not by +0" in complaints
    assert "request 1: absent is still alive" in complaints


# ---- a limit ---------------------------------------------------------------------------------------------------------

LIMITED = """
import gc, resource
from collections import deque
from subject import HashTable

def bytes_in_use():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()

def fails(call):
    try:
        call()
    except MemoryError:
        return True
    return False

# Every pair of this table takes a million buckets.
wide = HashTable(1, 1e-6)
# A table of many pairs in few buckets, and things to put into it.
full = HashTable(1, 1.0)
for number in range(100_000):
    full[number] = number
# What a call needs when nothing else is left.
spare = bytearray(2**19)
before = [wide.size, list(full.items()) == [(number, number) for number in range(100_000)]]

resource.setrlimit(resource.RLIMIT_AS, (bytes_in_use() + 104 * 2**20, resource.RLIM_INFINITY))

pairs = 0
while not fails(lambda: wide.set(f"key {pairs}", pairs)):
    pairs += 1
    assert pairs < 1000
print("pairs until there was no room:", pairs)
size = wide.size
assert len(wide) == pairs and list(wide) == [f"key {number}" for number in range(pairs)]
for _ in range(20):
    # What failed keeps nothing: what was possible before is still possible.
    assert fails(lambda: wide.set("one more", 1))
    fails(lambda: wide.copy())  # there may be room for another one of this size, though not for one of twice the size
    assert fails(lambda: HashTable(2**26))
    assert fails(lambda: repr(wide))
    assert fails(lambda: wide.__init__(2**26))
    HashTable(2**18)
assert wide.size == size and len(wide) == pairs
assert fails(wide.buckets)
wide.clear()
assert wide.size == 1
copies = []
while not fails(lambda: copies.append(full.copy())):
    assert len(copies) < 1000
print("copies until there was no room:", len(copies))
# Less is left than a copy takes. That may be enough for many small objects, so these take all but what a call needs.
# (No chain of them: to free a deep one, CPython 3.14 and 3.15 need what there is none of, and crash.)
# (Without the GIL the collector needs memory itself, and says so on standard error when there is none.)
gc.disable()
filler = deque()
try:
    while True:
        filler.append((len(filler), None))
except MemoryError:
    del spare
for call in (full.copy, full.__reduce__, full.buckets):
    assert fails(call), call
assert len(full) == 100_000
copies.clear()
filler.clear()
for number in range(100_000):
    assert full[number] == number
wide["again"] = 1
assert wide["again"] == 1 and list(wide) == ["again"]
print("well")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory, as Linux has it")
@pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="AddressSanitizer needs more memory than any limit"
)
@pytest.mark.skipif(
    hasattr(subject.module, "ledger_position"), reason="a ledger has no plan for when there is no memory"
)
def test_a_limit_on_memory(child, monkeypatch):
    # Without the GIL, CPython's allocator reserves addresses for a GiB when it begins, which no limit takes back.
    monkeypatch.setenv("MIMALLOC_ARENA_RESERVE", "0")
    ending = child("-c", LIMITED)
    assert ending.returncode == 0, ending.stderr
    assert ending.stderr == ""
    assert ending.stdout.splitlines()[-1] == "well"
    assert all(int(line.split(": ")[1]) >= 1 for line in ending.stdout.splitlines()[:2])
