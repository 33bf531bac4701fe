"""The quick ways give what the slow ones give.

Many pairs at once, a tuple that is used again, half a hash, keys that are compared without asking them: each is a shortcut, and
nobody but a clock may be able to tell. So each is put beside the way round, one pair at a time, or beside `dict`.
"""

from __future__ import annotations

import gc
import random
import struct
import sys
import sysconfig
import weakref

import pytest
import subject
from subject import HashTable


class Number:
    """A key of a user's class: Python must be asked for its hash and for `==`."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return hash(self.number)

    def __eq__(self, other):
        return isinstance(other, Number) and self.number == other.number

    def __repr__(self):
        return f"Number({self.number})"


def keys_of(kind, count):
    """`count` keys with doubles among them, equal ones not always identical."""
    draw = random.Random(count).randrange
    numbers = [draw(count) for _ in range(count)]
    makers = {
        "ints": lambda number: int(f"{number}000"),
        "huge ints": lambda number: 10**30 + number,
        "strs": lambda number: f"key {number}",
        "wide strs": lambda number: f"\N{SNOWMAN} {number}" if number % 2 else f"\N{SNAKE} {number}",
        "floats": lambda number: number / 4,
        "halves in common": lambda number: number % 7 + (number << 32),
        "objects": Number,
        "mixed": lambda number: [number, str(number), Number(number), (number,), float(number)][number % 5],
    }
    return [makers[kind](number) for number in numbers]


KINDS = ["ints", "huge ints", "halves in common", "strs", "wide strs", "floats", "objects", "mixed"]
# Fewer than are on their way at once, as many, a few more, and many.
COUNTS = [0, 1, 31, 32, 33, 65, 1000]


def hash_by_hand(key):
    return hash(key) * 2**33 + 7


def look(table):
    """All that can be seen of a table from outside."""
    return list(table.items()), table.buckets(), table.size, table.stats()["resizes"], f"{table:full}"


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 4, 6, 1024])
@pytest.mark.parametrize("hash_func", [hash, hash_by_hand])
def test_many_at_once_are_as_one_by_one(kind, count, size, hash_func):
    pairs = [(key, number) for number, key in enumerate(keys_of(kind, count))]
    alone = HashTable(size, 0.7, hash_func)
    for key, value in pairs:
        alone[key] = value
    expected = look(alone)
    sources = {
        "list": pairs,
        "iterator": iter(pairs),
        "lists": [list(pair) for pair in pairs],
        "dict": dict(pairs),
        "table": alone,
        "table of another size": HashTable(3, 1.0, hash_func) | dict(pairs),
        "copy": alone.copy(),
    }
    for name, source in sources.items():
        together = HashTable(size, 0.7, hash_func)
        together.update(source)
        assert look(together) == expected, name
        together.update(source)
        assert together == alone, name
    assert look(alone.copy()) == expected


@pytest.mark.parametrize("kind", ["ints", "strs"])
@pytest.mark.parametrize("place", [0, 1, 31, 32, 33, 63, 64, 65, 99])
@pytest.mark.parametrize("full", [False, True])
def test_the_key_that_python_is_asked_about_may_be_anywhere_in_a_dict(kind, place, full):
    """It ends the quick way, and all keys from there on go the slow one; none is lost, none comes twice."""
    source = dict.fromkeys(keys_of(kind, 400))
    doomed = list(source)[::7]
    keys = [key for key in source if key not in doomed][:100]
    keys[place] = Number(5)
    source = {key: None for pair in zip(keys, doomed * 5) for key in pair} | dict.fromkeys(keys[len(doomed) * 5 :])
    for key in doomed:
        del source[key]
    assert sorted(map(id, source)) == sorted(map(id, keys))
    alone, together = HashTable(), HashTable()
    if full:
        alone[keys[7]] = together[keys[7]] = 1
    for key, value in source.items():
        alone[key] = value
    together.update(source)
    assert look(together) == look(alone)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1, 31, 32, 33, 63, 64, 65, 99])
def test_one_pair_that_differs_is_found_wherever_it_is(kind, place):
    keys = list(dict.fromkeys(keys_of(kind, 400)))[:100]
    one, other = HashTable(), HashTable()
    one.update([(key, Number(number)) for number, key in enumerate(keys)])
    other.update([(key, one[key]) for key in reversed(keys)])
    assert one == other
    value = one[keys[place]]
    other[keys[place]] = Number(value.number)  # equal, not the same
    assert one == other
    other[keys[place]] = None
    assert one != other
    other[keys[place]] = value
    assert one == other
    del other[keys[place]]
    other["another key"] = value
    assert one != other


@pytest.mark.parametrize("size", [4, 7])
def test_an_int_has_its_hash_whatever_its_length_and_sign(size):
    """A short int is read where it lies, a longer one is asked."""
    near = [0, 1, 2**15, 2**16, 2**30, 2**31, 2**32, 2**60, 2**61, 2**62, 2**63, 2**90]
    numbers = {sign * (number + more) for number in near for more in (-2, -1, 0, 1, 2) for sign in (1, -1)}
    table = HashTable(size)
    for number in numbers:
        table[number] = number
    assert len(table) == len(numbers)
    for number in numbers:
        equal = int(str(number))
        assert table[equal] == number
        assert equal in {key for key, _ in table.buckets()[hash(equal) % table.size]}
        assert table.hash_of(equal) == hash(number)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [4, 6])
def test_equal_keys_are_found_as_dict_finds_them(kind, size):
    table, model = HashTable(size, typed=False), {}
    for number, (one, other) in enumerate(zip(keys_of(kind, 500), keys_of(kind, 500))):
        table[one] = model[one] = number
        assert other in table
        assert table.get(other) == model[other] == number
    assert list(table.items()) == list(model.items())


def test_keys_whose_hashes_have_the_lower_half_in_common():
    """They lie in one chain, and what half of a hash cannot tell apart, the comparison does."""
    keys = [number << 32 for number in range(50)]
    ours = [lambda key: key]
    pythons = [hash] if sys.hash_info.width == 64 else []  # a hash of 32 bits has no upper half
    for hash_func in ours + pythons:
        table = HashTable(hash_func=hash_func)
        for key in keys:
            table[key] = -key
        assert table.stats()["longest_chain"] == 50
        assert [table[int(str(key))] for key in keys] == [-key for key in keys]
        assert 50 << 32 not in table
        assert f"hash {49 << 32}: " in f"{table:full}"
        for key in keys:
            del table[key]
        assert len(table) == 0


def test_a_hash_function_of_the_users_has_all_its_bits_kept():
    """Two equal keys with hashes that differ are two keys, wherever the hashes differ."""
    hashes = iter([1, 1 + 2**32, 1 + 2**63])
    table = HashTable(hash_func=lambda key: next(hashes))
    for _ in range(3):
        table["key"] = None
    assert len(table) == 3


def test_the_long_picture_asks_for_no_hash_of_a_function_of_the_users():
    calls = []
    table = HashTable(hash_func=lambda key: calls.append(key) or key << 40)
    table[5] = "five"
    calls.clear()
    assert f"hash {5 << 40}: 5 -> 'five'" in f"{table:full}"
    assert calls == []


@pytest.mark.parametrize("size", [4, 5])
def test_memory_is_told_as_it_is(size):
    """With the upper halves of the hashes there are four bytes more for each entry, and getsizeof counts them."""
    empty = HashTable(size).__sizeof__()
    lower = 4 + 4 + 2 * struct.calcsize("P")  # the lower half of a hash, a number, a key and a value
    for hash_func, entry in [(hash, lower if size == 4 else lower + 4), (hash_by_hand, lower + 4)]:
        table = HashTable(size, 1.0, hash_func)
        for key in range(1000):
            table[key] = key
            arrays = table.stats()["bytes"]
            assert table.__sizeof__() - arrays == empty - 4 * size
            entries, left = divmod(arrays - 4 * table.size, entry)
            assert left == 0
            assert key + 1 <= entries <= table.size


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")) or subject.NAME != "hashtable",
    reason="the object around the arrays is larger there, which shows at 1025 pairs",
)
def test_a_large_table_takes_no_more_than_a_dict_at_its_worst():
    def worst(mapping):
        sizes = []
        for number in range(200_000):
            mapping[f"key {number}"] = number
            sizes.append(sys.getsizeof(mapping) / (number + 1))
        return max(sizes[1000:])

    assert worst(HashTable()) <= worst({})


def test_a_tuple_that_is_used_again_has_the_same_owners_as_a_new_one():
    steps = iter(HashTable().set(1, "one").set(2, "two").set(3, "three").items())
    owners = []
    for _ in range(3):
        pair = next(steps)
        owners.append(sys.getrefcount(pair))
        del pair  # from now on the iterator is its only owner, if it keeps it at all
    assert owners == [owners[0]] * 3


@pytest.mark.parametrize("count", [1, 32, 33, 100])
@pytest.mark.parametrize("make", [list, dict, HashTable().__or__], ids=["list", "dict", "table"])
def test_an_empty_table_takes_one_reference_to_each_key_and_value(make, count):
    keys = [f"mortal key {number}" for number in range(count)]
    values = [float(number) for number in range(count)]
    pairs = dict(zip(keys, values))
    source = list(pairs.items()) if make is list else make(pairs)
    before = [sys.getrefcount(thing) for thing in keys + values]
    table = HashTable()
    table.update(source)
    assert [sys.getrefcount(thing) for thing in keys + values] == [number + 1 for number in before]
    del table
    assert [sys.getrefcount(thing) for thing in keys + values] == before


@pytest.mark.parametrize("make", [list, dict, lambda pairs: HashTable.__ior__(HashTable(), pairs)])
def test_values_that_are_overwritten_many_at_once_change_their_owners(make):
    old, new, table = Thing(), Thing(), HashTable()
    for number in range(20):
        table[number] = old
    before = sys.getrefcount(old), sys.getrefcount(new)
    table.update(make([(number, new) for number in range(20)]))
    assert (sys.getrefcount(old), sys.getrefcount(new)) == (before[0] - 20, before[1] + 20)


class Thing:
    """Something with attributes and weak references."""


@pytest.mark.parametrize("older", ["thing", "iterator"])
def test_a_cycle_through_the_tuple_that_an_iterator_keeps_is_collected(older):
    """The collector breaks a cycle at its oldest object first."""
    key = 10**40
    before = sys.getrefcount(key)
    table = HashTable().set(key, None)
    if older == "thing":
        thing, steps = Thing(), iter(table.items())
    else:
        steps, thing = iter(table.items()), Thing()
    thing.steps = steps
    table[key] = thing
    next(steps)
    table[key] = None  # now only the tuple has the thing
    gone = weakref.ref(thing)
    del thing, steps, table
    gc.collect()
    assert gone() is None
    assert sys.getrefcount(key) == before


@pytest.mark.parametrize("walk", ["items", "reversed"])
def test_a_tuple_that_is_kept_does_not_change(walk):
    table = HashTable()
    for number in range(100):
        table[number] = str(number)
    steps = iter(table.items()) if walk == "items" else reversed(table.items())
    kept = [pair for number, pair in enumerate(steps) if number % 3 == 0]
    in_order = list(range(100)) if walk == "items" else list(range(99, -1, -1))
    assert kept == [(number, str(number)) for number in in_order[::3]]
    assert [hash(pair) for pair in table.items()] == [hash((number, str(number))) for number in range(100)]


def test_a_tuple_that_is_used_again_is_watched_by_the_collector():
    table = HashTable()
    table[1], table[2] = "one", []
    walk = iter(table.items())
    first = next(walk)
    gc.collect()
    del first
    second = next(walk)
    assert gc.is_tracked(second)


def test_a_spent_iterator_keeps_nothing():
    table, kept = HashTable(), Number(1)
    table[0], table[1] = 0, kept
    walk = iter(table.items())
    for _ in walk:
        pass
    del table, _
    assert gc.get_referrers(kept) == [] or all(type(owner) is not tuple for owner in gc.get_referrers(kept))


def test_values_that_go_during_a_bulk_update_may_change_the_source():
    """They go before the next pair comes, and what they change counts from there on."""
    pairs = [(number % 5, number) for number in range(100)]
    table = HashTable()

    class Value:
        def __del__(self):
            pairs.clear()
            table["gone"] = "now"

    table[3] = Value()
    table.update(pairs)
    assert pairs == []
    assert table["gone"] == "now"
    assert set(table) == {0, 1, 2, 3, "gone"}


@pytest.mark.parametrize("make", [dict.items, dict, HashTable().__or__], ids=["list", "dict", "table"])
def test_a_value_that_is_overwritten_goes_before_the_next_pair_comes(make):
    """Whatever it does as it goes, it finds in the table what came before it, and nothing of what comes behind; as in dict."""

    class Value:
        def __init__(self, number):
            self.number = number

        def __del__(self):
            seen.append((self.number, [key for key in range(1, 100) if table[key] == -key]))

    source = make({number: -number for number in range(100)})
    if make is dict.items:
        source = list(source)
    for table in ({}, HashTable()):
        seen = []
        for number in range(100):
            # Some go without a word, since they have another owner or are of a type whose objects do.
            table[number] = Value(number) if number % 7 == 3 else [number, float(number), str(number)][number % 3]
        table.update(source)
        assert list(table) == list(range(100))
        assert seen == [(number, list(range(1, number + 1))) for number in range(3, 100, 7)]


def test_an_overwritten_value_that_comes_back_has_the_owners_that_it_seems_to_have():
    class Phoenix:
        def __del__(self):
            kept.append(self)

    kept, table = [], HashTable()
    for number in range(10):
        table[number] = Phoenix()
    table.update(dict.fromkeys(range(10)))
    assert [sys.getrefcount(thing) for thing in kept] == [sys.getrefcount(thing) for thing in [Thing() for _ in kept]]
    assert len({id(thing) for thing in kept}) == 10


def test_a_dict_that_an_overwritten_value_changes_is_refused():
    source = {number: -number for number in range(100)}

    class Value:
        def __del__(self):
            del source[99]

    table = HashTable()
    table[50] = Value()
    with pytest.raises(RuntimeError, match=r"^dict mutated during update$"):
        table.update(source)
    assert list(table) == [50, *range(50)]


@pytest.mark.parametrize("change", ["value", "key", "order", "fewer"])
def test_equality_looks_at_everything(change):
    table = HashTable()
    for number in range(100):
        table[str(number)] = number
    other = table.copy()
    assert other == table
    if change == "value":
        other["50"] = 1000
    elif change == "key":
        del other["50"]
        other["fifty"] = 50
    elif change == "order":
        other["0"] = other.pop("0")
    else:
        del other["50"]
    assert (other == table) is (change == "order")
