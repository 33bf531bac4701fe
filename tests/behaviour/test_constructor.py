"""`HashTable(size=4, max_load=0.5, hash_func=hash, *, typed=True)`: what it accepts and what it refuses.

The messages are promises. Also here: the read-only attributes, `__new__` without `__init__`, `__init__` again,
subclasses, weak references, and what else a type is expected to do as a whole.
"""

from __future__ import annotations

import contextlib
import gc
import struct
import sys
import types
import weakref
from collections.abc import MutableMapping
from decimal import Decimal
from fractions import Fraction

import pytest
from subject import HashTable, library_hash, look, same, seven

SIZE_MESSAGE = "size parameter must be a positive integer."
MAX_LOAD_MESSAGE = "max_load parameter must be a float between 0.0 and 1.0."
HASH_FUNC_MESSAGE = "hash_func must be callable."


def test_defaults():
    table = HashTable()
    assert (table.size, table.load, table.max_load, table.typed) == (4, 0, 0.5, True)
    assert table.hash_func is hash


def test_parameters_by_place_and_by_name():
    by_place = HashTable(7, 0.25, seven, typed=False)
    by_name = HashTable(typed=False, hash_func=seven, max_load=0.25, size=7)
    for table in (by_place, by_name):
        assert (table.size, table.load, table.max_load, table.typed) == (7, 0, 0.25, False)
        assert table.hash_func is seven


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000, 1023, 2**16])
def test_size_is_taken_as_it_is(size):
    assert HashTable(size).size == size


@pytest.mark.parametrize("size", [0, -1, -(2**63), -(2**64), -(10**30), 4.0, "4", None, [4], b"4", 4j])
def test_size_that_is_no_positive_int(size):
    with pytest.raises(TypeError) as raised:
        HashTable(size)
    assert str(raised.value) == SIZE_MESSAGE


@pytest.mark.parametrize("size", [2**60, 2**61, 2**62, 2**63 - 1, 2**63, 2**64, 10**30])
def test_size_that_no_machine_has_memory_for(size):
    with pytest.raises((MemoryError, OverflowError)):
        HashTable(size)


@pytest.mark.parametrize(
    ("max_load", "as_float"),
    [(1, 1.0), (1.0, 1.0), (0.1, 0.1), (5e-324, 5e-324), (Fraction(1, 4), 0.25), (Decimal("0.5"), 0.5)],
)
def test_max_load_is_a_real_number(max_load, as_float):
    table = HashTable(max_load=max_load)
    assert table.max_load == as_float
    assert type(table.max_load) is float


OUT_OF_BOUNDS = [0, 0.0, -0.0, -0.5, 1.0000001, 2, Fraction(3, 2), 10**400, *map(float, ("nan", "inf", "-inf"))]
NO_NUMBERS = ["0.5", None, 0.5j, [0.5]]


@pytest.mark.parametrize("max_load", [*OUT_OF_BOUNDS, *NO_NUMBERS])
def test_max_load_out_of_bounds(max_load):
    with pytest.raises(TypeError) as raised:
        HashTable(4, max_load)
    assert str(raised.value) == MAX_LOAD_MESSAGE


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ZeroDivisionError])
def test_what_the_conversion_of_max_load_raises_is_not_replaced(error):
    class Number:
        def __float__(self):
            raise error("by __float__")

    with pytest.raises(error, match="by __float__"):
        HashTable(max_load=Number())


@pytest.mark.parametrize("hash_func", [None, 3, "hash", [], object()])
def test_hash_func_that_cannot_be_called(hash_func):
    with pytest.raises(TypeError) as raised:
        HashTable(4, 0.5, hash_func)
    assert str(raised.value) == HASH_FUNC_MESSAGE


@pytest.mark.parametrize("hash_func", [hash, len, seven, str.__len__, int, types.MethodType(max, 1)])
def test_hash_func_may_be_any_callable(hash_func):
    assert HashTable(hash_func=hash_func).hash_func is hash_func


def test_hash_func_may_be_an_object_with_call():
    class Hasher:
        def __call__(self, key):
            return 3

    hasher = Hasher()
    table = HashTable(hash_func=hasher)
    assert table.hash_func is hasher
    assert table.hash_of("any key") == 3


@pytest.mark.parametrize("typed", [True, False])
def test_typed_is_a_bool(typed):
    assert HashTable(typed=typed).typed is typed


def test_arguments_that_are_not_parameters():
    with pytest.raises(TypeError):
        HashTable(4, 0.5, hash, True)  # typed is by keyword only
    with pytest.raises(TypeError):
        HashTable(colour="red")
    with pytest.raises(TypeError):
        HashTable(4, size=4)


@pytest.mark.parametrize("name", ["size", "load", "max_load", "hash_func", "typed"])
def test_attributes_are_read_only(name):
    table = HashTable()
    before = look(table)
    with pytest.raises((AttributeError, TypeError)):
        setattr(table, name, getattr(table, name))
    with pytest.raises((AttributeError, TypeError)):
        delattr(table, name)
    assert look(table) == before


def test_no_other_attributes_can_be_added():
    with pytest.raises(AttributeError):
        HashTable().colour = "red"


# ---- __new__ and __init__ --------------------------------------------------------------------------------------------


def test_new_without_init_is_a_whole_table():
    table = HashTable.__new__(HashTable)
    assert look(table) == look(HashTable())
    assert repr(table) == "[]\n" * 4
    assert table.get("a") is None
    with pytest.raises(KeyError):
        table.pop("a")
    assert table.set("a", 1) is table
    assert list(table.items()) == [("a", 1)]


def test_new_leaves_the_arguments_to_init():
    assert HashTable.__new__(HashTable, "no size", colour="red").size == 4


def test_init_again_begins_anew():
    table = HashTable(4, 0.5)
    for key in range(20):
        table[key] = key
    assert table.__init__(3, 1.0, seven, typed=False) is None
    assert look(table) == look(HashTable(3, 1.0, seven, typed=False))
    table["a"] = 1
    table.clear()
    assert table.size == 3


@pytest.mark.parametrize(
    "arguments", [(0,), ("4",), (2**62,), (4, 0.0), (4, float("nan")), (4, 0.5, None), (4, 0.5, hash, True)]
)
def test_init_again_that_fails_changes_nothing(arguments):
    table = HashTable(5, 0.75, seven, typed=False)
    table.set("a", 1).set("b", 2)
    before = look(table)
    with pytest.raises((TypeError, MemoryError, OverflowError)):
        table.__init__(*arguments)
    assert look(table) == before


def test_init_again_lets_go_of_the_old_content_last():
    """Whatever runs when the old content goes finds the table as it is to be."""
    seen = []

    class Watcher:
        def __del__(self):
            seen.append((table.size, len(table), list(table)))

    table = HashTable(4)
    table["watcher"] = Watcher()
    table.__init__(9)
    gc.collect()
    assert seen == [(9, 0, [])]


def test_init_again_inside_the_hash_function():
    """The pair is filed under the hash function that the table has then, or not at all."""

    def second(key):
        return 2

    def first(key):
        table.__init__(4, 0.5, second)
        return 1

    table = HashTable(4, 0.5, first)
    with contextlib.suppress(RuntimeError):
        table["a"] = 1
    assert table.hash_func is second
    assert table.buckets() in ([[], [], [("a", 1)], []], [[], [], [], []])
    assert [table.get(key) for key in table] == list(table.values())


def test_init_again_inside_a_comparison():
    """The table never has a key twice, and finds what it has."""

    class Key:
        armed = False

        def __hash__(self):
            return 1

        def __eq__(self, other):
            if Key.armed:
                Key.armed = False
                table.__init__(4, 0.5, lambda key: 2)
                table[new] = "inside"
            return self is other

    old, new = Key(), Key()
    table = HashTable(8, 1.0)
    table[old] = "old"
    Key.armed = True
    with contextlib.suppress(RuntimeError):
        table[new] = "outside"
    assert not Key.armed
    assert list(table) == [new]
    assert table[new] in ("inside", "outside")


# ---- subclasses ------------------------------------------------------------------------------------------------------


class Named(HashTable):
    """A subclass with an __init__ of its own, and a __dict__."""

    def __init__(self, name, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.name = name


class Forgetful(HashTable):
    """A subclass whose __init__ forgets the table's."""

    def __init__(self, name):
        self.name = name


class Slotted(HashTable):
    """A subclass without a __dict__."""

    __slots__ = ("name",)


def test_a_subclass_is_a_table_with_more():
    table = Named("squares", 3, 1.0, same)
    assert table.set(2, 4) is table
    assert (table.name, table.size, table.max_load, table[2]) == ("squares", 3, 1.0, 4)
    assert isinstance(table, HashTable)
    assert table.__dict__ == {"name": "squares"}


def test_a_subclass_that_forgets_init():
    table = Forgetful("forgetful")
    assert look(table) == look(HashTable())
    table["a"] = 1
    assert (table.name, table["a"]) == ("forgetful", 1)


def test_a_subclass_with_slots():
    table = Slotted(hash_func=seven)
    table.name = "slotted"
    table["a"] = table
    assert (table.name, table["a"]) == ("slotted", table)
    with pytest.raises(AttributeError):
        table.colour = "red"


def test_what_a_subclass_overrides_is_used():
    class Loud(HashTable):
        def __getitem__(self, key):
            return f"{super().__getitem__(key)}!"

        def __len__(self):
            return 10 + super().__len__()

    table = Loud()
    table["a"] = "hello"
    assert table["a"] == "hello!"
    assert len(table) == 11


@pytest.mark.parametrize("make", [HashTable, lambda: Named("a"), Slotted], ids=["HashTable", "with dict", "with slots"])
def test_weak_references(make):
    gone = []
    table = make()
    reference = weakref.ref(table, gone.append)
    assert reference() is table
    assert weakref.getweakrefs(table) == [reference]
    del table
    gc.collect()
    assert reference() is None
    assert gone == [reference]


def test_in_a_weak_dictionary():
    tables = weakref.WeakValueDictionary()
    table = tables["a"] = HashTable()
    assert tables["a"] is table
    del table
    gc.collect()
    assert "a" not in tables


# ---- the type as a whole ---------------------------------------------------------------------------------------------


def test_it_is_a_mutable_mapping():
    assert issubclass(HashTable, MutableMapping)
    assert isinstance(HashTable(), MutableMapping)


def test_it_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        hash(HashTable())
    assert HashTable.__hash__ is None


def test_class_getitem():
    alias = HashTable[str, int]
    assert isinstance(alias, types.GenericAlias)
    assert alias.__origin__ is HashTable
    assert alias.__args__ == (str, int)
    assert isinstance(alias(), HashTable)


def test_sizeof_counts_the_arrays():
    table = HashTable(4)
    gc_head = sys.getsizeof(table) - table.__sizeof__()
    assert gc_head >= 0
    assert table.__sizeof__() == HashTable.__basicsize__ + table.stats()["bytes"]
    assert sys.getsizeof(HashTable(1004)) - sys.getsizeof(table) == 1000 * 4  # a bucket is four bytes
    before = sys.getsizeof(table)
    for key in range(1000):
        table[key] = key
    assert table.__sizeof__() == HashTable.__basicsize__ + table.stats()["bytes"]
    # At least half a hash, a number, and the addresses of a key and a value for each pair.
    assert sys.getsizeof(table) - before > 1000 * (4 + 4 + 2 * struct.calcsize("P"))


def test_the_default_hash_is_the_builtin_even_if_that_is_replaced(monkeypatch):
    """The table hashes by the function that it shows, whatever the name `hash` means to others by now."""
    import builtins

    real = builtins.hash
    monkeypatch.setattr(builtins, "hash", lambda key: 1)
    table = HashTable()
    assert table.hash_func is real
    assert table.hash_of("a") == real("a")


def test_the_type_has_words_for_itself():
    for name in ("set", "get", "pop", "clear", "buckets", "stats", "hash_of", "bucket_of", "keys", "values", "items"):
        assert getattr(HashTable, name).__doc__, name
    for text in (HashTable.__doc__, library_hash.__doc__):
        assert text


@pytest.mark.skipif(sys.version_info < (3, 10), reason="`match` came in 3.10")
def test_it_matches_a_mapping_pattern():
    names = {"table": HashTable().set("a", 1).set("b", 2)}
    exec("match table:\n    case {'a': found, 'b': 2}: pass\n    case _: found = None", names)
    assert names["found"] == 1
