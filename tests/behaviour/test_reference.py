"""The extension against the table in plain Python (reference.py): the same things done to both, and both look the same.

Hypothesis draws the parameters of a table and a list of operations. After each of them everything that can be seen is
compared: what came of it or what it raised, the picture, the buckets, the order.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import ReferenceTable
from subject import HashTable, library_hash, mixed_hash

NAN = float("nan")

# ---- hash functions --------------------------------------------------------------------------------------------------


class Refused(Exception):
    """What a hash function raises that does not like a key."""


def digits(key):
    """The ordinals of the key's characters, written one behind the other: soon an int beyond 64 bits."""
    return int("".join(str(ord(character)) for character in repr(key)))


def a_few_buckets(key):
    return len(repr(key)) % 3


def multiples_of_size(key):
    return -4 * len(repr(key))


def picky(key):
    if isinstance(key, str):
        raise Refused("no strings")
    return "not an int" if key is None else hash(key)


HASH_FUNCTIONS = [hash, library_hash, mixed_hash, digits, a_few_buckets, multiples_of_size, picky]

# ---- keys and operations ---------------------------------------------------------------------------------------------

# Few enough that they meet again, and many that are equal in one kind of table and not in the other.
INTS = [0, 1, 2, 3, -1, -2, -4, 8, 2**31, 2**63, -(2**63), 10**100, True, False]
FLOATS = [0.0, -0.0, 1.0, 1.5, 2.0, NAN, float("inf")]
TEXTS = ["", "1", "a", "b", "a\0b", "a\0c", "\ud800", "word"]
OTHERS = [None, (), (1,), (1.0,), b"a", frozenset({1}), 1j, [1], ...]
KEYS = st.sampled_from([*INTS, *FLOATS, *TEXTS, *OTHERS])
VALUES = st.integers(0, 9)

OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["set", "__setitem__"]), KEYS, VALUES),
    st.tuples(st.sampled_from(["set", "__setitem__"]), KEYS, VALUES),
    st.tuples(st.sampled_from(["pop", "get"]), KEYS, VALUES),
    st.tuples(
        st.sampled_from(["pop", "get", "__delitem__", "__getitem__", "__contains__", "hash_of", "bucket_of"]), KEYS
    ),
    st.tuples(st.sampled_from(["clear"])),
)


def done(table, operation):
    """What comes of an operation: ("returned", what), or ("raised", the type, its arguments)."""
    name, *arguments = operation
    try:
        result = getattr(table, name)(*arguments)
    except Exception as error:
        return "raised", type(error), error.args
    if name in ("set", "__setitem__"):
        return "returned", "the table" if result is table else result
    return "returned", result


def seen(table):
    """What can be seen of a table, as text: 1, 1.0 and True are equal, and here they must not be."""
    return (
        [table.size, table.load, table.max_load, table.typed, len(table), repr(table)],
        repr(table.buckets()),
        [repr(list(each)) for each in (table, reversed(table), table.keys(), table.values(), table.items())],
    )


@given(
    size=st.integers(1, 9),
    max_load=st.sampled_from([0.1, 0.3, 0.5, 0.75, 1.0]),
    hash_func=st.sampled_from(HASH_FUNCTIONS),
    typed=st.booleans(),
    operations=st.lists(OPERATIONS, max_size=40),
)
@example(3, 1.0, hash, False, [("set", 1, 1), ("set", 1.0, 2), ("set", True, 3)])
@example(4, 0.5, multiples_of_size, True, [("set", key, 1) for key in ("", "a", "b", "word", 1, 8)])
def test_it_is_what_the_reference_is(size, max_load, hash_func, typed, operations):
    table = HashTable(size, max_load, hash_func, typed=typed)
    reference = ReferenceTable(size, max_load, hash_func, typed=typed)
    assert seen(table) == seen(reference)
    for operation in operations:
        expected = done(reference, operation)
        if operation[0] == "__setitem__" and expected[0] == "returned":
            expected = ("returned", None)  # the reference has only `set`
        assert done(table, operation) == expected
        assert seen(table) == seen(reference)


@given(keys=st.lists(st.integers(), max_size=200), size=st.integers(1, 50), max_load=st.floats(0.05, 1.0))
def test_whatever_ints_come(keys, size, max_load):
    table, reference = HashTable(size, max_load), ReferenceTable(size, max_load)
    for key in keys:
        table[key] = reference[key] = key
    for key in keys[::3]:
        assert table.pop(key, None) == reference.pop(key, None)
    assert seen(table) == seen(reference)


@given(keys=st.lists(st.text(st.characters()), max_size=100))
def test_whatever_texts_come(keys):
    table, reference = HashTable(hash_func=library_hash), ReferenceTable(hash_func=library_hash)
    for key in keys:
        table[key] = reference[key] = key
    assert seen(table) == seen(reference)


# ---- controls: a table that is wrong is found out --------------------------------------------------------------------


class OldestFirst(ReferenceTable):
    """Puts new pairs to the end of their chain."""

    def buckets(self):
        return [bucket[::-1] for bucket in super().buckets()]


class GrowsTooLate(ReferenceTable):
    """Takes one pair more than it should before it grows."""

    load = property(lambda self: max(0, len(self) - 1))

    def __len__(self):
        return sum(len(chain) for chain in self.chains)


class Untyped(ReferenceTable):
    """Does not tell kinds apart, and does not say so."""

    def are_equal(self, one, other):
        return one == other


@pytest.mark.parametrize("wrong", [OldestFirst, GrowsTooLate, Untyped])
def test_the_comparison_sees_a_difference(wrong):
    table, other = HashTable(2, 1.0), wrong(2, 1.0)
    for key in (1, 3, 1.0, 3.0, 5):
        table[key] = other[key] = key
    assert seen(table) != seen(other)
