"""The rest of what a mapping can do: `update`, `setdefault`, `popitem`, copies, `==`, `|`, views as sets.

Each does what it does for `dict`, which is the model here, unless the contract says otherwise.
"""

from __future__ import annotations

import collections
import copy
import operator
import pickle

import pytest
from subject import HashTable, library_hash, look, same, seven

PAIRS = [("a", 1), ("b", 2), ("c", 3)]


@pytest.fixture
def table():
    return filled(HashTable(8, 0.5))


def filled(table, pairs=PAIRS):
    for key, value in pairs:
        table[key] = value
    return table


# ---- setdefault and popitem ------------------------------------------------------------------------------------------


def test_setdefault(table):
    assert table.setdefault("a", 9) == 1
    assert table.setdefault("d", 4) == 4
    assert table.setdefault("e") is None
    assert list(table.items()) == [*PAIRS, ("d", 4), ("e", None)]


def test_setdefault_hashes_once():
    calls = []
    table = HashTable(hash_func=lambda key: calls.append(key) or 1)
    table.setdefault("a", 1)
    table.setdefault("a", 2)
    assert calls == ["a", "a"]


def test_popitem_takes_the_newest(table):
    assert [table.popitem() for _ in range(3)] == PAIRS[::-1]
    for _ in range(2):
        with pytest.raises(KeyError):
            table.popitem()
    assert (table.buckets(), table.load) == ([[]] * 8, 0)


# ---- update and fromkeys ---------------------------------------------------------------------------------------------


class Keyed:
    """A mapping with `keys` and `[]` and no more."""

    def keys(self):
        return iter(["c", "d"])

    def __getitem__(self, key):
        return key.upper()


SOURCES = {
    "nothing": lambda: (),
    "a dict": lambda: {"c": 30, "d": 40},
    "a subclass of dict": lambda: collections.OrderedDict([("d", 40), ("c", 30)]),
    "an empty dict": lambda: {},
    "a table": lambda: HashTable(3, 1.0, seven).set("d", 4).set("a", 10),
    "a mapping": Keyed,
    "a list of pairs": lambda: [("c", 30), ["d", 40], "ef"],
    "a generator of pairs": lambda: ((key, number) for number, key in enumerate("xay")),
    "items": lambda: {"c": 30, "d": 40}.items(),
}
each_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())


@each_source
def test_update(table, source):
    model = dict(PAIRS)
    model.update(dict(source().items()) if isinstance(source(), HashTable) else source())
    assert table.update(source()) is None
    assert list(table.items()) == list(model.items())


def test_update_with_keywords(table):
    table.update({"a": 10}, b=20, d=40)
    table.update(other=1, self=2)
    table.update()
    assert list(table.items()) == list({"a": 10, "b": 20, "c": 3, "d": 40, "other": 1, "self": 2}.items())


def test_update_with_itself(table):
    before = look(table)
    table.update(table)
    table.update(table.items())
    table |= table
    assert look(table) == before


@pytest.mark.parametrize(
    "source", [1, None, [1], ["abc"], [("a",)], [("a", 1, 2)], object()], ids=lambda source: repr(source)[:14]
)
def test_update_with_what_is_no_source_of_pairs(table, source):
    try:
        dict().update(source)
    except (TypeError, ValueError) as error:
        expected = type(error)
    before = look(table)
    with pytest.raises(expected):
        table.update(source)
    assert look(table) == before


def test_an_update_that_fails_half_way_keeps_what_came_before(table):
    def pairs():
        yield "d", 4
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        table.update(pairs())
    assert list(table) == ["a", "b", "c", "d"]


def test_update_from_what_changes_meanwhile():
    """A source that is changed by the hash function which it is read for."""
    for make in (HashTable, dict):
        source = make()
        source["a"], source["b"] = 1, 2

        def hash_func(key, source=source):
            source[len(source)] = key
            return 1

        with pytest.raises(RuntimeError, match="mutated"):
            HashTable(hash_func=hash_func).update(source)


def test_fromkeys():
    value = []
    table = HashTable.fromkeys("abca", value)
    assert type(table) is HashTable
    assert list(table.items()) == list(dict.fromkeys("abca", value).items())
    assert table["a"] is value
    assert list(HashTable.fromkeys(iter([1, 2])).items()) == [(1, None), (2, None)]
    assert look(HashTable.fromkeys([])) == look(HashTable())


def test_fromkeys_of_a_subclass():
    class Sub(HashTable):
        def __init__(self):
            super().__init__(3, 1.0, same)

        def __setitem__(self, key, value):
            super().__setitem__(key, [value])

    table = Sub.fromkeys([1, 2], 0)
    assert type(table) is Sub
    assert (table.size, list(table.items())) == (3, [(1, [0]), (2, [0])])


# ---- copies ----------------------------------------------------------------------------------------------------------


def twice(key):
    """A hash function that pickle can find."""
    return 2 * len(key)


def grown():
    """A table with a history: it has grown, lost some pairs, and is no power of two."""
    table = HashTable(3, 0.75, twice, typed=False)
    for number in range(50):
        table[str(number)] = [number]
    for number in range(0, 50, 3):
        del table[str(number)]
    return table


COPIES = {
    "copy": lambda table: table.copy(),
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda table, protocol=protocol: pickle.loads(pickle.dumps(table, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}
each_copy = pytest.mark.parametrize("name", COPIES)


@each_copy
def test_a_copy_keeps_everything(name):
    table = grown()
    twin = COPIES[name](table)
    assert twin is not table
    assert type(twin) is HashTable
    one, other = look(table), look(twin)
    for figures in (one["stats"], other["stats"]):
        del figures["bytes"], figures["resizes"]  # its history and its spare memory are not part of a table
    assert one == other
    for key in twin:
        assert (twin[key] is table[key]) == (name in ("copy", "copy.copy"))
    twin["new"] = 1
    assert "new" not in table
    twin.clear()
    assert twin.size == 3


@each_copy
def test_a_copy_of_an_empty_table(name):
    twin = COPIES[name](HashTable(1000, 1.0, library_hash))
    assert look(twin) == look(HashTable(1000, 1.0, library_hash))


class Sub(HashTable):
    """A subclass with attributes of both kinds."""

    __slots__ = ("__dict__", "slot", "unset")


@each_copy
def test_a_copy_of_a_subclass(name):
    if name == "copy":
        assert type(Sub().copy()) is HashTable  # as with dict
        return
    table = filled(Sub(5, 1.0, twice))
    table.attribute = ["attribute"]
    table.slot = ["slot"]
    twin = COPIES[name](table)
    assert type(twin) is Sub
    assert (twin.attribute, twin.slot, twin.size, list(twin.items())) == (["attribute"], ["slot"], 5, PAIRS)
    assert not hasattr(twin, "unset")
    assert twin.__dict__ == {"attribute": ["attribute"]}


@pytest.mark.parametrize("name", ["copy.copy", "copy.deepcopy"])
def test_a_copy_of_a_table_that_contains_itself(name):
    table = HashTable(hash_func=seven)
    table["me"] = table
    twin = COPIES[name](table)
    assert twin["me"] is (table if name == "copy.copy" else twin)


@pytest.mark.parametrize(
    "state",
    [
        None,
        (),
        [],
        (4, 4, 0.5, hash, True, [], None),
        (4, 4, 0.5, hash, True, [], None, None, None),
        (0, 4, 0.5, hash, True, [], None, None),
        (4, 3, 0.5, hash, True, [], None, None),
        (-1, -1, 0.5, hash, True, [], None, None),
        (4, 4, 0.0, hash, True, [], None, None),
        (4, 4, float("nan"), hash, True, [], None, None),
        (4, 4, 0.5, None, True, [], None, None),
        (4, 4, 0.5, hash, True, None, None, None),
        (4, 4, 0.5, hash, True, [1], None, None),
        (4, 4, 0.5, hash, True, [([], 1)], None, None),
        (4, 2**62, 0.5, hash, True, [], None, None),
        ("4", 4, 0.5, hash, True, [], None, None),
        (4, 4, 0.5, hash, True, [], {"colour": 1}, None),
    ],
    ids=repr,
)
def test_a_state_that_is_none_changes_nothing(table, state):
    before = look(table)
    with pytest.raises((TypeError, ValueError, MemoryError, OverflowError, AttributeError)):
        table.__setstate__(state)
    assert look(table) == before


def test_a_copy_of_an_iterator(table):
    walk = iter(table.items())
    next(walk)
    twin = copy.copy(walk)
    assert list(twin) == PAIRS[1:]
    assert list(walk) == PAIRS[1:]
    assert list(pickle.loads(pickle.dumps(reversed(table)))) == ["c", "b", "a"]
    assert list(copy.copy(walk)) == []


# ---- == and | --------------------------------------------------------------------------------------------------------


def test_equality(table):
    for equal in (dict(PAIRS), filled(HashTable(3, 1.0, seven)), table.copy(), filled(HashTable(), PAIRS[::-1])):
        assert table == equal
        assert equal == table
        assert (table != equal, equal != table) == (False, False)
    for other in ({}, {**dict(PAIRS), "a": 9}, {**dict(PAIRS), "d": 4}, {"a": 1, "b": 2, "d": 3}, HashTable()):
        assert table != other
        assert other != table
        assert (table == other) is False
    assert table != PAIRS
    assert table != None  # noqa: E711
    assert HashTable() == {} == HashTable(9)


@pytest.mark.parametrize(("one", "other", "equal"), [(1, 1, True), (1, 1.0, False), ("1", "1", True), (1, True, True)])
def test_equality_with_a_typed_table_is_typed_from_either_side(one, other, equal):
    """If one of the two tells kinds apart, the comparison does; a dict does not."""
    typed, untyped, model = HashTable().set(one, 0), HashTable(typed=False).set(other, 0), {other: 0}
    assert (typed == untyped) == (untyped == typed) == equal
    assert (typed == model) == (model == typed) == equal
    assert (untyped == {one: 0}) == ({one: 0} == untyped) == (one == other)


def test_equality_is_left_to_the_other_if_that_is_no_table_and_no_dict(table):
    class Agreeable:
        def __eq__(self, other):
            return "of course"

    assert (table == Agreeable()) == "of course"


def test_there_is_no_order(table):
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError):
            compare(table, table)


def test_union(table):
    left = HashTable(5, 1.0, twice).set("a", 10).set("z", 26)
    union = left | table
    assert list(union.items()) == [("a", 1), ("z", 26), ("b", 2), ("c", 3)]
    assert (type(union), union.hash_func, union.max_load) == (HashTable, twice, 1.0)
    assert list(left.items()) == [("a", 10), ("z", 26)]
    assert list((left | {"a": 0}).items()) == [("a", 0), ("z", 26)]
    union = {"a": 0, "y": 25} | left
    assert list(union.items()) == [("a", 10), ("y", 25), ("z", 26)]
    assert (type(union), union.hash_func) == (HashTable, twice)
    for other in ([("a", 1)], None, 1):
        with pytest.raises(TypeError):
            left | other
        with pytest.raises(TypeError):
            other | left


@each_source
def test_union_in_place(table, source):
    updated = table.copy()
    updated.update(source())
    before = table
    table |= source()
    assert table is before
    assert list(table.items()) == list(updated.items())


# ---- views as sets ---------------------------------------------------------------------------------------------------

OPERATORS = [operator.and_, operator.or_, operator.sub, operator.xor]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
KEYS = [set(), {"a"}, {"a", "b", "c"}, {"a", "z"}, {"a", "b", "c", "d"}, frozenset("xyz"), {"a": 1}.keys()]
ITEMS = [set(), {("a", 1)}, set(PAIRS), {("a", 2)}, {*PAIRS, ("d", 4)}, {1, ("a",)}, dict(PAIRS).items()]


@pytest.mark.parametrize("compute", [*OPERATORS, *COMPARISONS], ids=lambda compute: compute.__name__)
@pytest.mark.parametrize(("name", "others"), [("keys", KEYS), ("items", ITEMS)], ids=["keys", "items"])
def test_views_are_sets(table, compute, name, others):
    view, model = getattr(table, name)(), getattr(dict(PAIRS), name)()
    for other in others:
        assert compute(view, other) == compute(model, other)
        assert compute(other, view) == compute(other, model)
        assert type(compute(view, other)) is type(compute(model, other))
    assert compute(view, view) == compute(model, model)
    assert compute(view, getattr(table.copy(), name)()) == compute(model, model)


@pytest.mark.parametrize("compute", OPERATORS, ids=lambda compute: compute.__name__)
def test_views_take_any_iterable(table, compute):
    keys, model = table.keys(), dict(PAIRS).keys()
    assert compute(keys, iter("abz")) == compute(model, iter("abz"))
    with pytest.raises(TypeError):
        compute(keys, 1)
    with pytest.raises(TypeError):
        compute(table.values(), {1})


def test_isdisjoint(table):
    for others in ([], ["a"], ["x", "y"], table.keys(), HashTable().keys(), iter("zzc")):
        others = list(others)
        assert table.keys().isdisjoint(iter(others)) == dict(PAIRS).keys().isdisjoint(others)
    assert table.items().isdisjoint([("a", 2), "a", None])
    assert not table.items().isdisjoint([("a", 1)])
    assert not table.keys().isdisjoint(table.keys())
    with pytest.raises(TypeError):
        table.keys().isdisjoint(1)


def test_views_compare_by_identity_where_they_are_no_sets(table):
    values = table.values()
    assert values == values
    assert values != table.values()
    with pytest.raises(TypeError):
        hash(table.keys())


def test_mapping_of_a_view(table):
    for view in (table.keys(), table.values(), table.items()):
        assert view.mapping["a"] == 1
        assert list(view.mapping) == ["a", "b", "c"]
        with pytest.raises(TypeError):
            view.mapping["a"] = 2


# ---- __missing__ -----------------------------------------------------------------------------------------------------


def test_missing_answers_for_subclasses_only_when_a_key_is_missing():
    class Default(HashTable):
        def __missing__(self, key):
            self[key] = [key]
            return self[key]

    table = Default().set("a", 1)
    assert (table["a"], table["b"]) == (1, ["b"])
    assert table["b"] is table["b"]
    assert table.get("c") is None
    assert "c" not in table
    with pytest.raises(KeyError):
        table.pop("c")


def test_what_missing_raises_is_not_replaced():
    class Refusing(HashTable):
        def __missing__(self, key):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Refusing()["a"]


def test_a_class_that_cannot_be_looked_into_is_no_class_without_missing():
    """What looking for `__missing__` raises is raised, and is not a KeyError. (dict loses it.)"""

    class Name(str):
        """A name that raises when it is compared with another of the same hash."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other):
            raise ZeroDivisionError

    odd = type("Odd", (HashTable,), {Name("__missing__"): None})
    with pytest.raises(ZeroDivisionError):
        odd()["a"]


@pytest.mark.parametrize(
    "missing",
    [
        str,
        staticmethod(lambda key: f"static {key}"),
        classmethod(lambda cls, key: (cls.__name__, key)),
        operator.neg,
    ],
    ids=["a type", "staticmethod", "classmethod", "a builtin"],
)
def test_missing_is_bound_as_dict_does(missing):
    expected = type("Sub", (dict,), {"__missing__": missing})()[1]
    assert type("Sub", (HashTable,), {"__missing__": missing})()[1] == expected


class Meta(type):
    """A metaclass with a __missing__, which is about classes."""

    def __missing__(cls, key):
        return "the metaclass's"


def test_only_the_missing_of_the_class_counts():
    class Without(HashTable):
        pass

    class OfMeta(HashTable, metaclass=Meta):
        pass

    class OfClass(HashTable, metaclass=Meta):
        def __missing__(self, key):
            return "the class's"

    for make in (Without, OfMeta):
        for answer in (None, lambda key: "the instance's"):
            table = make()
            if answer:
                table.__missing__ = answer
            with pytest.raises(KeyError):
                table["a"]
    table = OfClass()
    table.__missing__ = lambda key: "the instance's"
    assert table["a"] == "the class's"
