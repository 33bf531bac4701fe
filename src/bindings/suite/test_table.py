"""The hash table, by every binding: what all of them can do in common."""

import gc
import sys

import pytest

VALUES = [
    0,
    1,
    -1,
    2**31,
    2**63 - 1,
    -(2**63),
    0.0,
    -2.5,
    1e18,
    "",
    "text",
    "a\0b",
    "\u00fc\u20ac\U0001f40d",
    "x" * 5000,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[:24])
def test_keys_and_values_come_back(HashTable, value):
    table = HashTable()
    table.set(value, "its value").set("a key", value)
    assert table.get(value) == "its value"
    got = table.get("a key")
    assert got == value and type(got) is type(value)


def test_set_returns_the_table(HashTable):
    table = HashTable()
    assert table.set(1, 2) is table


def test_overwriting(HashTable):
    table = HashTable()
    table.set("key", 1).set("key", 2)
    assert (table.get("key"), table.load) == (2, 1)


def test_kinds_are_kept_apart(HashTable):
    table = HashTable()
    table.set(1, "int").set(1.0, "float").set("1", "str")
    assert [table.get(key) for key in (1, 1.0, "1")] == ["int", "float", "str"]
    assert table.get(True) == "int"


def test_a_string_does_not_end_at_a_nul(HashTable):
    table = HashTable()
    table.set("a\0b", 1)
    assert table.get("a") is None
    assert table.get("a\0b") == 1
    assert table.get("a\0c") is None


def test_what_is_missing(HashTable):
    table = HashTable()
    assert table.get("missing") is None
    assert table.get("missing", 5) == 5
    assert table.pop("missing", None) is None
    with pytest.raises(KeyError) as raised:
        table.pop("missing")
    assert raised.value.args == ("missing",)


def test_pop(HashTable):
    table = HashTable()
    table.set("key", "value")
    assert table.pop("key") == "value"
    assert (table.load, table.get("key")) == (0, None)
    assert table.pop("key", "default") == "default"


def test_size_and_load(HashTable):
    table = HashTable(2, 1.0)
    seen = [(table.size, table.load)]
    for key in range(5):
        table.set(key, key)
        seen.append((table.size, table.load))
    assert seen == [(2, 0), (2, 1), (2, 2), (4, 3), (4, 4), (8, 5)]


def test_defaults_and_names(HashTable):
    assert HashTable().size == 4
    table = HashTable(size=10, max_load=0.1, hash_func=lambda key: 3)
    table.set("a", 1).set("b", 2)
    assert table.size == 20


def test_picture(HashTable):
    table = HashTable()
    assert repr(table) == "[]\n[]\n[]\n[]\n"
    table.set(1, "at 1").set("\u00fcber!", "five characters, at 5 mod 4")
    assert repr(table) == "[]\n[]**\n[]\n[]\n"
    table.set(-1.5, "floor -2, at 6 mod 8")
    assert repr(table) == "[]\n[]*\n[]\n[]\n[]\n[]*\n[]*\n[]\n"


def test_a_large_picture(HashTable):
    assert repr(HashTable(10_000)) == "[]\n" * 10_000


def test_a_hash_function_in_python(HashTable):
    asked = []

    def function(key):
        asked.append(key)
        return 2

    table = HashTable(4, 1.0, function)
    table.set("a", 1).set(5, 2).set(2.5, 3)
    assert repr(table) == "[]\n[]\n[]***\n[]\n"
    assert [table.get("a"), table.pop(5), table.get("b")] == [1, 2, None]
    assert asked == ["a", 5, 2.5, "a", 5, "b"]


@pytest.mark.parametrize("answer", [0, -1, -2, -4, 2**63 - 1, -(2**63), 2**63, -(2**200), True], ids=repr)
def test_any_int_is_a_hash(HashTable, answer):
    table = HashTable(5, 0.5, lambda key: answer)
    table.set("key", "value")
    assert table.get("key") == "value"
    reduced = answer if -(2**63) <= answer < 2**63 else hash(answer)
    assert repr(table).split("\n").index("[]*") == reduced % 5


@pytest.mark.parametrize("answer", [None, 1.0, "1"], ids=repr)
def test_anything_else_is_none(HashTable, answer):
    table = HashTable(4, 0.5, lambda key: answer)
    with pytest.raises(ValueError, match="Invalid hash function"):
        table.set("key", "value")
    assert table.load == 0


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, MemoryError, KeyError])
def test_what_a_hash_function_raises_arrives(HashTable, error):
    raised = error("from the hash function")

    def function(key):
        raise raised

    table = HashTable(4, 0.5, function)
    for call in (lambda: table.set(1, 2), lambda: table.get(1), lambda: table.pop(1)):
        with pytest.raises(error) as caught:
            call()
        assert caught.value is raised
    assert table.load == 0


def test_a_hash_function_may_use_the_table(HashTable):
    def function(key):
        if key == "outer":
            table.set("inner", 1)
        return 0

    table = HashTable(4, 0.5, function)
    table.set("outer", 2)
    assert (table.get("inner"), table.get("outer")) == (1, 2)


@pytest.mark.parametrize(
    "arguments", [(0,), (-1,), ("4",), (4, 0.0), (4, 1.5), (4, float("nan")), (4, "half"), (4, 0.5, 5)], ids=repr
)
def test_bad_parameters(HashTable, arguments):
    with pytest.raises(Exception) as raised:
        HashTable(*arguments)
    assert not isinstance(raised.value, (SystemError, AssertionError))


def test_a_key_without_a_hash(HashTable):
    with pytest.raises((ValueError, OverflowError)):
        HashTable().set(float("nan"), 1)


def test_the_hash_function_is_given_back(HashTable):
    def function(key):
        return 0

    before = sys.getrefcount(function)
    tables = [HashTable(4, 0.5, function).set(1, 2) for _ in range(3)]
    assert sys.getrefcount(function) > before
    del tables
    gc.collect()
    assert sys.getrefcount(function) == before


def test_many_pairs(HashTable):
    table, like = HashTable(4, 0.75, hash), {}
    for number in range(3000):
        key = [number, number / 7, f"key {number}"][number % 3]
        table.set(key, number)
        like[key] = number
        if number % 5 == 0:
            assert table.pop(key) == like.pop(key)
    assert table.load == len(like)
    assert all(table.get(key) == value for key, value in like.items())
    assert table.size >= len(like) / 0.75
