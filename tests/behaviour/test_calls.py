"""The registry of calls, calls.py, has a line for everything that a table can do. What is tested by it is tested of all."""

from __future__ import annotations

import calls
import pytest
import test_machine
from subject import HashTable

#: What is not called by its name, and a line in which it is used.
SPELLED = {
    "__class_getitem__": "HashTable[key, value]",
    "__contains__": "key in table",
    "__delitem__": "del table[key]",
    "__eq__": "table == {}",
    "__format__": "format(table, '')",
    "__getitem__": "table[key]",
    "__ge__": "table < table",
    "__gt__": "table < table",
    "__hash__": "hash(table)",
    "__init__": "table.__init__()",
    "__ior__": "table.__ior__([(absent, other)])",
    "__iter__": "iter(table)",
    "__le__": "table < table",
    "__len__": "len(table)",
    "__lt__": "table < table",
    "__ne__": "table != HashTable(hash_func=hash_func).set(key, value).set(older, other)",
    "__new__": "HashTable.__new__(HashTable)",
    "__or__": "table | table",
    "__repr__": "repr(table)",
    "__reversed__": "reversed(table)",
    "__ror__": "{number: other} | table",
    "__setitem__": "table[key] = other",
}
#: What every class has.
OF_EVERY_CLASS = {"__doc__", "__module__"}
STATEMENTS = [call.statement for call in calls.CALLS]


def without_a_line(names, statements):
    """Which of these names no statement uses."""
    return sorted(
        name
        for name in names
        if not (SPELLED.get(name) in statements or any(f".{name}" in statement for statement in statements))
    )


def test_everything_that_a_table_can_do_has_a_line():
    names = set(vars(HashTable)) - OF_EVERY_CLASS
    assert len(names) > 40
    assert without_a_line(names, STATEMENTS) == []


def test_that_a_missing_line_is_noticed():
    assert without_a_line({"get", "shrink"}, STATEMENTS) == ["shrink"]
    assert without_a_line({"__len__"}, [line for line in STATEMENTS if line != "len(table)"]) == ["__len__"]


def test_no_line_is_there_twice():
    assert len(STATEMENTS) == len(set(STATEMENTS))


@pytest.mark.parametrize("method", ["get", "pop", "setdefault", "popitem", "clear", "update", "set"])
def test_the_state_machine_makes_them(method):
    assert any(f"table.{method}(" in call.statement for call in test_machine.ON_BOTH)


def test_the_state_machine_makes_what_the_reference_cannot():
    alone = {call.statement for call in test_machine.ON_ONE}
    assert {"table.copy()", "table.stats()", "table | table", "table.__reduce__()", "table.__sizeof__()"} <= alone
