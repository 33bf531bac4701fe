"""A machine that plays with a HashTable, and with the reference beside it, and compares the two after every move.

Hypothesis chooses the moves: which method is called with what, on a table of which size, with which hash function. The table and
the one in reference.py get the same moves, must give the same answers, raise the same exceptions, and look the same to the last
bucket. When they differ, Hypothesis looks for the shortest game that ends so, and prints it as a program.

Most moves are written here, because they need more than a name: sources of every kind, copies to go on with, iterators in midway.
Besides, every call of the registry (calls.py) is a move.

At the end of the file the same machine plays with tables that have a fault, and must find it.
"""

from __future__ import annotations

import contextlib
import copy
import operator
import pickle
import re

import calls
import hypothesis.strategies as st
import leakchecks
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from reference import ReferenceTable
from subject import HashTable, library_hash, mixed_hash

# ---- what the moves are made with ----------------------------------------------------------------------------------------------


class Key:
    """A key that equals others of its name, and can still be told from them."""

    def __init__(self, name, number):
        self.name, self.number = name, number

    def __hash__(self):
        return ord(self.name)

    def __eq__(self, other):
        return isinstance(other, Key) and other.name == self.name

    def __repr__(self):
        return f"Key({self.name!r}, {self.number})"


class OddInt(int):
    """An int with a hash of its own, of which a table should take no notice."""

    def __hash__(self):
        return 5


def constant(key):
    return 7


def negative(key):
    return -abs(hash(key)) * 4


def beyond_64_bits(key):
    return hash(key) * 2**70 + 3


def odd_int(key):
    return OddInt(hash(key) * 2**40)


def length_of_repr(key):
    """Equal keys with unequal hashes, such as 1 and True: they stay two, as they would in a dict."""
    return len(repr(key))


HASH_FUNCTIONS = [hash, library_hash, mixed_hash, constant, negative, beyond_64_bits, odd_int, length_of_repr]
INTS = [0, 1, -1, 2, 8, 2**62, 2**63 - 1, -(2**63), 2**63, 10**100, True, False]
FLOATS = [0.0, -0.0, 1.0, 2.0, 0.5, 1e300, float("inf"), float("nan")]
OTHERS = ["", "1", "a\0b", "\ud800", None, (), (1,), frozenset(), Key("a", 1), Key("a", 2), Key("b", 3)]

keys = st.sampled_from(INTS + FLOATS + OTHERS) | st.integers(-20, 20) | st.text(max_size=2)
values = st.integers(0, 99)
pairs = st.lists(st.tuples(keys, values), max_size=12)
parameters = {
    "size": st.sampled_from([1, 2, 3, 4, 5, 7, 8, 13, 31, 64]),
    "max_load": st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.9, 1]),
    "hash_func": st.sampled_from(HASH_FUNCTIONS),
    "typed": st.booleans(),
}


class Mapping:
    """Something that `update` takes for a mapping, and that is no dict."""

    def __init__(self, pairs):
        self.pairs = pairs

    def keys(self):
        return iter([key for key, _ in self.pairs])

    def __getitem__(self, key):
        return next(value for known, value in self.pairs if known is key)


def generator(pairs):
    """Pairs that are lists, from something that can be read only once."""
    return ([key, value] for key, value in pairs)


# ---- comparing -----------------------------------------------------------------------------------------------------------------


def written(what):
    """What can be told apart about keys and values, also where `==` cannot and after pickling: 1 and True, or two equal Keys."""
    if isinstance(what, (list, tuple)):
        return [written(part) for part in what]
    return type(what).__name__, repr(what)


def written_set(what):
    """The same for a set, which has no order."""
    assert type(what) is set
    return sorted(written(list(what)), key=str)


def assert_alike(table, reference):
    """Everything that can be seen of a table is as it is in the reference."""
    in_order = [(pair.key, pair.value) for pair in reference.pairs()]
    assert (table.size, table.load, len(table)) == (reference.size, reference.load, len(in_order))
    assert (table.max_load, table.typed) == (reference.max_load, reference.typed)
    assert table.hash_func is reference.hash_func
    assert repr(table) == f"{table}" == repr(reference)
    assert written(table.buckets()) == written(reference.buckets())
    for ours, theirs in (
        (table, [key for key, _ in in_order]),
        (table.keys(), [key for key, _ in in_order]),
        (table.values(), [value for _, value in in_order]),
        (table.items(), in_order),
    ):
        assert written(list(ours)) == written(theirs)
        assert written(list(reversed(ours))) == written(theirs[::-1])
    lengths = [len(chain) for chain in reference.chains]
    stats = table.stats()
    assert (stats["used_buckets"], stats["longest_chain"]) == (sum(map(bool, lengths)), max(lengths))


def reference_like(reference, *sources):
    """A new, empty reference with the parameters of this one, updated from each source."""
    made = ReferenceTable(reference.initial_size, reference.max_load, reference.hash_func, typed=reference.typed)
    for source in sources:
        made.update(source)
    return made


def reference_copy(reference):
    """A reference that is like this one in everything."""
    made = reference_like(reference)
    made.size, made.stamp = reference.size, reference.stamp
    made.chains = [[copy.copy(pair) for pair in chain] for chain in reference.chains]
    return made


# ---- the calls of the registry -------------------------------------------------------------------------------------------------


def reference_can(call):
    """Whether the reference, which is smaller than a table, can make a call at all."""
    names = {**calls.cast(), "table": ReferenceTable(8, 0.5, length_of_repr), "HashTable": ReferenceTable}
    try:
        eval(leakchecks.compiled(call.statement), names)
    except (AttributeError, TypeError, ValueError):
        return False
    except Exception:
        pass
    return True


#: What says something else of the reference; or would give the table a hash function, a key or a value that other moves cannot do
#: with; or makes it so long that comparing takes all the time.
NOT_COMPARED = re.compile(
    r"__init__|__sizeof__|__reduce__|weakref|copy|older|==|repr\(table\.|\(table, table\)| for n in "
)
#: Those that are about `table`, and are to end well or with a KeyError. The others are about tables of their own.
ABOUT_TABLE = [call for call in calls.CALLS if "table" in call.statement and call.raises in (None, KeyError)]
#: Of these, what is made on both, and the answers compared.
ON_BOTH = [call for call in ABOUT_TABLE if not NOT_COMPARED.search(call.statement) and reference_can(call)]
#: And what is made on the table alone, which must be as it was: the line says that it leaves nothing behind.
ON_ONE = [call for call in ABOUT_TABLE if call not in ON_BOTH and not call.after]


def shown(answer):
    """What a call answered, so that the table's answer can be compared with the reference's."""
    if isinstance(answer, (HashTable, ReferenceTable)):
        return "a table"
    if isinstance(answer, (str, int, float, type(None))):
        return answer
    if isinstance(answer, (list, tuple)):
        return [shown(part) for part in answer]
    # Views and iterators: what is in them.
    return written(list(answer)) if hasattr(answer, "__iter__") else repr(answer)


# ---- the machine ---------------------------------------------------------------------------------------------------------------


class Machine(RuleBasedStateMachine):
    """Each rule is a move; the invariant is checked after every move."""

    table_class = HashTable
    reference_class = ReferenceTable

    @initialize(**parameters)
    def make(self, size, max_load, hash_func, typed):
        self.table = self.table_class(size, max_load, hash_func, typed=typed)
        self.reference = self.reference_class(size, max_load, hash_func, typed=typed)

    @invariant()
    def alike(self):
        assert_alike(self.table, self.reference)

    def both(self, move, theirs=None):
        """Makes a move on both, or `theirs` on the reference: the answers, or the exceptions, must be the same."""
        answers = []
        for made, table in ((move, self.table), (theirs or move, self.reference)):
            try:
                answers.append(("answered", made(table)))
            except (KeyError, TypeError, ValueError, OverflowError, StopIteration) as error:
                answers.append(("raised", type(error)))
        assert written(answers[0]) == written(answers[1])

    # ---- one pair ----

    @rule(key=keys, value=values)
    def set(self, key, value):
        self.both(lambda table: table.set(key, value) is table)

    @rule(key=keys, value=values)
    def set_item(self, key, value):
        self.both(lambda table: operator.setitem(table, key, value))

    @rule(key=keys)
    def delete(self, key):
        self.both(lambda table: operator.delitem(table, key))

    @rule(key=keys)
    def read(self, key):
        self.both(lambda table: table[key])
        self.both(lambda table: key in table)
        self.both(lambda table: table.get(key))
        self.both(lambda table: table.get(key, "default"))
        self.both(lambda table: key in table.keys())
        self.both(lambda table: (key, 1) in table.items())
        self.both(lambda table: table.hash_of(key))
        self.both(lambda table: table.bucket_of(key))

    @rule(key=keys, default=st.none() | values)
    def pop(self, key, default):
        self.both(lambda table: table.pop(key) if default is None else table.pop(key, default))

    @rule(key=keys, value=values)
    def setdefault(self, key, value):
        self.both(lambda table: table.setdefault(key, value))

    @rule()
    def popitem(self):
        self.both(lambda table: table.popitem())

    @rule(data=st.data())
    def take_out_and_put_back(self, data):
        """Takes a pair out of the middle, where it leaves a hole, and adds it anew."""
        if self.reference:
            key = data.draw(st.sampled_from(list(self.reference)))
            self.both(lambda table: table.set(key, table.pop(key)) is table)

    # ---- every call of the registry ----

    def names(self, table, cast, key, other_key, value):
        chosen = {"key": key, "twin": key, "absent": other_key, "elsewhere": other_key, "value": value, "other": value}
        return {**cast, **chosen, "number": other_key, "table": table}

    @rule(call=st.sampled_from(ON_BOTH), key=keys, other_key=keys, value=values)
    def any_call(self, call, key, other_key, value):
        code, cast = leakchecks.compiled(call.statement), calls.cast()
        self.both(lambda table: shown(eval(code, self.names(table, cast, key, other_key, value))))

    @rule(call=st.sampled_from(ON_ONE), key=keys, other_key=keys, value=values)
    def any_call_that_leaves_nothing_behind(self, call, key, other_key, value):
        names = self.names(self.table, calls.cast(), key, other_key, value)
        with contextlib.suppress(KeyError, StopIteration, TypeError, ValueError, OverflowError):
            eval(leakchecks.compiled(call.statement), names)

    # ---- many pairs ----

    @rule(pairs=pairs, source=st.sampled_from([list, dict, iter, Mapping, generator]))
    def update(self, pairs, source):
        self.both(lambda table: table.update(source(pairs)))

    @rule(pairs=pairs)
    def update_from_table(self, pairs):
        other = HashTable(5, 1.0, length_of_repr, typed=False)
        other.update(pairs)
        self.both(lambda table: table.update(other), lambda reference: reference.update(list(other.items())))

    @rule(value=values)
    def update_with_names(self, value):
        self.both(lambda table: table.update({"1": value}, one=value, two=value))

    @rule()
    def update_from_itself(self):
        self.both(lambda table: table.update(table))

    @rule(pairs=pairs)
    def update_in_place(self, pairs):
        self.both(lambda table: operator.ior(table, pairs) is table, lambda reference: reference.update(pairs) is None)

    @rule()
    def clear(self):
        self.both(lambda table: table.clear())

    @rule(**parameters)
    def init_again(self, size, max_load, hash_func, typed):
        self.table.__init__(size, max_load, hash_func, typed=typed)
        self.reference = self.reference_class(size, max_load, hash_func, typed=typed)

    # ---- other tables ----

    @rule(how=st.sampled_from([lambda table: table.copy(), copy.copy, lambda table: table | {}]))
    def go_on_with_a_copy(self, how):
        original, self.table = self.table, how(self.table)
        assert self.table is not original
        assert self.table == original
        assert not self.table != original
        # What happens to the original is nothing to the copy.
        original.clear()
        assert (self.table == original) is (len(self.table) == 0)

    @rule()
    def go_on_with_a_deep_copy(self):
        # Together, so that what is one object in both stays one.
        self.table, self.reference = copy.deepcopy((self.table, self.reference))

    @rule(protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
    def go_on_after_pickling(self, protocol):
        # Of one nan pickling makes two, and a nan equals only itself.
        if all(key == key for key in self.reference):
            self.table, self.reference = pickle.loads(pickle.dumps((self.table, self.reference), protocol))

    @rule(pairs=pairs)
    def union(self, pairs):
        made = []
        self.both(
            lambda table: made.append(table | dict(pairs)),
            lambda reference: made.append(reference_copy(reference)) or made[-1].update(dict(pairs)),
        )
        if len(made) == 2 and isinstance(made[0], HashTable):
            assert_alike(*made)

    @rule(pairs=pairs)
    def union_with_dict_first(self, pairs):
        made = []
        self.both(
            lambda table: made.append(dict(pairs) | table),
            lambda reference: made.append(reference_like(reference, dict(pairs), reference)),
        )
        if len(made) == 2:
            assert_alike(*made)

    @rule(keys=st.lists(keys), value=values)
    def fromkeys(self, keys, value):
        assert_alike(HashTable.fromkeys(keys, value), reference_like(ReferenceTable(), [(key, value) for key in keys]))

    # ---- views and iterators ----

    @rule(others=st.lists(keys))
    def sets(self, others):
        ours, theirs, other = self.table.keys(), set(list(self.table)), set(others)
        assert written_set(ours | other) == written_set(theirs | other)
        assert written_set(ours - other) == written_set(theirs - other)
        assert written_set(ours ^ other) == written_set(theirs ^ other)
        self.both(
            lambda table: written_set(table.keys() & others),
            lambda reference: written_set({key for key in others if key in reference}),
        )
        self.both(lambda table: table.keys().isdisjoint(others))
        assert (ours == theirs) is (len(ours) == len(theirs))

    @rule(
        data=st.data(),
        look=st.sampled_from([iter, lambda table: iter(table.values()), lambda table: iter(table.items())]),
    )
    def change_while_iterating(self, data, look):
        """The iterator goes on if no pair came or went, and else ends in RuntimeError."""
        steps = data.draw(st.integers(0, len(self.reference)))
        iterator = look(self.table)
        seen = [next(iterator) for _ in range(steps)]
        assert operator.length_hint(iterator) == len(self.reference) - steps
        before = [pair.stamp for pair in self.reference.pairs()]
        move = data.draw(st.sampled_from([self.popitem, self.overwrite_first, self.read_first]))
        move()
        if [pair.stamp for pair in self.reference.pairs()] == before:
            assert len(seen) + len(list(iterator)) == len(before)
        else:
            with pytest.raises(RuntimeError, match="changed size during iteration"):
                next(iterator)

    def overwrite_first(self):
        if self.reference:
            self.set(next(iter(self.reference)), -1)

    def read_first(self):
        if self.reference:
            self.read(next(iter(self.reference)))


PATIENT = settings(stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow])

TestMachine = Machine.TestCase
TestMachine.settings = settings(PATIENT, max_examples=20)


@pytest.mark.slow
def test_many_games():
    run_state_machine_as_test(Machine, settings=settings(PATIENT, max_examples=200))


# ---- the machine finds faults ----------------------------------------------------------------------------------------------------


class PopsTheOldest(HashTable):
    def popitem(self):
        for key in self:
            return key, self.pop(key)
        return super().popitem()


class MovesWhatIsOverwritten(HashTable):
    def __setitem__(self, key, value):
        self.pop(key, None)
        self.set(key, value)


class OverwritesByDefault(HashTable):
    def setdefault(self, key, default=None):
        self.set(key, default)
        return default


class KeepsItsSizeWhenCleared(HashTable):
    def clear(self):
        while self:
            self.popitem()


class CopiesToTheInitialSize(HashTable):
    def copy(self):
        made = HashTable(4, self.max_load, self.hash_func, typed=self.typed)
        made.update(self)
        return made


class IgnoresNames(HashTable):
    def update(self, other=(), **names):
        super().update(other)


class GrowsTooEarly(ReferenceTable):
    def set(self, key, value):
        if key not in self and (self.load + 1) / self.size == self.max_load:
            self.max_load /= 2
            super().set(key, value)
            self.max_load *= 2
            return self
        return super().set(key, value)

    __setitem__ = set


class TellsNoKindsApart(ReferenceTable):
    def are_equal(self, one, other):
        return one == other


class DividesLikeC(ReferenceTable):
    def bucket_of(self, key):
        return abs(self.hash_of(key)) % self.size


FAULTS = [
    PopsTheOldest,
    MovesWhatIsOverwritten,
    OverwritesByDefault,
    KeepsItsSizeWhenCleared,
    CopiesToTheInitialSize,
    IgnoresNames,
    GrowsTooEarly,
    TellsNoKindsApart,
    DividesLikeC,
]


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_machine_finds_a_fault(fault):
    """A fault in the table or in the reference, to the machine it is the same: the two are not alike."""

    class Faulty(Machine):
        table_class = fault if issubclass(fault, HashTable) else HashTable
        reference_class = fault if issubclass(fault, ReferenceTable) else ReferenceTable

    # That it is found is enough: no time is spent on the shortest game.
    find = settings(PATIENT, max_examples=5000, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Faulty, settings=find)
