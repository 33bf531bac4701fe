"""Reference counts: every call gives back what it takes, on success and on failure, and leaves nothing behind.

calls.py lists the calls with what each owes; leakchecks.py has the checks. Here they are run, and here it is shown
that every one of them fires: on `missing-decref`, the broken variant of the extension whose tables never release
their hash function.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import calls
import leakchecks
import pytest
import subject
from subject import HashTable

pytestmark = pytest.mark.usefixtures("quiet_collector")
each_call = pytest.mark.parametrize("call", calls.CALLS, ids=lambda call: call.statement)


# ---- one by one ------------------------------------------------------------------------------------------------------


def test_the_owners_of_a_key_and_a_value_one_by_one():
    """Each line adds or removes one owner, and names it."""
    key, value, table = calls.Key("key"), calls.Key("value"), HashTable(8, 0.5, subject.seven)

    def owners():
        return sys.getrefcount(key) - names_only[0], sys.getrefcount(value) - names_only[1]

    names_only = [0, 0]
    names_only = owners()  # the names `key` and `value` here, and whatever it takes to look
    assert owners() == (0, 0)
    table.set(key, value)
    assert owners() == (1, 1)  # the pair in the table: one of each
    table.set(key, value)
    assert owners() == (1, 1)  # still one pair
    buckets = table.buckets()
    assert owners() == (2, 2)  # a tuple in a list in `buckets`
    pairs = list(table.items())
    assert owners() == (3, 3)  # a tuple in `pairs`
    found = table[key]
    assert owners() == (3, 4)  # the name `found`
    walk = iter(table)
    assert owners() == (3, 4)  # an iterator owns the table, not what is in it
    first = next(walk)
    assert owners() == (4, 4)  # the name `first`
    popped = table.pop(key)
    assert owners() == (3, 4)  # the table has lost its two; the value's went to the name `popped`
    del first, found, popped
    assert owners() == (2, 2)
    del buckets
    assert owners() == (1, 1)
    del pairs
    assert owners() == (0, 0)


def test_the_owners_of_a_hash_function_one_by_one():
    def hash_func(key):
        return 1

    start = sys.getrefcount(hash_func)
    tables = [HashTable(hash_func=hash_func) for _ in range(10)]
    assert sys.getrefcount(hash_func) == start + 10  # each table owns it once
    tables[0].set("a", 1)
    assert sys.getrefcount(hash_func) == start + 10  # to call it leaves nothing behind
    attribute = tables[0].hash_func
    assert sys.getrefcount(hash_func) == start + 11  # the name `attribute`
    tables[0].__init__()
    assert sys.getrefcount(hash_func) == start + 10  # the first table has another function now
    del tables
    assert sys.getrefcount(hash_func) == start + 1  # `attribute`
    del attribute
    assert sys.getrefcount(hash_func) == start


def test_the_owners_of_a_table_one_by_one():
    table = HashTable()
    start = sys.getrefcount(table)
    returned = table.set("a", 1)
    assert sys.getrefcount(table) == start + 1  # the name `returned`
    for _ in range(100):
        table.set("a", 1)
    assert sys.getrefcount(table) == start + 1  # what nobody keeps is given back
    view = table.keys()
    assert sys.getrefcount(table) == start + 2  # the view
    walk = iter(view)
    assert sys.getrefcount(table) == start + 3  # the iterator: the table itself, not the view
    list(walk)
    assert sys.getrefcount(table) == start + 2  # a spent iterator has let go
    method = table.get
    assert sys.getrefcount(table) == start + 3  # the bound method
    table["me"] = table
    assert sys.getrefcount(table) == start + 4  # the table, through its own pair
    table.clear()
    del returned, view, walk, method
    assert sys.getrefcount(table) == start


def test_the_builtin_hash_has_one_owner_for_each_table():
    """The talk's own experiment. Where the count of `hash` never moves, it is immortal, and there is nothing to see."""
    start = sys.getrefcount(hash)
    tables = [HashTable() for _ in range(3)]
    inside = sys.getrefcount(hash)
    del tables
    assert sys.getrefcount(hash) == start
    assert inside - start in (0, 3)
    other = [hash]
    assert inside - start == 3 * (sys.getrefcount(hash) - start)
    del other


# ---- every call ------------------------------------------------------------------------------------------------------


@each_call
def test_the_balance_of_a_call(call):
    assert leakchecks.balance(call) == []


@each_call
def test_a_call_leaves_nothing_behind(call):
    assert leakchecks.leaks(call.statement) == []


@each_call
def test_what_a_call_used_can_die(call):
    # A set that puts the table into itself makes a cycle, which the collector finds.
    assert leakchecks.survivors(call.statement) == []


#: Each uses 40 kB or more, most of it in Rust's arrays.
LARGE = [
    "HashTable(10_000).clear()",
    "HashTable.__new__(HashTable).__init__(10_000)",
    "table.__init__(10_000)",
    "table.__init__(10_000); table.__init__('no size')",
    "table.__init__(); [table.set(n, n) for n in range(1000)]",
    "table.__init__(); [table.set(n, n) for n in range(1000)]; table.clear()",
    "format(HashTable(10_000), ''), HashTable(5_000).buckets()",
]


@pytest.mark.slow
@pytest.mark.parametrize("statement", LARGE)
def test_memory_does_not_grow(statement):
    pytest.importorskip("psutil")
    assert leakchecks.memory(statement) == []


# ---- the checks are checked ------------------------------------------------------------------------------------------

#: For each check a statement that leaks a hash function in `missing-decref`, and what is complained of. For `memory`
#: the function is given something large to keep.
FIRES = [
    (
        "balance",
        "HashTable(4, 0.5, hash_func)",
        "the count of hash_func changed by +1 and not by +0 with the result gone",
    ),
    ("survivors", "HashTable(4, 0.5, hash_func)", "hash_func is still alive"),
    *[("leaks", "HashTable(4, 0.5, hash_func)", meter) for meter in leakchecks.METERS],
    ("memory", "hash_func.ballast = b'x' * 40_000; HashTable(4, 0.5, hash_func)", "resident memory"),
]
each_firing = pytest.mark.parametrize(("check", "statement", "complaint"), FIRES, ids=[f"{f[0]}-{f[2]}" for f in FIRES])


def run_check(child, folder, check, statement) -> tuple[Path, subprocess.CompletedProcess]:
    """Runs a check in a child. Returns the file of the module that the child found, and how it ended."""
    ending = child(str(Path(leakchecks.__file__)), check, statement, folder=folder)
    first, *_ = ending.stdout.splitlines() or [""]
    return Path(first.partition("module: ")[2]), ending


@each_firing
def test_the_check_fires_on_missing_decref(child, specimen, check, statement, complaint):
    if check == "memory":
        pytest.importorskip("psutil")
    folder = specimen("missing-decref")
    file, ending = run_check(child, folder, check, statement)
    assert file.parent == folder, ending
    assert ending.returncode == 1, ending
    assert complaint in ending.stdout


@each_firing
def test_the_same_check_is_content_with_the_right_module(child, check, statement, complaint):
    if check == "memory":
        pytest.importorskip("psutil")
    file, ending = run_check(child, None, check, statement)
    assert file == Path(subject.module.__file__), ending
    assert (ending.returncode, ending.stderr) == (0, "")
    assert complaint not in ending.stdout


def test_the_balance_fires_on_missing_incref(child, specimen):
    """The other way round: a reference too few. If the child lives to tell; a crash is an alarm too."""
    folder = specimen("missing-incref")
    file, ending = run_check(child, folder, "balance", "table.set(key, value)")
    crashed = ending.returncode < 0
    complaint = "the count of table changed by +0 and not by +1 with the result held"
    assert crashed or (file.parent == folder and complaint in ending.stdout), ending


def test_a_wrong_line_in_the_list_of_calls_is_found_out():
    """The balance does not take just any figures."""
    right = next(call for call in calls.CALLS if call.statement == "table.set(absent, other)")
    assert leakchecks.balance(right) == []
    assert leakchecks.balance(right._replace(after={"absent": 1}))
    assert leakchecks.balance(right._replace(held={}))
    assert leakchecks.balance(right._replace(raises=KeyError))
    assert leakchecks.balance(right._replace(after={**right.after, "value": 1}))
