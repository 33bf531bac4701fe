"""The garbage collector: it sees all that a table owns, breaks every cycle, and finds a table in order.

Also what comes close to it: tables nested so deep that taking them apart one inside the other would exhaust the
stack, and finalizers that use a table while it goes.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections import Counter

import pytest
from subject import HashTable, seven


class Thing:
    """Something with attributes and weak references."""


class Sub(HashTable):
    """A subclass: its instances have a __dict__."""


# ---- cycles ----------------------------------------------------------------------------------------------------------
#
# Each function makes a table that can be reached from itself in one way, and returns an object to watch. Nothing else
# refers to the cycle when the function has returned.


def through_a_value():
    table, thing = HashTable(), Thing()
    table.set("table", table).set("thing", thing)
    return thing


def through_a_key():
    thing, table = Thing(), HashTable()
    thing.table = table
    table[thing] = 1
    return thing


def through_the_hash_function():
    thing = Thing()

    def hash_func(key):
        return len(table) + (thing is None)

    table = HashTable(hash_func=hash_func)
    table["a"] = 1
    return thing


def through_a_bound_method_as_hash_function():
    class Hasher(Thing):
        def hash(self, key):
            return 1

    hasher = Hasher()
    hasher.table = HashTable(hash_func=hasher.hash)
    return hasher


def through_an_iterator():
    table, thing = HashTable(), Thing()
    table.set("thing", thing).set("iterator", reversed(table))
    walk = iter(table.items())
    next(walk)
    table["thing"] = [thing, walk]
    return thing


def through_an_iterator_that_is_met_before_its_table():
    table, thing = HashTable(), Thing()
    walk = iter(table)
    table.set("thing", thing).set("walk", walk)
    del table
    gc.collect()  # finds the table through the iterator, and from now on has it behind that
    return thing


def through_views():
    table, thing = HashTable(8), Thing()
    table.set("thing", thing).set("keys", table.keys()).set("values", table.values()).set("items", table.items())
    return thing


def through_the_dict_of_a_subclass():
    table, thing = Sub(), Thing()
    table.me = table
    table.thing = thing
    return thing


def through_the_type_of_a_subclass():
    class Local(HashTable):
        pass

    Local.instance = Local()
    Local.thing = Thing()
    return Local.thing


def through_a_chain_of_tables():
    thing = Thing()
    first = table = HashTable()
    for _ in range(100):
        inner = HashTable()
        table["inner"] = inner
        table = inner
    table.set("first", first).set("thing", thing)
    return thing


CYCLES = [value for name, value in sorted(globals().items()) if name.startswith("through_")]
each_cycle = pytest.mark.parametrize("make", CYCLES, ids=[make.__name__ for make in CYCLES])


@each_cycle
def test_a_cycle_is_collected(make):
    gc.disable()
    try:
        thing = weakref.ref(make())
        assert thing() is not None  # it is a cycle: counting alone does not free it
        gc.collect()
        assert thing() is None
    finally:
        gc.enable()


@each_cycle
def test_a_cycle_that_somebody_still_refers_to_is_not_collected(make):
    """The control for the test above: the collector is what frees a cycle, and it frees nothing that is in use."""
    thing = make()
    reference = weakref.ref(thing)
    tables = [each for each in gc.get_referrers(thing) if isinstance(each, HashTable)]
    content = [list(table.items()) for table in tables]
    gc.collect()
    assert reference() is thing
    assert [list(table.items()) for table in tables] == content


def test_a_cycle_is_collected_while_an_iterator_of_another_goes_on():
    table = HashTable().set("a", 1).set("b", 2)
    walk = iter(table)
    next(walk)
    through_a_value()
    gc.collect()
    assert next(walk) == "b"


def test_a_table_in_a_broken_cycle_can_still_be_used():
    """The finalizer of one object in a garbage cycle uses a table of the same cycle."""
    seen = []

    class Last:
        def __del__(self):
            seen.append((len(self.table), self.table.get("a"), repr(self.table)))
            self.table["bc"] = 2
            seen.append(self.table["bc"])

    last, table = Last(), HashTable(hash_func=len)
    last.table = table
    table.set("a", 1).set("last", last)
    del last, table
    gc.collect()
    assert seen == [(2, 1, "[]*\n[]*\n[]\n[]\n"), 2]


# ---- what the collector sees -----------------------------------------------------------------------------------------


def referents(op):
    """What the collector sees of an object, as a count for each, without the types that heap types show from 3.9 on."""
    return Counter(id(each) for each in gc.get_referents(op) if not isinstance(each, type))


def test_the_collector_sees_what_a_table_owns():
    keys, values = [Thing() for _ in range(20)], [Thing() for _ in range(20)]

    def hash_func(key):
        return id(key) % 5

    table = HashTable(3, 1.0, hash_func)
    assert referents(table) == Counter([id(hash_func)])
    for key, value in zip(keys, values):
        table[key] = value
    owned = Counter(map(id, [hash_func, *keys, *values]))
    assert referents(table) == owned
    for key, value in list(zip(keys, values))[::2]:
        del table[key]
        owned -= Counter([id(key), id(value)])
    assert referents(table) == owned
    table[keys[1]] = table[keys[3]] = values[0]  # one object, owned twice
    owned += Counter([id(values[0]), id(values[0])])
    owned -= Counter([id(values[1]), id(values[3])])
    assert referents(table) == owned
    table.clear()
    assert referents(table) == Counter([id(hash_func)])
    table.__init__()
    assert referents(table) == Counter([id(hash)])


def test_the_collector_sees_what_a_subclass_adds():
    table, key, value, attribute = Sub(hash_func=seven), Thing(), Thing(), Thing()
    assert type(table) in gc.get_referents(table)
    before = referents(table)
    assert before[id(seven)] == 1
    table[key] = value
    assert referents(table) - before == Counter([id(key), id(value)])
    table.attribute = attribute
    # Where attributes are kept differs: in the object, in its __dict__, or, when that has been asked for, in both.
    assert id(attribute) in referents(table) | referents(table.__dict__)


@pytest.mark.parametrize("name", ["keys", "values", "items"])
def test_the_collector_sees_what_views_and_iterators_own(name):
    table = HashTable().set("a", 1)
    view = getattr(table, name)()
    assert referents(view) == Counter([id(table)])
    walk = iter(view)
    assert referents(walk) == Counter([id(table)])
    list(walk)
    assert referents(walk) == Counter()


def test_the_collector_knows_all_of_them():
    table = HashTable()
    for op in (table, Sub(), table.keys(), table.values(), table.items(), iter(table), reversed(table)):
        assert gc.is_tracked(op)


# ---- deep nesting ----------------------------------------------------------------------------------------------------

NESTINGS = {
    "tables": "outer = HashTable().set('inner', outer)",
    "as keys": "outer = HashTable(hash_func=id).set(outer, 1)",
    "subclass": "outer = Sub().set('inner', outer)",
    "every other a subclass": "outer = HashTable().set('inner', Sub().set('inner', outer))",
    "lists": "outer = HashTable().set('inner', [outer])",
    "tuples in a dict of a subclass": "sub = Sub(); sub.inner = (outer,); outer = sub; del sub",
    "views": "outer = HashTable().set('inner', outer.values() if outer else None)",
    "iterators": "outer = HashTable().set('inner', iter(outer) if outer else None)",
    "closures": "outer = (lambda inner: HashTable(hash_func=lambda key: inner is None))(outer)",
}

DEEP = """
import sys
from subject import HashTable

class Sub(HashTable):
    pass

outer = None
for _ in range({depth}):
    {nest}
print("nested")
outer = None
print("gone")
"""


#: All of them take long; these two show what is shown.
EVERY_NEST = [
    pytest.param(nest, id=name, marks=[pytest.mark.slow] * (name not in ("tables", "subclass")))
    for name, nest in NESTINGS.items()
]


@pytest.mark.deep
@pytest.mark.parametrize("nest", EVERY_NEST)
def test_200_000_nested_tables_do_not_exhaust_the_stack(child, nest):
    ending = child("-c", DEEP.format(nest=nest, depth=200_000))
    assert (ending.returncode, ending.stdout.split(), ending.stderr) == (0, ["nested", "gone"], "")


@pytest.mark.deep
@pytest.mark.parametrize("nest", ["tables", "subclass", "closures"])
def test_nested_tables_that_are_collected(child, nest):
    program = DEEP.format(nest=NESTINGS[nest], depth=50_000).replace(
        "outer = None\nprint", "import gc\ngc.collect()\nouter = None\nprint"
    )
    ending = child("-c", program)
    assert (ending.returncode, ending.stdout.split(), ending.stderr) == (0, ["nested", "gone"], "")


@pytest.mark.deep
def test_a_deep_nest_in_a_cycle(child):
    program = """
import gc
from subject import HashTable
first = outer = HashTable()
for _ in range(100_000):
    outer = HashTable().set('inner', outer)
first['outer'] = outer
del first, outer
gc.collect()
print(sum(isinstance(op, HashTable) for op in gc.get_objects()), "left")
"""
    ending = child("-c", program)
    assert (ending.returncode, ending.stdout, ending.stderr) == (0, "0 left\n", "")


def test_deep_nesting_is_taken_apart_completely():
    """Beyond some depth tables wait for their turn: all of them get it."""
    gone = []

    class Counted:
        def __del__(self):
            gone.append(1)

    outer = None
    for _ in range(1000):
        outer = HashTable().set("inner", outer).set("counted", Counted())
    del outer
    assert len(gone) == 1000


# ---- finalizers ------------------------------------------------------------------------------------------------------


class Meddler:
    """A value that does something to a table when it goes."""

    def __init__(self, meddle):
        self.meddle = meddle

    def __del__(self):
        self.meddle()


@pytest.mark.parametrize(
    "drop",
    [
        lambda table: table.clear(),
        lambda table: table.pop("meddler"),
        lambda table: table.__delitem__("meddler"),
        lambda table: table.set("meddler", None),
        lambda table: table.__init__(4),
    ],
    ids=["clear", "pop", "del", "overwrite", "init"],
)
@pytest.mark.parametrize("as_key", [False, True], ids=["value", "key"])
def test_a_finalizer_finds_the_table_in_order(drop, as_key):
    """What leaves a table has left it when its finalizer runs; and that may change the table at will."""
    seen = []

    def meddle():
        seen.append(len(table))
        assert len(list(table.items())) == len(table) == sum(map(len, table.buckets()))
        table["by the finalizer"] = "was here"
        for number in range(50):
            table[number] = number
        table.clear()
        table["last"] = "word"

    table = HashTable(8, 1.0)
    table["before"] = 1
    if as_key:

        class Key(Meddler):
            def __hash__(self):
                return hash("meddler")

            def __eq__(self, other):
                return other == "meddler"

        table[Key(meddle)] = "value"
    else:
        table["meddler"] = Meddler(meddle)
    drop(table)
    if as_key and len(table) == 2 and not seen:
        table.clear()  # overwriting keeps the key
    gc.collect()
    assert len(seen) == 1
    assert list(table.items())[:1] == [("last", "word")]


def test_a_finalizer_that_keeps_the_table_alive():
    """A subclass can be resurrected, and is whole."""
    saved = []

    class Phoenix(HashTable):
        def __del__(self):
            saved.append(self)

    Phoenix().set("a", 1)
    (table,) = saved
    assert list(table.items()) == [("a", 1)]
    table["b"] = 2
    assert table.buckets() == HashTable().set("a", 1).set("b", 2).buckets()
    saved.clear()


def test_a_finalizer_that_uses_the_last_table():
    seen = []

    class Last(HashTable):
        def __del__(self):
            seen.append((list(self.items()), self.pop("a", None), repr(self)))

    Last(2, 1.0, seven).set("a", 1)
    assert seen == [([("a", 1)], 1, "[]\n[]\n")]


def test_weak_references_are_dead_when_the_content_goes():
    seen = []
    table = HashTable()
    reference = weakref.ref(table)
    table["meddler"] = Meddler(lambda: seen.append(reference()))
    del table
    assert seen == [None]


def test_a_callback_of_a_weak_reference_that_makes_tables():
    made = []
    table = HashTable().set("a", 1)
    reference = weakref.ref(table, lambda _: made.append(HashTable().set("b", 2)))
    del table
    assert reference() is None
    assert made[0]["b"] == 2


def test_an_exception_in_flight_survives_the_end_of_a_table():
    class Noisy:
        def __del__(self):
            try:
                raise KeyError("inside")
            except KeyError:
                pass

    def fail():
        table = HashTable().set("noisy", Noisy())
        raise ZeroDivisionError(len(table))

    with pytest.raises(ZeroDivisionError):
        fail()


@pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="only a debug build counts all references")
def test_a_debug_build_counts_what_rust_does():
    table = HashTable(hash_func=seven)
    before = sys.gettotalrefcount()
    for number in range(1000):
        table[number] = table
    assert sys.gettotalrefcount() - before >= 1000
