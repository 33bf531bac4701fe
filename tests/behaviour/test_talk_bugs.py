"""What was wrong with the C program of the 2016 talk, bug by bug, and is not wrong here.

That program was a hash table in C for Python 2.7, and the reason for this one. Each test is named after one of its
bugs and does what showed it there. What was seen of it then stands beside.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import operator
import sys
import weakref

import leakchecks
import pytest
from subject import HashTable, look, module, same

pytestmark = pytest.mark.usefixtures("quiet_collector")


def test_pop_of_a_missing_key():
    """Then: a NULL was dereferenced, and the process was gone."""
    for table in (HashTable(), HashTable().set("other", 1)):
        with pytest.raises(KeyError) as raised:
            table.pop("missing")
        assert raised.value.args == ("missing",)
        assert table.pop("missing", "default") == "default"


def test_bucket_of_a_negative_hash_that_is_a_multiple_of_size():
    """Then: bucket number `size`, one behind the array; of 64 keys `-4 * i` six were lost."""
    table = HashTable(4, 0.5, same)
    for number in range(64):
        table.set(-4 * number, number)
        assert 0 <= table.bucket_of(-4 * number) < table.size
    assert [table[-4 * number] for number in range(64)] == list(range(64))
    assert HashTable(4, 1.0, same).bucket_of(-4) == 0
    assert HashTable(3, 1.0, same).bucket_of(-3) == 0


def test_a_picture_of_1000_buckets():
    """Then: printed into a buffer of a guessed length; cut off, and at this size a crash."""
    table = HashTable(1000)
    assert repr(table) == "[]\n" * 1000
    for number in range(400):
        table[number] = number
    assert repr(table).count("*") == 400
    assert len(repr(table)) == 3 * 1000 + 400


def test_the_builtins_are_not_used_up():
    """Then: a borrowed reference was given back; after 60 tables `range` was undefined, after 1000 imports failed."""
    namespace = builtins.__dict__
    before = sys.getrefcount(namespace)
    for _ in range(2000):
        HashTable()
    assert sys.getrefcount(namespace) == before
    assert eval("list(range(3))") == [0, 1, 2]
    assert importlib.reload(importlib.import_module("colorsys")).rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_use_before_init():
    """Then: `__new__` alone left the pointers NULL, and the next use crashed."""
    for use in (
        repr,
        len,
        list,
        look,
        lambda table: table.get("a"),
        lambda table: table.pop("a", None),
        lambda table: table.set("a", 1),
        lambda table: table.clear(),
        lambda table: table.hash_of("a"),
        lambda table: format(table, "full"),
        lambda table: table.__init__(),
    ):
        use(HashTable.__new__(HashTable))


def test_methods_are_not_functions_of_the_module():
    """Then: `hashtable.set(1, 2)` was called with NULL for self, and crashed."""
    for name in ("set", "get", "pop", "clear", "buckets", "stats", "keys", "hash_of", "__init__"):
        function = getattr(module, name, None)
        assert function is None or name.startswith("__"), name
    with pytest.raises(TypeError):
        HashTable.set(1, 2)
    with pytest.raises(TypeError):
        HashTable.get({}, 2)


@pytest.mark.parametrize("size", [2**61, 2**62, 2**63, 2**64, 2**64 // 8 + 1, 2**64 // 4 + 1, 10**100])
def test_memory_that_is_not_there(size):
    """Then: an unchecked `malloc` and an unchecked multiplication; a large size crashed."""
    with pytest.raises((MemoryError, OverflowError)):
        HashTable(size)
    table = HashTable().set("a", 1)
    with pytest.raises((MemoryError, OverflowError)):
        table.__init__(size)
    assert list(table.items()) == [("a", 1)]


def test_values_come_back_as_they_went_in():
    """Then: values were rebuilt as a C `int`, and 2**31 came back negative."""
    table = HashTable()
    for value in (2**31, -(2**31) - 1, 2**63, 10**100, 1.5, "a\0b", None, [1]):
        table.set("value", value)
        assert table.get("value") is value


def test_keys_reach_the_hash_function_whole():
    """Then: cut to 32 bits; 2000 keys `i << 32` shared one bucket."""
    seen = []
    table = HashTable(4096, 0.5, lambda key: seen.append(key) or key >> 32)
    for number in range(2000):
        table.set(number << 32, number)
    assert seen == [number << 32 for number in range(2000)]
    assert table.stats()["longest_chain"] == 1


@pytest.mark.parametrize("hash_func", [hash, len], ids=["hash", "len"])
def test_a_string_does_not_end_at_a_nul(hash_func):
    """Then: `'a\\0b'` was equal to `'a'`."""
    table = HashTable(hash_func=hash_func).set("a\0b", 1)
    assert "a" not in table
    assert "a\0c" not in table
    assert table["a\0b"] == 1
    assert list(table.set("a", 2)) == ["a\0b", "a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit, ZeroDivisionError])
def test_exceptions_of_the_hash_function_are_not_replaced(error):
    """Then: each became a ValueError, and a Ctrl-C was swallowed."""

    def hash_func(key):
        raise problem

    problem = error("by the hash function")
    with pytest.raises(error) as raised:
        HashTable(hash_func=hash_func).set("a", 1)
    assert raised.value is problem


@pytest.mark.parametrize("hash", [2**63 - 1, -(2**63), -1, -2, 0])
def test_no_hash_is_an_error_marker(hash):
    """Then: LONG_MAX said "an exception is set", and a hash that was just that raised SystemError."""
    table = HashTable(4, 0.5, lambda key: hash)
    table.set("a", 1).set("b", 2)
    assert table.hash_of("a") == hash
    assert (table["a"], table["b"]) == (1, 2)


def test_hashes_beyond_64_bits():
    """Then: refused, and the README's own hash function failed on words of seven letters."""

    def hash_func(word):
        return int("".join(str(ord(letter)) for letter in word))

    table = HashTable(hash_func=hash_func)
    words = ["words", "of", "sevenxx", "letters", "and", "considerablymorethansevenletters"]
    for word in words:
        table[word] = word
        assert table.hash_of(word) == (
            hash_func(word) if hash_func(word) < 2**63 else operator.index(hash(hash_func(word)))
        )
    assert list(table) == words


def test_the_attribute_size_is_that_of_now():
    """Then: never updated, it stayed 4."""
    table = HashTable()
    for number in range(100):
        table.set(number, number)
        assert table.size == len(table.buckets()) == repr(table).count("\n")
        assert table.load == number + 1
    assert table.size == 256


def test_the_memory_of_a_table_is_given_back():
    """Then: the object's own memory was never freed, 25 MB for 400 000 tables."""
    assert leakchecks.leaks("HashTable()") == []
    assert leakchecks.leaks("HashTable().set('a', 1)") == []


def test_a_second_init_leaks_nothing():
    """Then: the old table and its hash function stayed behind."""
    assert leakchecks.leaks("table.__init__(100)") == []
    assert leakchecks.leaks("table.__init__(4, 0.5, other_func)") == []
    assert leakchecks.survivors("table.__init__(4, 0.5, other_func)") == []


@pytest.mark.parametrize("key", ["bad_hash", "bad_answer", "bad_equality"])
def test_an_error_leaks_nothing(key):
    """Then: the error paths kept the key and what the hash function had returned."""
    for call in ("table.set({}, other)", "table.get({}, other)", "table.pop({}, other)", "table[{}]", "{} in table"):
        assert leakchecks.leaks(call.replace("{}", key)) == []
        assert leakchecks.survivors(call.replace("{}", key)) == []


def test_a_cycle_through_the_closure_of_the_hash_function():
    """Then: no support for the garbage collector, and such a cycle was there to stay."""

    def make():
        def hash_func(key):
            return table.load

        table = HashTable(hash_func=hash_func)
        return weakref.ref(table)

    reference = make()
    gc.collect()
    assert reference() is None


def test_nan_is_no_maximum_load():
    """Then: accepted, and as no load exceeds it the table never grew."""
    with pytest.raises(TypeError, match="max_load parameter must be a float between"):
        HashTable(4, float("nan"))
