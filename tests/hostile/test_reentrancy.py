"""Re-entrancy: hostile code at every point where the extension hands control to Python.

src/extension/lib.rs numbers those points [R1], [R2], ... The tests for number 7 are called `test_r07_...`; they lie in the
files beside this one, by subject. The first test of all demands that the list, the marks in the source and the tests agree.

At each point hostile code does each of the things in `hostile.ACTS` to the table with which a call is just busy. Whatever that is,
there must be no crash, no endless loop, no pair lost or doubled (`assert_sound`), and a table that is destroyed in the
middle of a call must really be gone after it. What leaves the table as it is must not change what the call does, either.
"""

# Functions that are made in a loop are called in the same turn of it.
# ruff: noqa: B023

from __future__ import annotations

import inspect
import itertools
import re
from pathlib import Path

import hostile
import pytest
from hostile import (
    ACTS,
    HARMLESS,
    Struck,
    Thing,
    Trap,
    assert_sound,
    quick_collections,  # noqa: F401  (a fixture that is used by itself)
)
from subject import HashTable
from victims import (
    LOOKUPS,
    a_table,
    pairs_of,
    shown,
    unraisable_is_fine,
)

pytestmark = unraisable_is_fine


# ---- the numbers -----------------------------------------------------------------------------------------------------


def disagreements(listed, marked, tested):
    """Compares the numbers of lib.rs's list, of the marks and of the tests.

    Args:
        listed: for each number in the list, the files that it names.
        marked: for each number in the sources, the files in which it is.
        tested: the numbers that have a test.

    Returns:
        A line for everything that does not fit.
    """
    found = []
    if list(listed) != list(range(1, len(listed) + 1)):
        found.append(f"the list is not numbered from 1 on: {list(listed)}")
    for number in sorted({*listed, *marked, *tested}):
        if number not in listed:
            found.append(f"[R{number}] is not in the list")
        if number not in tested:
            found.append(f"[R{number}] has no test")
        if number not in marked:
            found.append(f"[R{number}] marks no line")
        elif listed.get(number) and listed[number] != marked[number]:
            found.append(f"[R{number}] is listed for {sorted(listed[number])} and marked in {sorted(marked[number])}")
    return found


def numbers_in(source):
    """The three arguments of `disagreements`, read from the source and from the files of tests."""
    folder = source / "src" / "extension"
    listed, marked = {}, {}
    # An entry goes on in lines that are indented.
    entries = re.finditer(
        r"^//! (\d+)\. `\[R(\d+)\]` (.*(?:\n//! {3,4}\S.*)*)", (folder / "lib.rs").read_text(encoding="utf-8"), re.M
    )
    for entry in entries:
        assert entry[1] == entry[2]
        listed[int(entry[1])] = set(re.findall(r"[\w/]+\.rs", entry[3]))
    for file in sorted(folder.rglob("*.rs")):
        text = file.read_text(encoding="utf-8")
        for number in re.findall(r"// \[R(\d+)\]", text):
            marked.setdefault(int(number), set()).add(file.relative_to(folder).as_posix())
    texts = [file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_reentrancy*.py")]
    tests = {name for text in texts for name in re.findall(r"^def test(?=_r\d)(\w+)\(", text, re.M)}
    return listed, marked, {int(number) for name in tests for number in re.findall(r"_r(\d+)(?=_)", name)}


def test_the_list_the_marks_and_the_tests_agree(source):
    listed, marked, tested = numbers_in(source)
    assert len(listed) >= 20
    assert disagreements(listed, marked, tested) == []


def test_that_comparison_fires():
    """The control: each way in which the three can disagree is told."""
    fine = {1: {"a.rs"}, 2: set()}, {1: {"a.rs"}, 2: {"b.rs", "c.rs"}}, {1, 2}
    assert disagreements(*fine) == []
    listed, marked, tested = fine
    assert disagreements({1: {"a.rs"}}, marked, tested) == ["[R2] is not in the list"]
    assert disagreements(listed, {1: {"a.rs"}}, tested) == ["[R2] marks no line"]
    assert disagreements(listed, marked, {2}) == ["[R1] has no test"]
    assert disagreements({1: {"b.rs"}, 2: set()}, marked, tested) == [
        "[R1] is listed for ['b.rs'] and marked in ['a.rs']"
    ]
    assert disagreements({2: set(), 1: {"a.rs"}}, marked, tested) == ["the list is not numbered from 1 on: [2, 1]"]


# ---- all at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOOKUPS)
def test_hostile_at_every_point_again_and_again(name):
    """Keys and values that are hostile wherever they can be, and that act in turn in all ways that do not raise."""
    acts = [act for act in ACTS.values() if act not in (hostile.raises, hostile.destroys)]
    for seed in range(0, len(acts), 2):
        turn = itertools.cycle(acts[seed:] + acts[:seed])
        trap = Trap(lambda trap: next(turn)(trap), times=20)

        def hash_func(key, trap=trap):
            trap.spring()
            return key.number

        trap.table = a_table(trap, hash_func, "eq del repr", "eq del repr")
        key = Thing(trap, "pair 4", "hash eq bool del")
        value = Thing(trap, "value 4", "eq bool del")
        made = {"value": value, "pairs": [(key, value)], "dict": {key: value}, "keys": [key]}
        made["table"] = HashTable(hash_func=id).set(key, value)
        trap.run(lambda: shown(LOOKUPS[name](lambda: trap.table, key, made)))
        assert trap.sprung >= 1
        assert_sound(trap.table)


def test_every_lookup_and_every_act_is_used():
    """The tables of calls and acts are what the tests run through: none may be empty, and every act acts."""
    assert len(ACTS) == len({inspect.getsource(act) for act in ACTS.values()}) >= 16
    for act in ACTS.values():
        trap = Trap(act)
        trap.table = a_table(trap)
        before = [*pairs_of(trap.table), id(trap.table), trap.table.size, trap.table.hash_func]
        if act is hostile.raises:
            with pytest.raises(Struck):
                act(trap)
            continue
        table = trap.table
        walk = iter(table)
        act(trap)
        after = [*pairs_of(table), id(trap.table), table.size, table.hash_func]
        if act in HARMLESS:
            assert after == before
            assert len(list(walk)) == 6
        elif act is hostile.restores:
            assert after == before
            with pytest.raises(RuntimeError):
                next(walk)
        elif act is hostile.refills:
            assert [pair for pair in before if pair in after]
        else:
            assert after != before
