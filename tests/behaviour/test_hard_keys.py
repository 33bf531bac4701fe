"""Keys that are hard on a table: subclasses of the builtin kinds, numbers equal across types, nan, strange strings, strange
comparisons.

Where tables are not typed, `dict` is the oracle: the same calls, in the same order, must give the same results. Where they are,
int, float and str are kept apart, and that is all that may differ.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import sys
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction

import pytest
from hostile import assert_sound
from subject import HashTable, library_hash

NAN = float("nan")


class Int(int):
    """A subclass that hashes and compares as int does."""


class Float(float):
    """Likewise."""


class Str(str):
    """Likewise."""


class IntWithHash(int):
    """A hash of its own; but equal to the int."""

    def __hash__(self):
        return 99

    __eq__ = int.__eq__


class IntThatDiffers(int):
    """Equal to nothing, not even to an int of its value, but for itself."""

    def __eq__(self, other):
        return self is other

    __hash__ = int.__hash__


class StrWithoutCase(str):
    """Equal to every str that differs from it in case alone."""

    def __eq__(self, other):
        return isinstance(other, str) and self.lower() == str(other).lower()

    def __hash__(self):
        return hash(self.lower())


class FloatEqualToAll(float):
    """Equal to everything of its hash."""

    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class Color(Enum):
    RED = 1


class Number(IntEnum):
    ONE = 1


#: Keys, many of them equal to one another in one way or another. The same object where it is the same line.
KEYS = [
    0, 1, 2, -1, -2, True, False, 0.0, -0.0, 1.0, 2.0, -1.0, 0.5, Fraction(1, 2), Decimal("0.5"), Decimal(1), Fraction(1), 1 + 0j,
    10**100, 10**100 + 1, 1e100, int(1e100), -(10**100), 2**63, 2**63 - 1, -(2**63), -(2**63) - 1, 2**64, 2**61 - 1, 2.0**63,
    float("inf"), float("-inf"), NAN, float("nan"), Decimal("nan"), complex(NAN, 0),
    "", "1", "1.0", "a", "A", "True", "\0", "a\0b", "a\0c", "a\0", "\ud800", "\udfff", "\ud800\udfff", "\U0001f600", "é", "e\u0301",
    b"", b"1", b"a", b"a\0b", None, NotImplemented, Ellipsis, (), (1,), (1.0,), (True,), (NAN,), (1, (2, (3,))), frozenset([1]),
    Int(1), Int(2), Int(10**100), Float(1.0), Float("nan"), Str("1"), Str("a"), IntWithHash(1), IntWithHash(99), 99,
    IntThatDiffers(1), IntThatDiffers(1), StrWithoutCase("a"), StrWithoutCase("A"), StrWithoutCase("ä"), "Ä", "ä",
    Color.RED, Number.ONE, int, type, len, object(), range(3), range(0, 3, 1),
]  # fmt: skip


def chatter(mapping, keys):
    """Calls a mapping with each key in many ways. Returns all that it answers, to be compared."""
    answers = []
    for number, key in enumerate(keys):
        answers.append((key in mapping, mapping.get(key, "none"), mapping.setdefault(key, number), len(mapping)))
        mapping[key] = ("overwritten", number)
        answers.append((mapping[key], list(map(id, mapping))))
    for number, key in enumerate(keys[::3]):
        answers.append((mapping.pop(key, "none"), key in mapping, len(mapping)))
        mapping[key] = ("again", number)
        answers.append(list(map(id, mapping)))
    answers.append([mapping.popitem() for _ in range(len(mapping) // 2)])
    answers.append(list(mapping.items()))
    return answers


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("max_load", [0.3, 1.0])
def test_as_dict_where_not_typed(size, max_load):
    for keys in (KEYS, KEYS[::-1], KEYS[1::2] + KEYS[::2]):
        table = HashTable(size, max_load, typed=False)
        assert repr(chatter(table, keys)) == repr(chatter({}, keys))
        # Without the two kinds of key that are equal to others but have another hash, which no table finds again.
        assert_sound_without_liars(table)


def assert_sound_without_liars(table):
    table = table.copy()
    for key in list(table):
        if isinstance(key, (IntWithHash, StrWithoutCase)):
            table.pop(key)
    assert_sound(table)


def kind(key):
    """What a typed table tells apart."""
    return next((kind for kind in (int, str, float) if isinstance(key, kind)), None)


def same_key(one, other):
    """What a typed table takes for the same key, in words of Python."""
    kinds = {kind(one), kind(other)} - {None}
    return one is other or (len(kinds) < 2 and bool(one == other))


@pytest.mark.parametrize("size", [1, 3, 64])
def test_typed_tables_keep_int_float_and_str_apart(size):
    """Against a list of pairs that is searched from its newest end, as a chain is."""
    table, model = HashTable(size, 1.0, lambda key: 0), []
    for number, key in enumerate(KEYS):
        found = [pair for pair in reversed(model) if same_key(pair[0], key)][:1]
        assert (key in table) == bool(found)
        assert table.get(key, "none") == (found[0][1] if found else "none")
        table[key] = number
        if found:
            found[0][1] = number
        else:
            model.append([key, number])
        assert [[id(key), value] for key, value in table.items()] == [[id(key), value] for key, value in model]


@pytest.mark.parametrize(
    ("one", "other"), list(itertools.permutations([1, 1.0, "1", Int(1), Float(1), Str("1"), True], 2))
)
def test_equal_across_types(one, other):
    typed, untyped = HashTable(), HashTable(typed=False)
    for table in (typed, untyped):
        table[one] = "one"
        table[other] = "other"
    oracle = {one: "one"}
    oracle[other] = "other"
    assert list(untyped.items()) == list(oracle.items())
    assert len(typed) == (1 if one == other and kind(one) is kind(other) else 2)
    assert typed[one] == ("other" if len(typed) == 1 else "one")
    assert typed[other] == "other"
    # What a table has overwritten keeps its key.
    assert next(iter(typed)) is one


@pytest.mark.parametrize("typed", [True, False])
class TestNumbers:
    def test_nan_is_found_by_identity(self, typed):
        table = HashTable(typed=typed)
        other = float("nan")
        table[NAN] = "nan"
        assert table[NAN] == "nan"
        assert NAN in table
        assert other not in table
        table[other] = "other"
        assert len(table) == 2
        assert table.pop(NAN) == "nan"
        assert list(table.items()) == [(other, "other")]

    def test_zeros_are_one_key(self, typed):
        table = HashTable(typed=typed)
        table[0.0] = "plus"
        table[-0.0] = "minus"
        assert list(table.items()) == [(0.0, "minus")]
        assert math.copysign(1, next(iter(table))) == 1.0
        table[0] = "int"
        table[False] = "bool"
        assert list(table.values()) == (["minus", "bool"] if typed else ["bool"])

    def test_bools_are_ints(self, typed):
        table = HashTable(typed=typed)
        table[True] = "yes"
        table[1] = "one"
        table[0] = "zero"
        table[False] = "no"
        assert list(map(repr, table.items())) == ["(True, 'one')", "(0, 'no')"]

    def test_large_ints(self, typed):
        table = HashTable(typed=typed)
        numbers = [sign * (10**power + more) for power in (18, 19, 20, 100) for more in (-1, 0, 1) for sign in (1, -1)]
        for number in numbers:
            table[number] = str(number)
        assert [table[int(str(number))] for number in numbers] == list(map(str, numbers))
        assert all(table.hash_of(number) == hash(number) for number in numbers)
        assert_sound(table)

    def test_ints_whose_hashes_collide(self, typed):
        """All have the hash 1: `hash` reduces an int by 2**61 - 1."""
        modulus = sys.hash_info.modulus
        table = HashTable(typed=typed)
        numbers = [1 + modulus * factor for factor in range(40)]
        for number in numbers:
            table[number] = number
        assert {table.hash_of(number) for number in numbers} == {1}
        assert table.stats()["longest_chain"] == 40
        assert [table[number] for number in numbers] == numbers
        assert_sound(table)


@pytest.mark.parametrize("hash_func", [hash, len, library_hash])
@pytest.mark.parametrize("typed", [True, False])
def test_strings_of_any_kind(hash_func, typed):
    strings = [key for key in KEYS if type(key) is str]
    strings += [text * 2 for text in strings if text] + [
        "\ud83d\ude00",
        "\ud83d",
        "\ude00",
        "\x00\x00",
        "\x7f",
        "\uffff",
    ]
    table = HashTable(3, 1.0, hash_func, typed=typed)
    for text in strings:
        table[text] = text
    assert list(table) == list(dict.fromkeys(strings))
    for text in strings:
        # An equal str that is another object.
        assert table["".join(list(text))] == text
    assert table.get("a\0d", "none") == "none"
    assert_sound(table)
    assert f"{table:full}".count(" -> ") == len(table)


# ---- what keys answer ------------------------------------------------------------------------------------------------


class Answers:
    """A key that is asked whether it is equal to another, and answers whatever it was told."""

    def __init__(self, answer):
        self.answer = answer

    def __eq__(self, other):
        return self.answer

    def __hash__(self):
        return 1


class Truth:
    def __init__(self, truth):
        self.truth = truth

    def __bool__(self):
        return self.truth


class Long:
    """True in a condition because of its length."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length


class Array:
    """Compares as numpy's arrays do: element by element, which is neither true nor false."""

    def __init__(self, *elements):
        self.elements = elements

    def __eq__(self, other):
        return Array(*(one == two for one, two in zip(self.elements, other.elements)))

    def __hash__(self):
        return 1

    def __bool__(self):
        raise ValueError("The truth value of an array with more than one element is ambiguous.")


ANSWERS = {
    "1": 1,
    "0": 0,
    "2.5": 2.5,
    "''": "",
    "'no'": "no",
    "[]": [],
    "[0]": [0],
    "None": None,
    "NotImplemented": NotImplemented,
    "Ellipsis": ...,
    "a true object": Truth(True),
    "a false object": Truth(False),
    "long": Long(3),
    "short": Long(0),
    "object": object(),
    "10**100": 10**100,
    "nan": NAN,
    "a type": int,
    "an exception": ValueError("not raised"),
}


def both(call):
    """Makes a call of a dict and of tables, typed and not. Returns the three outcomes: results, or exceptions in words."""
    outcomes = []
    for make in (dict, HashTable, lambda: HashTable(typed=False)):
        try:
            outcomes.append(call(make()))
        except Exception as error:
            outcomes.append((type(error), str(error)))
    return outcomes


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("stored", ["stored", "asked for"])
def test_comparisons_that_answer_with_other_than_bools(name, stored):
    answers, plain = Answers(ANSWERS[name]), Answers(False)

    def call(mapping):
        first, second = (answers, plain) if stored == "stored" else (plain, answers)
        mapping[first] = "first"
        found = second in mapping
        mapping[second] = "second"
        return found, list(mapping.values()), mapping.pop(second), len(mapping)

    of_dict, typed, untyped = both(call)
    assert typed == untyped == of_dict
    if stored == "stored" and name != "NotImplemented":
        assert of_dict[0] is bool(ANSWERS[name])


@pytest.mark.parametrize(
    "error",
    [ValueError, KeyError, LookupError, RuntimeError, MemoryError, StopIteration, KeyboardInterrupt, SystemExit],
)
@pytest.mark.parametrize("where", ["eq", "bool", "hash"])
def test_comparisons_that_raise(error, where):
    """What is raised comes through unchanged, whatever it is, and nothing has happened."""

    class Fails:
        def __init__(self, armed):
            self.armed = armed

        def fail(self, at):
            if self.armed and at == where:
                raise raised

        def __eq__(self, other):
            self.fail("eq")
            return self

        def __bool__(self):
            self.fail("bool")
            return False

        def __hash__(self):
            self.fail("hash")
            return 1

    raised = error("from the key")
    table = HashTable()
    # The key in the table is the one whose `__eq__` is asked.
    stored = Fails(False)
    table[stored] = "value"
    stored.armed = where != "hash"
    for call in (
        lambda key: table[key],
        lambda key: table.get(key),
        lambda key: key in table,
        lambda key: table.set(key, 1),
        lambda key: table.pop(key, None),
        lambda key: table.setdefault(key),
        lambda key: table.update([(key, 1)]),
        lambda key: table.keys() & [key] if where != "hash" else table.hash_of(key),
        lambda key: (key, 1) in table.items(),
    ):
        with pytest.raises(BaseException) as caught:
            call(Fails(where == "hash"))
        assert caught.value is raised
        raised = caught.value.with_traceback(None)
    assert list(table.items()) == [(stored, "value")]
    assert table[stored] == "value"


def test_keys_that_compare_as_arrays_do():
    array = Array(1, 2)

    def call(mapping):
        mapping[array] = "value"
        assert mapping[array] == "value"  # the same object is not compared
        return mapping.get(Array(1, 2))

    of_dict, typed, untyped = both(call)
    assert of_dict[0] is ValueError
    assert typed == untyped == of_dict


def test_keys_that_are_equal_to_everything():
    def call(mapping):
        mapping[1.0] = "float"
        mapping[FloatEqualToAll(1.0)] = "all"
        return list(mapping.items())

    of_dict, typed, untyped = both(call)
    assert typed == untyped == of_dict == [(1.0, "all")]


def test_keys_that_change_their_hash_or_equality():
    """A table cannot find such keys again, and nor can a dict; but it stays whole, and releases them."""

    class Fickle:
        hash = 0

        def __hash__(self):
            Fickle.hash += 1
            return Fickle.hash

    table = HashTable(2, 1.0)
    keys = [Fickle() for _ in range(50)]
    for key in keys:
        table[key] = key
        table[key] = key
    assert len(table) == len(list(table)) == sum(map(len, table.buckets())) == 100
    assert table == table.copy() or True  # it may say anything, but must say it
    for _ in range(50):
        with contextlib.suppress(KeyError):
            table.pop(keys[0])
    assert len(table) == len(list(table)) == sum(map(len, table.buckets()))
    table.clear()
    assert len(table) == 0


@pytest.mark.parametrize("key", [[], {}, set(), bytearray(), HashTable(), slice(1), [1, 2], ({},), (1, [2])])
def test_keys_that_cannot_be_hashed(key):
    """As with dict where they are hashed by `hash`. (Slices can be hashed from 3.12 on.)"""

    def call(mapping):
        mapping[key] = 1
        return len(mapping)

    of_dict, typed, untyped = both(call)
    assert typed == untyped
    assert typed[:1] == of_dict[:1] if type(of_dict) is tuple else typed == of_dict
    # A hash function that can do more makes keys of them.
    table = HashTable(hash_func=id)
    table[key] = "value"
    assert table[key] == "value"


@pytest.mark.parametrize("key", [(1, 2), (), ((1,),), ("a", "b", "c"), None, 0, "", NAN, Color.RED])
@pytest.mark.parametrize("call", ["[]", "pop", "del"])
def test_the_key_that_is_missing(key, call):
    """GUARD: a KeyError has exactly one argument, the key itself, also if that is a tuple."""
    table = HashTable()
    calls = {"[]": lambda: table[key], "pop": lambda: table.pop(key), "del": lambda: table.__delitem__(key)}
    with pytest.raises(KeyError) as raised:
        calls[call]()
    assert len(raised.value.args) == 1
    assert raised.value.args[0] is key
