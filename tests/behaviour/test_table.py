"""The table's algorithm: which bucket, when it grows, in which order, and what it looks like.

A pair lives in bucket `hash mod size`. A new pair that would make `load / size` exceed `max_load` first doubles the
size, again while needed. New pairs come to the front of their chain, and to the end of the order.
"""

from __future__ import annotations

import itertools

import pytest
from subject import HashTable, look, same, seven


def chains(table):
    """The keys of each bucket, in chain order."""
    return [[key for key, _ in bucket] for bucket in table.buckets()]


# ---- buckets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 12, 100, 1021, 1024])
def test_a_pair_lives_in_bucket_hash_mod_size(size):
    table = HashTable(size, 1.0, same)
    edges = [0, 1, size - 1, size, size + 1, 10**9 + 7, 2**31, 2**32, 2**62, 2**63 - 1]
    for key in edges + [-edge for edge in edges] + [-(2**63)]:
        bucket = key % size  # Python's `%` is the mathematical one
        assert table.bucket_of(key) == bucket
        table.clear()
        table[key] = "value"
        expected = [[] for _ in range(size)]
        expected[bucket] = [(key, "value")]
        assert table.buckets() == expected


def test_bucket_of_tells_of_the_size_of_now():
    table = HashTable(4, 0.5, same)
    assert table.bucket_of(6) == 2
    table.set(0, 0).set(1, 1).set(2, 2)
    assert table.size == 8
    assert table.bucket_of(6) == 6


def test_a_chain_leads_from_new_to_old():
    table = HashTable(8, 1.0, seven)
    for key in "abc":
        table[key] = key.upper()
    assert table.buckets()[7] == [("c", "C"), ("b", "B"), ("a", "A")]
    assert all(bucket == [] for bucket in table.buckets()[:7])
    table["b"] = "again"
    assert table.buckets()[7] == [("c", "C"), ("b", "again"), ("a", "A")]
    del table["b"]
    assert table.buckets()[7] == [("c", "C"), ("a", "A")]
    table["b"] = "new"
    assert table.buckets()[7] == [("b", "new"), ("c", "C"), ("a", "A")]


def test_a_chain_leads_from_new_to_old_after_growing_too():
    table = HashTable(2, 1.0, same)
    for key in (8, 0, 16, 3):
        table[key] = None
    assert table.size == 4
    assert chains(table) == [[16, 0, 8], [], [], [3]]


@pytest.mark.parametrize("place", [0, 1, 2], ids=["newest", "middle", "oldest"])
def test_removing_from_each_place_of_a_chain(place):
    table = HashTable(8, 1.0, seven).set("a", 1).set("b", 2).set("c", 3)
    chain = ["c", "b", "a"]
    del table[chain.pop(place)]
    assert chains(table)[7] == chain
    assert list(table) == chain[::-1]
    assert [table.get(key) for key in "abc"] == [
        value if key in chain else None for key, value in zip("abc", (1, 2, 3))
    ]


def test_buckets_is_a_snapshot():
    table = HashTable(2, 1.0, same).set(0, "zero")
    buckets = table.buckets()
    buckets[0].append("mine")
    buckets.append("mine")
    assert table.buckets() == [[(0, "zero")], []]
    table[1] = "one"
    assert buckets == [[(0, "zero"), "mine"], [], "mine"]


# ---- growing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_load", [0.1, 0.25, 0.3, 1 / 3, 0.5, 0.7, 0.75, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 10])
def test_it_doubles_when_a_new_pair_would_exceed_max_load(size, max_load):
    table = HashTable(size, max_load, same)
    expected = size
    resizes = 0
    for key in range(200):
        grows = (key + 1) / expected > max_load
        while (key + 1) / expected > max_load:
            expected *= 2
        resizes += grows
        table[key] = key
        assert (table.size, table.load, table.stats()["resizes"]) == (expected, key + 1, resizes)
    assert chains(table) == [[key] if key < 200 else [] for key in range(expected)]


def test_it_doubles_again_while_needed():
    table = HashTable(1, 0.01, same)
    table[5] = None
    assert table.size == 128  # 1/64 > 0.01 >= 1/128
    assert table.stats()["resizes"] == 1


def test_a_full_table_may_have_max_load_exactly():
    table = HashTable(4, 0.5, same).set(0, 0).set(1, 1)
    assert (table.size, table.load / table.size) == (4, 0.5)
    table[2] = 2
    assert table.size == 8


def test_overwriting_never_resizes():
    table = HashTable(4, 0.5, same).set(0, 0).set(1, 1)
    for value in range(100):
        table[0] = value
        table.set(1, value)
    assert (table.size, table.load, table.stats()["resizes"]) == (4, 2, 0)


def test_removing_never_shrinks():
    table = HashTable(4, 0.5, same)
    for key in range(100):
        table[key] = key
    for key in range(0, 100, 2):
        del table[key]
    for key in range(1, 100, 2):
        table.pop(key)
    assert (table.size, table.load) == (256, 0)
    assert table.buckets() == [[]] * 256


def test_a_removed_pair_makes_room():
    table = HashTable(4, 0.5, same)
    for key in range(1000):
        table[key] = key
        if key >= 2:
            del table[key - 2]
        if key >= 1:
            assert table.size == (4 if key < 2 else 8)
    assert list(table) == [998, 999]


@pytest.mark.parametrize("size", [1, 3, 4, 1000])
def test_clear_goes_back_to_the_size_that_the_table_was_made_with(size):
    table = HashTable(size, 0.5, same)
    for key in range(3 * size):
        table[key] = key
    assert table.size > size
    assert table.clear() is None
    assert look(table) == look(HashTable(size, 0.5, same))
    for key in range(3 * size):
        table[key] = -key
    assert list(table.items()) == [(key, -key) for key in range(3 * size)]


def test_clear_of_an_empty_table():
    table = HashTable(3)
    table.clear()
    assert look(table) == look(HashTable(3))


def test_growing_that_no_machine_has_memory_for_changes_nothing():
    table = HashTable(4, 1e-300)
    before = look(table)
    with pytest.raises((MemoryError, OverflowError)):
        table["a"] = 1
    with pytest.raises((MemoryError, OverflowError)):
        table.set("a", 1)
    assert look(table) == before


# ---- order -----------------------------------------------------------------------------------------------------------


def test_iteration_is_in_insertion_order():
    keys = [5, -3, 2**40, 0, "a", None, (1, 2), 4.5]
    table = HashTable(3, 1.0)
    for number, key in enumerate(keys):
        table[key] = number
        assert list(table) == keys[: number + 1]
    assert list(reversed(table)) == keys[::-1]
    assert list(table.items()) == [(key, number) for number, key in enumerate(keys)]


def test_overwriting_keeps_the_place():
    table = HashTable().set("a", 1).set("b", 2).set("c", 3)
    table["a"] = 9
    table.set("b", 8)
    assert list(table.items()) == [("a", 9), ("b", 8), ("c", 3)]


def test_overwriting_keeps_the_key():
    """As in dict: the key that is there stays, also if another one that is equal comes."""
    table = HashTable(typed=False)
    table[1] = "int"
    table[1.0] = "float"
    table[True] = "bool"
    (key,) = table
    assert (type(key), table[1]) == (int, "bool")


def test_a_key_that_comes_back_comes_last():
    table = HashTable().set("a", 1).set("b", 2)
    del table["a"]
    table["a"] = 3
    assert list(table.items()) == [("b", 2), ("a", 3)]


def test_order_survives_any_mix():
    table, model = HashTable(3, 0.8), {}
    for step in range(3000):
        key = step * step % 101
        if step % 3 == 0:
            assert table.pop(key, None) == model.pop(key, None)
        else:
            table[key] = model[key] = step
    assert list(table.items()) == list(model.items())
    assert list(reversed(table)) == list(model)[::-1]


# ---- what it looks like ----------------------------------------------------------------------------------------------


def test_the_picture_of_a_new_table():
    assert repr(HashTable()) == "[]\n[]\n[]\n[]\n"
    assert repr(HashTable(1)) == "[]\n"


def test_the_picture_has_a_star_for_each_pair():
    table = HashTable(4, 1.0, same)
    for key in (1, 5, 3):
        table[key] = key
    assert repr(table) == "[]\n[]**\n[]\n[]*\n"
    assert str(table) == f"{table}" == format(table) == format(table, "") == repr(table)


def test_printing_shows_the_picture(capsys):
    print(HashTable(2, 1.0, same).set(0, 0), end="")
    assert capsys.readouterr().out == "[]*\n[]\n"


@pytest.mark.parametrize("size", [1000, 4096, 100_003])
def test_the_picture_of_a_large_table_is_whole(size):
    table = HashTable(size, 1.0, same)
    for key in range(0, size, 3):
        table[key] = key
    assert repr(table) == "".join("[]*\n" if bucket % 3 == 0 else "[]\n" for bucket in range(size))


def test_the_picture_of_one_long_chain():
    table = HashTable(4, 1.0, lambda key: 0)
    for key in range(1000):
        table[key] = key
    assert repr(table) == "[]" + "*" * 1000 + "\n" + "[]\n" * (table.size - 1)


def test_the_long_picture():
    table = HashTable(4, 0.75, same).set(2, "two").set(-2, None).set(3, 0.5)
    assert f"{table:full}" == (
        f"size 4, load 3, max_load 0.75, hash_func {same!r}, typed\n"
        "[0]\n[1]\n[2]\n    hash -2: -2 -> None\n    hash 2: 2 -> 'two'\n[3]\n    hash 3: 3 -> 0.5\n"
    )


def test_the_long_picture_tells_the_kinds():
    assert ", not typed\n" in f"{HashTable(typed=False):full}"
    assert ", typed\n" in f"{HashTable(typed=True):full}"


@pytest.mark.parametrize("spec", ["Full", "full ", "f", "s", ">10", "\0", "full\0", "füll"])
def test_other_formats_are_refused(spec):
    with pytest.raises(ValueError, match="format"):
        format(HashTable(), spec)


def test_a_format_is_a_str():
    with pytest.raises(TypeError):
        HashTable().__format__(3)


def test_a_picture_in_which_the_repr_raises():
    class Shy:
        def __repr__(self):
            raise ZeroDivisionError("not now")

    table = HashTable(hash_func=seven).set("a", Shy())
    before = look(table)
    with pytest.raises(ZeroDivisionError, match="not now"):
        format(table, "full")
    assert look(table) == before


def test_a_table_that_contains_itself_has_a_picture():
    table = HashTable(1, 1.0, seven)
    table["me"] = table
    assert repr(table) == "[]*\n"
    assert f"{table:full}".count("'me' -> []*\n") == 1


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_the_figures_of_an_empty_table():
    stats = HashTable(5).stats()
    assert stats.pop("bytes") >= 5
    assert stats == {
        "size": 5,
        "load": 0,
        "load_factor": 0.0,
        "used_buckets": 0,
        "longest_chain": 0,
        "mean_probes": 0.0,
        "resizes": 0,
        "hashed_by": "hash",
    }


def test_the_figures_of_a_table():
    table = HashTable(10, 1.0, same)
    for key in (0, 10, 20, 1, 11, 5):
        table[key] = key
    stats = table.stats()
    assert stats.pop("bytes") > 0
    assert stats == {
        "size": 10,
        "load": 6,
        "load_factor": 0.6,
        "used_buckets": 3,
        "longest_chain": 3,
        # Bucket 0 has three pairs, at the first, second and third look; bucket 1 two; bucket 5 one.
        "mean_probes": (1 + 2 + 3 + 1 + 2 + 1) / 6,
        "resizes": 0,
        "hashed_by": "call",
    }


def test_figures_count_growth_not_doublings():
    table = HashTable(1, 0.1, same)
    table[0] = 0
    assert (table.size, table.stats()["resizes"]) == (16, 1)
    table.clear()
    assert table.stats()["resizes"] == 0


def test_bytes_stay_bounded_when_pairs_come_and_go():
    for oldest_first in (True, False):
        table = HashTable(128, 0.5, same)
        for key in range(64):
            table[key] = key
        full = table.stats()["bytes"]
        for key in range(64, 20_000):
            del table[key - 64 if oldest_first else next(iter(reversed(table)))]
            table[key] = key
        assert table.size == 128
        assert table.stats()["bytes"] <= 2 * full


def test_figures_are_a_new_dict_each_time():
    table = HashTable()
    table.stats()["size"] = "mine"
    assert table.stats()["size"] == 4


def test_figures_agree_with_the_buckets():
    table = HashTable(7, 0.9, lambda key: key * key % 23)
    for key in itertools.chain(range(100), range(50)):
        table[key] = key
    lengths = [len(bucket) for bucket in table.buckets()]
    stats = table.stats()
    assert (stats["size"], stats["load"]) == (len(lengths), sum(lengths)) == (table.size, len(table))
    assert stats["used_buckets"] == sum(length > 0 for length in lengths)
    assert stats["longest_chain"] == max(lengths)
    assert stats["mean_probes"] == sum(sum(range(1, length + 1)) for length in lengths) / sum(lengths)
    assert stats["load_factor"] == table.load / table.size
