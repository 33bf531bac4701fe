"""From a key to its hash: hash functions in Python, what they may answer and raise, and `library_hash`."""

from __future__ import annotations

import math
import pickle
import random

import pytest
from subject import HashTable, library_hash, look, mixed_hash, same, seven

WRONG_KIND = "Invalid hash function -- all keys must hash to an integer."
HUGE = [2**63, -(2**63) - 1, 2**64, 2**64 - 1, 10**30, -(10**30), 2**1000, 3**2000, -(3**2000)]
WHOLE = [0, 1, -1, -2, 2**31, 2**32, -(2**31), 2**61 - 1, 2**62, -(2**62), 2**63 - 1, -(2**63)]

#: Every way in which a key is hashed.
ACCESSES = {
    "[]": lambda table, key: table[key],
    "[]=": lambda table, key: table.__setitem__(key, 1),
    "del": lambda table, key: table.__delitem__(key),
    "in": lambda table, key: key in table,
    "set": lambda table, key: table.set(key, 1),
    "get": lambda table, key: table.get(key, 1),
    "pop": lambda table, key: table.pop(key, 1),
    "hash_of": lambda table, key: table.hash_of(key),
    "bucket_of": lambda table, key: table.bucket_of(key),
    "in keys": lambda table, key: key in table.keys(),
    "in items": lambda table, key: (key, 1) in table.items(),
}
each_access = pytest.mark.parametrize("access", ACCESSES.values(), ids=ACCESSES.keys())


# ---- what is called, and with what -----------------------------------------------------------------------------------


@each_access
def test_the_hash_function_is_called_once_with_the_key(access):
    called_with = []

    def hash_func(key):
        called_with.append(key)
        return 3

    table = HashTable(hash_func=hash_func).set("a", 1).set("b", 2)
    called_with.clear()
    access(table, "a")
    assert called_with == ["a"]


def test_growing_hashes_nothing_again():
    calls = []
    table = HashTable(1, 0.5, lambda key: calls.append(key) or key)
    for key in range(100):
        table[key] = key
    assert len(calls) == 100


def test_walking_hashes_nothing():
    table = HashTable(hash_func=lambda key: calls.append(key) or 1)
    calls = []
    table.set("a", 1).set("b", 2)
    calls.clear()
    look(table)
    repr(table)
    format(table, "full")
    table.clear()
    assert calls == []


def test_the_key_is_passed_as_it_is():
    """The very object, whole: no 32 bits, no copy, nothing cut off."""
    for key in (2**63, 10**100, "a\0b", (1, [2]), [3], {"d": 4}, object(), None):
        got = []
        HashTable(hash_func=lambda key, got=got: got.append(key) or 1).set(key, 1)
        assert got[0] is key


def test_a_key_need_not_be_hashable_for_python():
    table = HashTable(hash_func=len)
    table.set([1, 2], "list").set({}, "dict").set("ab", "str")
    assert table[[1, 2]] == "list"
    assert table[{}] == "dict"
    assert table["ab"] == "str"
    assert [3, 4] not in table


# ---- what it may answer ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", WHOLE)
def test_an_int_of_64_bits_is_taken_as_it_is(answer):
    table = HashTable(7, 1.0, lambda key: answer)
    assert table.hash_of("a") == answer
    assert table.bucket_of("a") == answer % 7
    assert table.set("a", 1)["a"] == 1


@pytest.mark.parametrize("answer", HUGE)
def test_an_int_beyond_64_bits_is_reduced_as_hash_does(answer):
    table = HashTable(7, 1.0, lambda key: answer)
    assert table.hash_of("a") == hash(answer)
    assert table.bucket_of("a") == hash(answer) % 7
    assert table.set("a", 1)["a"] == 1


def test_a_bool_is_an_int():
    assert HashTable(hash_func=bool).hash_of("a") == 1
    assert HashTable(hash_func=bool).hash_of("") == 0


def test_an_answer_of_a_subclass_of_int():
    """Its value counts, and a hash of its own does not."""

    class Int(int):
        def __hash__(self):
            raise ZeroDivisionError

        def __int__(self):
            raise ZeroDivisionError

        __index__ = __int__

    assert HashTable(hash_func=lambda key: Int(12)).hash_of("a") == 12
    assert HashTable(hash_func=lambda key: Int(10**30)).hash_of("a") == hash(10**30)


@each_access
@pytest.mark.parametrize(
    "answer", [None, 1.0, "1", b"1", [1], 1j, float("nan"), object()], ids=lambda a: type(a).__name__
)
def test_any_other_answer_is_a_value_error(access, answer):
    answers = {"a": 7}
    table = HashTable(hash_func=lambda key: answers.get(key, answer)).set("a", 1)
    before = look(table)
    with pytest.raises(ValueError) as raised:
        access(table, "b")
    assert type(raised.value) is ValueError
    assert str(raised.value) == WRONG_KIND
    assert look(table) == before


def test_an_answer_with_index_is_no_int():
    class Index:
        def __index__(self):
            return 1

    with pytest.raises(ValueError) as raised:
        HashTable(hash_func=lambda key: Index()).set("a", 1)
    assert str(raised.value) == WRONG_KIND


# ---- what it raises --------------------------------------------------------------------------------------------------


class Refused(Exception):
    """An exception of the user's own."""


ERRORS = [KeyError("x"), ValueError(), TypeError(), MemoryError(), RuntimeError(), OverflowError(), SystemError()]
SPECIAL = [Refused("x", 1), StopIteration(2), KeyboardInterrupt(), SystemExit(3), GeneratorExit()]


@each_access
@pytest.mark.parametrize("problem", [*ERRORS, *SPECIAL], ids=lambda problem: type(problem).__name__)
def test_what_it_raises_reaches_the_caller_unchanged(access, problem):
    def hash_func(key):
        if key == "b":
            raise problem
        return 7

    table = HashTable(hash_func=hash_func).set("a", 1)
    before, args = look(table), problem.args
    with pytest.raises(type(problem)) as raised:
        access(table, "b")
    assert raised.value is problem
    assert problem.args == args
    assert problem.__cause__ is problem.__context__ is None
    assert look(table) == before


def test_what_hash_raises_reaches_the_caller_unchanged():
    class Key:
        def __hash__(self):
            raise problem

    problem = Refused()
    table = HashTable()
    with pytest.raises(Refused) as raised:
        table[Key()] = 1
    assert raised.value is problem
    assert len(table) == 0


def test_a_hash_function_that_takes_no_argument():
    with pytest.raises(TypeError):
        HashTable(hash_func=lambda: 1).set("a", 1)


def test_endless_recursion_is_a_recursion_error():
    table = HashTable(hash_func=lambda key: table.hash_of(key))
    with pytest.raises(RecursionError):
        table["a"] = 1
    assert len(table) == 0


# ---- the builtin hash ------------------------------------------------------------------------------------------------


def test_the_default_is_the_builtin_hash():
    table = HashTable()
    for key in ("a", "", 1, -1, -2, 2**61 - 1, 2**61, 1.5, -0.0, None, (), (1, "a"), b"a", frozenset("ab"), HashTable):
        assert table.hash_of(key) == hash(key)
        assert table.bucket_of(key) == hash(key) % 4


def test_the_builtin_hash_given_by_hand_is_the_same():
    assert HashTable(hash_func=hash).hash_of("word") == HashTable().hash_of("word")


# ---- library_hash ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*WHOLE, True, False])
def test_library_hash_of_an_int_is_itself(key):
    assert library_hash(key) == key
    assert type(library_hash(key)) is int


@pytest.mark.parametrize("key", HUGE)
def test_library_hash_of_an_int_beyond_64_bits_is_reduced_as_hash_does(key):
    assert library_hash(key) == hash(key)


def test_library_hash_of_a_float_is_its_floor():
    for key in (0.0, -0.0, 0.5, -0.5, 1.0, 2.999, -2.001, 1e15 + 0.5, 2.0**52, -(2.0**63), 5e-324, -5e-324):
        assert library_hash(key) == math.floor(key)
    numbers = random.Random(2016)
    for _ in range(1000):
        key = numbers.uniform(-1e6, 1e6)
        assert library_hash(key) == math.floor(key)


@pytest.mark.parametrize("key", [2.0**63, -(2.0**64), 1e300, -1.7e308])
def test_library_hash_of_a_float_beyond_64_bits_is_that_of_its_floor(key):
    assert library_hash(key) == hash(math.floor(key))


@pytest.mark.parametrize(("key", "error"), [("nan", ValueError), ("inf", OverflowError), ("-inf", OverflowError)])
def test_library_hash_of_a_float_without_a_floor(key, error):
    """As `math.floor` has it."""
    with pytest.raises(error):
        math.floor(float(key))
    with pytest.raises(error):
        library_hash(float(key))


@pytest.mark.parametrize("key", ["", "a", "hash", "a\0b", "\0", "é", "e\u0301", "𝄞", "\ud800", "x" * 1000])
def test_library_hash_of_a_str_is_its_length_in_code_points(key):
    assert library_hash(key) == len(key)


@pytest.mark.parametrize("key", [None, b"a", (), [], {}, 1j, object(), int])
def test_library_hash_of_anything_else_is_a_type_error(key):
    with pytest.raises(TypeError):
        library_hash(key)
    with pytest.raises(TypeError):
        HashTable(hash_func=library_hash).set(key, 1)


def test_library_hash_goes_by_the_kind_that_a_subclass_is_of():
    class Int(int):
        def __hash__(self):
            return 99

    class Str(str):
        __slots__ = ()

        def __len__(self):
            return 99

    class Float(float):
        def __floor__(self):
            return 99

    assert [library_hash(key) for key in (Int(5), Str("abc"), Float(2.5))] == [5, 3, 2]


def test_library_hash_as_hash_func():
    table = HashTable(8, 1.0, library_hash)
    assert table.hash_func is library_hash
    words = ["hash", "func", "key", "bucket", "a", ""]
    for word in words:
        table[word] = word.upper()
        assert table.hash_of(word) == len(word)
    assert [[key for key, _ in bucket] for bucket in table.buckets()] == [
        [""],
        ["a"],
        [],
        ["key"],
        ["func", "hash"],
        [],
        ["bucket"],
        [],
    ]
    assert table.set(-2.5, 1).bucket_of(-2.5) == -3 % 8


def test_library_hash_needs_one_argument():
    for arguments in ((), (1, 2)):
        with pytest.raises(TypeError):
            library_hash(*arguments)


# ---- mixed_hash ------------------------------------------------------------------------------------------------------


def mixed(number):
    """The definition, from the builtin hash on: a shift by half the width, a multiplication, the bytes turned around, a
    multiplication, a shift."""
    bits = number % 2**64
    bits = (bits ^ bits >> 32) * 0x9E3779B97F4A7C15 % 2**64
    bits = int.from_bytes(bits.to_bytes(8, "little"), "big") * 0x9E3779B97F4A7C15 % 2**64
    bits ^= bits >> 32
    return bits - 2**64 if bits >= 2**63 else bits


@pytest.mark.parametrize(
    "key", [0, 1, -1, -2, 2**31, 2**61 - 1, 10**40, -(10**40), True, 0.5, "", "word", (1, 2), None]
)
def test_mixed_hash_is_the_builtin_hash_mixed(key):
    assert mixed_hash(key) == mixed(hash(key))
    assert type(mixed_hash(key)) is int
    table = HashTable(hash_func=mixed_hash)
    assert table.hash_func is mixed_hash
    assert table.set(key, "found")[key] == "found"
    assert table.hash_of(key) == mixed_hash(key)
    assert table.bucket_of(key) == mixed_hash(key) % table.size


def test_equal_keys_have_the_same_mixed_hash():
    assert mixed_hash(2) == mixed_hash(2.0) == mixed_hash(2 + 0j)
    assert HashTable(hash_func=mixed_hash, typed=False).set(2, "two")[2.0] == "two"


CLUSTERED = {
    "i << 32": lambda i: i << 32,
    "i / 1024": lambda i: i / 1024,
    "i * 4096": lambda i: i * 4096,
    "-i << 20": lambda i: -i << 20,
    "i * 2.0**-40": lambda i: i * 2.0**-40,
}


@pytest.mark.parametrize("name", CLUSTERED)
def test_clustered_keys_are_spread(name):
    keys = [CLUSTERED[name](i) for i in range(4000)]
    default = HashTable().fromkeys(keys)
    table = HashTable(hash_func=mixed_hash)
    table.update(dict.fromkeys(keys))
    assert list(table) == keys
    stats = table.stats()
    assert stats["hashed_by"] == "mixed_hash"
    # The longest of so many chains, if each key falls into any bucket, is 6 or 7; 12 would be less likely than 1 to a million.
    assert stats["longest_chain"] < 12
    assert stats["mean_probes"] < 1.35
    assert default.stats()["mean_probes"] > 2, "the keys are no longer hard for the builtin hash"


def test_mixed_hash_of_what_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        mixed_hash([])
    with pytest.raises(TypeError, match="unhashable"):
        HashTable(hash_func=mixed_hash).set([], 1)

    class Fails:
        def __hash__(self):
            raise LookupError("no hash today")

    table = HashTable(hash_func=mixed_hash).set("a", 1)
    for attempt in (lambda: mixed_hash(Fails()), lambda: table.set(Fails(), 1), lambda: table.get(Fails())):
        with pytest.raises(LookupError, match="no hash today"):
            attempt()
    assert look(table) == look(HashTable(hash_func=mixed_hash).set("a", 1))
    for arguments in ((), (1, 2)):
        with pytest.raises(TypeError):
            mixed_hash(*arguments)


def test_a_hash_that_gives_the_table_another_function():
    """`__hash__` can run anything: a hash made under the old function is not used under the new one."""
    table = HashTable(hash_func=mixed_hash)

    class Meddles:
        def __hash__(self):
            table.__init__(hash_func=len)
            return 5

        def __len__(self):
            return 3

    key = Meddles()
    assert table.set(key, 1).bucket_of(key) == 3
    assert table.stats()["hashed_by"] == "call"


def test_all_ways_into_a_table_mix():
    keys = [*range(0, 1 << 20, 1 << 12), *(f"word {i}" for i in range(50)), 2.5, (1, 2), None]
    pairs = [(key, str(key)) for key in keys]
    one_by_one = HashTable(hash_func=mixed_hash)
    for key, value in pairs:
        one_by_one.set(key, value)
    for source in (dict(pairs), pairs, iter(pairs), one_by_one):
        table = HashTable(hash_func=mixed_hash)
        table.update(source)
        assert table.buckets() == one_by_one.buckets()
        assert [table[key] for key in keys] == [value for _, value in pairs]
        assert table == one_by_one
    assert pickle.loads(pickle.dumps(one_by_one)).buckets() == one_by_one.buckets()
    assert pickle.loads(pickle.dumps(mixed_hash)) is mixed_hash
    assert one_by_one.copy().buckets() == one_by_one.buckets()
    for key in keys:
        del one_by_one[key]
    assert len(one_by_one) == 0


# ---- the same function, three ways -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "called"),
    [
        (hash, lambda key: hash(key)),
        (library_hash, lambda key: library_hash(key)),
        (mixed_hash, lambda key: mixed_hash(key)),
    ],
)
def test_native_and_called_hash_functions_agree(native, called):
    one, other = HashTable(5, 0.8, native), HashTable(5, 0.8, called)
    for key in [*range(-20, 20), "a", "bc", "def", 1.5, -2.25, 2**70, "", 7.0]:
        one[key] = other[key] = key
        assert one.hash_of(key) == other.hash_of(key)
    assert one.buckets() == other.buckets()


def test_same_and_seven_do_what_the_other_files_believe():
    assert HashTable(hash_func=same).hash_of(-5) == -5
    assert HashTable(hash_func=seven).hash_of("a") == 7
