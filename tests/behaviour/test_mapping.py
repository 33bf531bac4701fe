"""Reading and writing: `set`, `get`, `pop`, `[]`, `del`, `in`, `len`, walking through a table, and its three views.

Where the contract says nothing else, a table behaves as `dict` does.
"""

from __future__ import annotations

import operator

import pytest
from subject import HashTable, look, same, seven


@pytest.fixture
def table():
    """Three pairs, of which two are in one chain."""
    return HashTable(8, 0.5).set("a", 1).set("b", 2).set("c", 3)


# ---- one pair --------------------------------------------------------------------------------------------------------


def test_set_returns_the_table_itself():
    table = HashTable()
    assert table.set("a", 1) is table
    assert table.set("a", 2) is table
    assert table.set("b", 1).set("c", 2).set("d", 3) is table
    assert list(table.items()) == [("a", 2), ("b", 1), ("c", 2), ("d", 3)]


def test_item_assignment_sets(table):
    table["d"] = 4
    table["a"] = 10
    assert list(table.items()) == [("a", 10), ("b", 2), ("c", 3), ("d", 4)]


def test_get(table):
    default = object()
    assert table.get("a") == 1
    assert table.get("a", default) == 1
    assert table.get("z") is None
    assert table.get("z", default) is default


def test_a_value_that_is_none_is_there(table):
    table["n"] = None
    assert table.get("n", "default") is None
    assert table.pop("n", "default") is None
    assert "n" not in table


def test_item_access(table):
    assert [table[key] for key in "abc"] == [1, 2, 3]


def test_pop(table):
    assert table.pop("b") == 2
    assert list(table.items()) == [("a", 1), ("c", 3)]
    default = object()
    assert table.pop("b", default) is default
    assert table.pop("a", default) == 1
    assert list(table.items()) == [("c", 3)]


def test_deletion(table):
    del table["b"]
    assert list(table.items()) == [("a", 1), ("c", 3)]
    assert "b" not in table


@pytest.mark.parametrize("key", ["z", (), (1, 2), ("z",), None], ids=repr)
@pytest.mark.parametrize("access", [operator.getitem, operator.delitem, HashTable.pop], ids=["[]", "del", "pop"])
def test_a_missing_key_is_a_key_error_with_that_key(table, access, key):
    before = look(table)
    with pytest.raises(KeyError) as raised:
        access(table, key)
    assert raised.value.args == (key,)
    assert raised.value.args[0] is key
    assert look(table) == before


def test_membership(table):
    assert "a" in table
    assert "z" not in table
    assert None not in table


def test_length(table):
    assert len(table) == table.load == 3
    assert len(HashTable()) == 0


def test_truth():
    assert not HashTable()
    assert HashTable().set(0, 0)


def test_get_and_in_change_nothing(table):
    before = look(table)
    for key in ("a", "z"):
        table.get(key)
        assert (key in table) == (key == "a")
        table.bucket_of(key)
        table.hash_of(key)
    assert look(table) == before


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set", ()),
        ("set", ("a",)),
        ("set", ("a", 1, 2)),
        ("get", ()),
        ("get", ("a", 1, 2)),
        ("pop", ()),
        ("pop", ("a", 1, 2)),
        ("clear", (1,)),
        ("buckets", (1,)),
        ("stats", (1,)),
        ("keys", (1,)),
        ("values", (1,)),
        ("items", (1,)),
        ("hash_of", ()),
        ("hash_of", ("a", "b")),
        ("bucket_of", ()),
        ("bucket_of", ("a", "b")),
    ],
)
def test_a_wrong_number_of_arguments(table, name, arguments):
    before = look(table)
    with pytest.raises(TypeError):
        getattr(table, name)(*arguments)
    assert look(table) == before


@pytest.mark.parametrize("name", ["set", "get", "pop", "clear", "buckets", "stats", "keys", "values", "items"])
def test_methods_work_on_tables_only(name):
    with pytest.raises(TypeError):
        getattr(HashTable, name)()
    with pytest.raises(TypeError):
        getattr(HashTable, name)({}, "a", "b")


def test_any_object_can_be_a_value(table):
    for value in (None, 2**31, -(2**63), 10**100, "a\0b", "\ud800", b"\0", [], {}, table, HashTable, ValueError(), 1.5):
        table["value"] = value
        assert table["value"] is value


# ---- which keys are equal --------------------------------------------------------------------------------------------


def test_typed_tells_int_float_and_str_apart():
    table = HashTable(typed=True)
    table.set(1, "int").set(1.0, "float").set("1", "str")
    assert len(table) == 3
    assert [table[key] for key in (1, 1.0, "1")] == ["int", "float", "str"]
    assert table[True] == "int"  # True is the int 1
    table[True] = "bool"
    assert list(table.items()) == [(1, "bool"), (1.0, "float"), ("1", "str")]
    assert False not in table
    assert 0.0 not in table.set(0, 0)


def test_not_typed_compares_as_dict_does():
    table = HashTable(typed=False)
    table.set(1, "int").set(1.0, "float").set("1", "str").set(True, "bool")
    assert list(table.items()) == list({1: "bool", "1": "str"}.items())


def test_typed_goes_by_the_kind_that_a_subclass_is_of():
    class Int(int):
        pass

    class Float(float):
        pass

    class Str(str):
        __slots__ = ()

    table = HashTable(typed=True)
    table.set(2, "int").set(2.0, "float").set("2", "str")
    assert [table[key] for key in (Int(2), Float(2), Str("2"))] == ["int", "float", "str"]


@pytest.mark.parametrize("typed", [True, False])
def test_other_kinds_compare_with_equality(typed):
    from decimal import Decimal
    from fractions import Fraction

    table = HashTable(typed=typed)
    table[Fraction(2)] = "fraction"
    assert table[2] == table[2.0] == table[2 + 0j] == table[Decimal(2)] == "fraction"
    table[(1, 2)] = "tuple"
    assert (1.0, 2.0) in table  # what is inside a tuple is the tuple's business
    assert b"a" not in table.set("a", 1)


@pytest.mark.parametrize("typed", [True, False])
def test_identity_comes_before_equality(typed):
    nan = float("nan")
    table = HashTable(typed=typed).set(nan, 1)
    assert nan in table
    assert table[nan] == 1
    assert float("nan") not in table
    table[nan] = 2
    assert list(table.values()) == [2]


@pytest.mark.parametrize("typed", [True, False])
def test_hard_keys(typed):
    keys = [10**100, -(10**100), 2**63, -(2**63), "", "\0", "a\0b", "a\0c", "\ud800", "\udfff", b"", (), None, ...]
    table = HashTable(3, 1.0, typed=typed)
    for number, key in enumerate(keys):
        table[key] = number
    assert list(table) == keys
    assert [table[key] for key in keys] == list(range(len(keys)))


@pytest.mark.parametrize("typed", [True, False])
def test_minus_zero_is_zero(typed):
    table = HashTable(typed=typed).set(0.0, "zero")
    assert table[-0.0] == "zero"
    assert (0 in table) is not typed


def test_an_answer_of_eq_that_is_no_bool():
    class Key:
        def __init__(self, answer):
            self.answer = answer

        def __hash__(self):
            return 1

        def __eq__(self, other):
            return self.answer

    assert HashTable().set(Key([0]), "found")[Key([0])] == "found"
    assert Key([]) not in HashTable().set(Key([]), "not found")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, MemoryError, StopIteration])
@pytest.mark.parametrize(
    "access",
    [
        lambda table, key: table[key],
        lambda table, key: table.set(key, 1),
        lambda table, key: table.__setitem__(key, 1),
        lambda table, key: table.__delitem__(key),
        lambda table, key: table.get(key, 1),
        lambda table, key: table.pop(key, 1),
        lambda table, key: key in table,
        lambda table, key: key in table.keys(),
        lambda table, key: (key, 1) in table.items(),
    ],
    ids=["[]", "set", "[]=", "del", "get", "pop", "in", "in keys", "in items"],
)
def test_what_a_comparison_raises_is_not_replaced(access, error):
    class Key:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            raise problem

    problem = error("by __eq__")
    table = HashTable().set(Key(), "value")
    before = look(table)
    with pytest.raises(error) as raised:
        access(table, Key())
    assert raised.value is problem
    assert look(table) == before


# ---- walking through it ----------------------------------------------------------------------------------------------

WALKS = {
    "iter": iter,
    "reversed": reversed,
    "keys": lambda table: iter(table.keys()),
    "values": lambda table: iter(table.values()),
    "items": lambda table: iter(table.items()),
    "reversed keys": lambda table: reversed(table.keys()),
    "reversed values": lambda table: reversed(table.values()),
    "reversed items": lambda table: reversed(table.items()),
}
each_walk = pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())


@each_walk
def test_every_walk_is_that_of_a_dict(walk):
    model = {}
    for number in range(50):
        model[number * 7 % 53] = str(number)
    for removed in (0, 7, 14, 43):
        del model[removed]
    table = HashTable(3, 0.9, same)
    for number in range(50):
        table[number * 7 % 53] = str(number)
    for removed in (0, 7, 14, 43):
        del table[removed]
    assert list(walk(table)) == list(walk(model))
    assert list(walk(HashTable())) == []


@each_walk
def test_a_walk_says_how_far_it_is(table, walk):
    iterator = walk(table)
    assert iter(iterator) is iterator
    for left in (3, 2, 1):
        assert operator.length_hint(iterator) == left
        next(iterator)
    assert operator.length_hint(iterator) == 0
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(iterator)


CHANGES = {
    "set": lambda table: table.set("new", 1),
    "[]=": lambda table: table.__setitem__("new", 1),
    "del": lambda table: table.__delitem__("a"),
    "pop": lambda table: table.pop("b"),
    "clear": lambda table: table.clear(),
    "delete and insert": lambda table: (table.pop("c"), table.set("new", 1)),
    "delete and insert the same": lambda table: (table.pop("a"), table.set("a", 1)),
    "grow": lambda table: [table.set(number, number) for number in range(100)],
    "grow and shrink": lambda table: [table.set(number, number).pop(number) for number in range(100)],
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


@each_walk
@each_change
def test_a_change_during_a_walk_is_a_runtime_error(table, walk, change):
    iterator = walk(table)
    next(iterator)
    change(table)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="changed"):
            next(iterator)
    assert operator.length_hint(iterator) == 0
    assert len(list(walk(table))) == len(table)  # the next walk is not disturbed


@each_walk
def test_overwriting_during_a_walk_is_none(table, walk):
    seen = []
    for number, what in enumerate(walk(table)):
        for key in "abc":
            table[key] = number
        seen.append(what)
    assert len(seen) == 3


def test_a_walk_that_has_ended_is_not_disturbed(table):
    iterator = iter(table)
    assert list(iterator) == ["a", "b", "c"]
    table["new"] = 1
    with pytest.raises(StopIteration):
        next(iterator)


def test_two_walks_at_a_time(table):
    assert [(one, other) for one in table for other in reversed(table)] == [
        (one, other) for one in "abc" for other in "cba"
    ]


def test_a_walk_outlives_the_name_of_its_table():
    assert list(iter(HashTable().set("a", 1).set("b", 2))) == ["a", "b"]


# ---- views -----------------------------------------------------------------------------------------------------------


def test_views_are_live():
    table = HashTable()
    keys, values, items = table.keys(), table.values(), table.items()
    assert (list(keys), list(values), list(items)) == ([], [], [])
    table.set("a", 1).set("b", 2)
    assert (list(keys), list(values), list(items)) == (["a", "b"], [1, 2], [("a", 1), ("b", 2)])
    assert len(keys) == len(values) == len(items) == 2
    table.clear()
    assert (list(keys), list(values), list(items)) == ([], [], [])
    table.__init__(3)
    table["c"] = 3
    assert (list(keys), list(values), list(items)) == (["c"], [3], [("c", 3)])


def test_membership_in_keys(table):
    keys = table.keys()
    assert "a" in keys
    assert "z" not in keys


def test_membership_in_values(table):
    assert 1 in table.values()
    assert 1.0 in table.values()
    assert 9 not in table.values()
    nan = float("nan")
    assert nan in table.set("nan", nan).values()


def test_membership_in_items(table):
    items = table.items()
    assert ("a", 1) in items
    assert ("a", 1.0) in items
    for other in (("a", 2), ("z", 1), ("a",), ("a", 1, 1), ["a", 1], "a1", None, 1):
        assert other not in items


def test_membership_in_items_is_typed_in_the_key_only():
    table = HashTable(typed=True).set(1, 1)
    assert (1, 1.0) in table.items()
    assert (1.0, 1) not in table.items()


def test_a_key_that_cannot_be_hashed(table):
    before = look(table)
    for access in (
        lambda: table[[]],
        lambda: table.get([]),
        lambda: table.set([], 1),
        lambda: table.pop([], 1),
        lambda: [] in table,
        lambda: [] in table.keys(),
        lambda: ([], 1) in table.items(),
        lambda: table.hash_of([]),
        lambda: table.bucket_of({}),
    ):
        with pytest.raises(TypeError, match="unhashable"):
            access()
    assert look(table) == before


def test_the_repr_of_views():
    table = HashTable(4, 1.0, seven).set("a", 1).set(2, "b")
    assert repr(table.keys()) == "HashTableKeys(['a', 2])"
    assert repr(table.values()) == "HashTableValues([1, 'b'])"
    assert repr(table.items()) == "HashTableItems([('a', 1), (2, 'b')])"
    assert repr(HashTable().keys()) == "HashTableKeys([])"


def test_the_repr_of_a_view_that_contains_itself():
    table = HashTable()
    view = table.values()
    table["view"] = view
    assert repr(view) == "HashTableValues([...])"
    assert repr(view) == "HashTableValues([...])"  # what was noted during the first is gone


@pytest.mark.parametrize("name", ["keys", "values", "items"])
def test_views_and_iterators_are_made_by_tables_only(table, name):
    for kind in (type(getattr(table, name)()), type(iter(getattr(table, name)()))):
        with pytest.raises(TypeError):
            kind()
        with pytest.raises(TypeError):
            kind(table)
        with pytest.raises(TypeError):
            type("Sub", (kind,), {})
