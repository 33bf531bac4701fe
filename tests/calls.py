"""The registry of calls: every call of the table, with what it must do to reference counts. To test a new method, add a line.

With that line it is tested wherever calls are tested: its references are counted (ownership/), everything in it is made to fail
(faults/), memory is refused to it (faults/scarcity.py), it is a move of the state machine (behaviour/test_machine.py), and a mutant
of its source must fail by it (mutants/). behaviour/test_calls.py complains about a method that has no line.

A call is a statement in which the names below can be used. They are bound afresh for each run (`cast` makes them), to
new objects that nobody else refers to:

    HashTable     the type
    hash_func     a function; the hash of most keys is 1
    other_func    another one that does the same
    table         HashTable(8, 0.5, hash_func), with two pairs in one chain: key: value and older: older_value
    full          HashTable(2, 1.0, hash_func), with the same two pairs: one more, and it grows
    native        HashTable(4, 1.0), with four pairs of strs: as full, and hashed and compared without running Python code
    key, value    the pair that came last
    older, older_value   the one that came first
    twin          equal to key, but another object
    absent        not in the table, but with the hash of those that are, so that it is compared with them
    elsewhere     not in the table, in another bucket, with a hash beyond 64 bits
    number        an int that is not in the table, with the hash of those that are
    other         any other object: a new value, a default
    bad_hash      a key at which hash_func raises
    bad_answer    a key for which hash_func returns a str
    bad_equality  a key with the hash of those that are in the table, whose == raises
    bad_name      the same as bad_hash, but Python can hash it, so that it can be in a dict
    state         what `__setstate__` takes: other_func, and one pair absent: other
    mapping       a function that makes of a key and a value an object with `keys` and `[]` and no more
    Answering     a subclass that returns a missing key itself
    library_hash  the module's function; so is mixed_hash
    copy, weakref the modules

Who owns what, before the call:

    object                      owners
    hash_func                   the name; table; full
    key, value                  the name; table, through the pair
    older, older_value          the name; table, through the pair
    absent, other, other_func   the name; state
    everything else             the name

What a call changes is written as the difference to that, twice: `held`, while the caller still has the result (or the
exception), and `after`, when that is gone. A name that is not mentioned must not change.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Mapping
from typing import NamedTuple, Optional

import subject

NOTHING: Mapping[str, int] = {}


class Call(NamedTuple):
    """A call and its bookkeeping."""

    statement: str
    #: Differences of counts that last.
    after: Mapping[str, int] = NOTHING
    #: Differences on top of those, as long as the result is held.
    held: Mapping[str, int] = NOTHING
    #: What it raises.
    raises: Optional[type] = None  # noqa: UP045  (evaluated at run time, and `type | None` came in 3.10)


# ---- the cast --------------------------------------------------------------------------------------------------------


class HashFailed(Exception):
    """What hash_func raises for bad_hash."""


class EqualityFailed(Exception):
    """What bad_equality's == raises."""


class Key:
    """A key that says what its hash function and its == are to do. The garbage collector does not know it."""

    __slots__ = ("__weakref__", "hash", "label")

    def __init__(self, label, hash=1):
        self.label = label
        self.hash = hash

    def __eq__(self, other):
        if not isinstance(other, Key):
            return NotImplemented
        if "raises" in (self.label, other.label):
            raise EqualityFailed
        return self.label == other.label

    __hash__ = None


class HashableKey(Key):
    """A key that Python's own dict takes, and the table's hash function does not."""

    __slots__ = ()

    def __hash__(self):
        return 5


class Mappings:
    """A mapping of one pair, with what `update` needs and no more."""

    def __init__(self, key, value):
        self.key, self.value = key, value

    def keys(self):
        return [self.key]

    def __getitem__(self, key):
        return self.value


def answering(kind):
    """A subclass that returns a missing key itself."""
    return type("Answering", (kind,), {"__missing__": lambda table, key: key})


#: For each module whose calls are tested, that subclass.
ANSWERING = {subject.module: answering(subject.HashTable)}


def cast(module=subject.module):
    """The names that a statement can use, bound to fresh objects.

    Args:
        module: where the type is from.
    """
    HashTable = module.HashTable

    def hash_func(key):
        hash = getattr(key, "hash", 1)
        if hash is HashFailed:
            raise HashFailed
        return hash

    def other_func(key):
        return hash_func_of_module(key)

    names = {
        "HashTable": HashTable,
        "hash_func": hash_func,
        "other_func": other_func,
        "table": HashTable(8, 0.5, hash_func),
        "full": HashTable(2, 1.0, hash_func),
        "native": HashTable(4, 1.0),
        "key": Key("key"),
        "value": Key("value"),
        "older": Key("older"),
        "older_value": Key("older value"),
        "twin": Key("key"),
        "absent": Key("absent"),
        "elsewhere": Key("elsewhere", hash=10**40),
        "number": int("1" + "0" * 40),
        "other": Key("other"),
        "bad_hash": Key("bad hash", hash=HashFailed),
        "bad_answer": Key("bad answer", hash="no int"),
        "bad_equality": Key("raises"),
        "bad_name": HashableKey("bad name", hash=HashFailed),
        "mapping": Mappings,
        "Answering": ANSWERING.get(module) or ANSWERING.setdefault(module, answering(HashTable)),
        "library_hash": module.library_hash,
        "mixed_hash": module.mixed_hash,
        "copy": copy,
        "weakref": weakref,
    }
    pair = (names["absent"], names["other"])
    names["state"] = (4, 8, 0.5, names["other_func"], True, [pair], None, None)
    for table in (names["table"], names["full"]):
        table.set(names["older"], names["older_value"]).set(names["key"], names["value"])
    names["native"].update(one="1", two="2", three="3", four="4")
    return names


def hash_func_of_module(key):
    return getattr(key, "hash", 1)


#: The names whose counts are watched: those of objects that are made for one run.
WATCHED = sorted(set(cast()) - {"HashTable", "Answering", "mapping", "copy", "weakref", "library_hash", "mixed_hash"})

# ---- the calls -------------------------------------------------------------------------------------------------------

#: What the table gives back when it is emptied.
EMPTIED = {"key": -1, "value": -1, "older": -1, "older_value": -1}
#: What a copy of its content, or a walk through it, holds.
COPIED = {"key": 1, "value": 1, "older": 1, "older_value": 1}

CALLS = [
    # A table owns its hash function.
    Call("HashTable(4, 0.5, hash_func)", held={"hash_func": 1}),
    Call("HashTable(hash_func=hash_func, typed=False)", held={"hash_func": 1}),
    Call("HashTable(4, 0.5, hash_func).set(key, value)", held={"hash_func": 1, "key": 1, "value": 1}),
    Call("HashTable.__new__(HashTable)"),
    Call("HashTable.__new__(HashTable, other, hash_func=hash_func)"),
    Call("HashTable(0, 0.5, hash_func)", raises=TypeError),
    Call("HashTable(other, 0.5, hash_func)", raises=TypeError),
    Call("HashTable(number, 0.5, hash_func)", raises=(OverflowError, MemoryError)),
    Call("HashTable(2**62, 0.5, hash_func)", raises=(OverflowError, MemoryError)),
    Call("HashTable(4, 2.0, hash_func)", raises=TypeError),
    Call("HashTable(4, other, hash_func)", raises=TypeError),
    Call("HashTable(4, 0.5, other)", raises=TypeError),
    Call("HashTable(4, 0.5, hash_func, colour=other)", raises=TypeError),
    Call("HashTable(4, 0.5, hash_func, other)", raises=TypeError),
    # __init__ again: the old content and the old function are given back, the new function is taken.
    Call("table.__init__(4, 0.5, hash_func)", after=EMPTIED),
    Call("table.__init__(4, 0.5, other_func)", after={**EMPTIED, "hash_func": -1, "other_func": 1}),
    Call("table.__init__()", after={**EMPTIED, "hash_func": -1}),
    Call("table.__init__(0, 0.5, other_func)", raises=TypeError),
    Call("table.__init__(2**62, 0.5, other_func)", raises=(OverflowError, MemoryError)),
    Call("table.__init__(4, 0.5, other)", raises=TypeError),
    # set: the table owns what is in it, and what is returned is the table.
    Call("table.set(absent, other)", after={"absent": 1, "other": 1}, held={"table": 1}),
    Call("table.set(elsewhere, elsewhere)", after={"elsewhere": 2}, held={"table": 1}),
    Call("table.set(number, other)", after={"number": 1, "other": 1}, held={"table": 1}),
    Call("table.set(key, other)", after={"value": -1, "other": 1}, held={"table": 1}),
    Call("table.set(twin, other)", after={"value": -1, "other": 1}, held={"table": 1}),
    Call("table.set(older, other)", after={"older_value": -1, "other": 1}, held={"table": 1}),
    Call("table.set(key, value)", held={"table": 1}),
    Call("table.set(table, table)", after={"table": 2}, held={"table": 1}),
    Call("[table.set(n, other) for n in range(10**6, 10**6 + 50)]", after={"other": 50}, held={"table": 50}),
    Call("table.set(bad_hash, other)", raises=HashFailed),
    Call("table.set(bad_answer, other)", raises=ValueError),
    Call("table.set(bad_equality, other)", raises=EqualityFailed),
    Call("table.set(absent)", raises=TypeError),
    Call("table.set(absent, other, other)", raises=TypeError),
    Call("HashTable(4, 1e-300, hash_func).set(absent, other)", raises=(OverflowError, MemoryError)),
    # The next pair makes a full table grow.
    Call("full.set(absent, other)", after={"absent": 1, "other": 1}, held={"full": 1}),
    Call("full[absent] = other", after={"absent": 1, "other": 1}),
    Call("full.setdefault(absent, other)", after={"absent": 1, "other": 1}, held={"other": 1}),
    Call("full.update([(absent, other), (number, other)])", after={"absent": 1, "number": 1, "other": 2}),
    Call("full.update({number: other, 1: other})", after={"number": 1, "other": 2}),
    Call("full.update(HashTable(hash_func=hash_func).set(absent, other))", after={"absent": 1, "other": 1}),
    Call("full.update(mapping(absent, other))", after={"absent": 1, "other": 1}),
    Call("full.__ior__([(absent, other)])", after={"absent": 1, "other": 1}, held={"full": 1}),
    Call("full | {number: other}", held={**COPIED, "hash_func": 1, "number": 1, "other": 1}),
    Call("full.__setstate__(state)", after={**EMPTIED, "absent": 1, "other": 1, "hash_func": -1, "other_func": 1}),
    Call("native.set(number, other)", after={"number": 1, "other": 1}, held={"native": 1}),
    Call("native.setdefault('five', other)", after={"other": 1}, held={"other": 1}),
    Call("native.update({number: other, 1.5: other})", after={"number": 1, "other": 2}),
    Call("native.update(HashTable().set(number, other))", after={"number": 1, "other": 1}),
    # The list goes when it is overwritten, at the end of the batch; it could be anything that runs code as it goes.
    Call("native.update({'one': [other]}), native.update({'one': other, 'two': other})", after={"other": 2}),
    Call("native.update([('one', [other])]), native.update([('one', other), ('two', other)])", after={"other": 2}),
    # Each tuple has only the iterator left when the next one is wanted, and is used again.
    Call("[value for name, value in native.items()]"),
    # []=
    Call("table[absent] = other", after={"absent": 1, "other": 1}),
    Call("table[key] = other", after={"value": -1, "other": 1}),
    Call("table[twin] = other", after={"value": -1, "other": 1}),
    Call("table[bad_hash] = other", raises=HashFailed),
    Call("table[bad_answer] = other", raises=ValueError),
    Call("table[bad_equality] = other", raises=EqualityFailed),
    # Reading: the caller owns the value while it has it. A KeyError owns the key that is missing.
    Call("table[key]", held={"value": 1}),
    Call("table[older]", held={"older_value": 1}),
    Call("table[twin]", held={"value": 1}),
    Call("table[absent]", raises=KeyError, held={"absent": 1}),
    Call("table[elsewhere]", raises=KeyError, held={"elsewhere": 1}),
    Call("table[number]", raises=KeyError, held={"number": 1}),
    Call("table[bad_hash]", raises=HashFailed),
    Call("table[bad_answer]", raises=ValueError),
    Call("table[bad_equality]", raises=EqualityFailed),
    Call("table.get(key)", held={"value": 1}),
    Call("table.get(key, other)", held={"value": 1}),
    Call("table.get(twin, other)", held={"value": 1}),
    Call("table.get(absent)"),
    Call("table.get(absent, other)", held={"other": 1}),
    Call("table.get(elsewhere, other)", held={"other": 1}),
    Call("table.get(number, number)", held={"number": 1}),
    Call("table.get(bad_hash, other)", raises=HashFailed),
    Call("table.get(bad_answer, other)", raises=ValueError),
    Call("table.get(bad_equality, other)", raises=EqualityFailed),
    Call("table.get()", raises=TypeError),
    Call("table.get(key, other, other)", raises=TypeError),
    Call("key in table"),
    Call("twin in table"),
    Call("absent in table"),
    Call("number in table"),
    Call("bad_hash in table", raises=HashFailed),
    Call("bad_answer in table", raises=ValueError),
    Call("bad_equality in table", raises=EqualityFailed),
    Call("table.hash_of(key)"),
    Call("table.hash_of(elsewhere)"),
    Call("table.hash_of(bad_hash)", raises=HashFailed),
    Call("table.hash_of(bad_answer)", raises=ValueError),
    Call("table.bucket_of(absent)"),
    Call("table.bucket_of(bad_hash)", raises=HashFailed),
    Call("native['one'], native.get('two'), 'three' in native, 'five' in native"),
    Call("native.get(number, other)", held={"other": 1}),
    Call("('one', '1') in native.items()"),
    Call("native['one'] = other", after={"other": 1}),
    Call("native.pop('one')"),
    # Removing: the pair's two references leave the table; pop hands the value's on.
    Call("table.pop(key)", after={"key": -1, "value": -1}, held={"value": 1}),
    Call("table.pop(twin)", after={"key": -1, "value": -1}, held={"value": 1}),
    Call("table.pop(older, other)", after={"older": -1, "older_value": -1}, held={"older_value": 1}),
    Call("table.pop(absent, other)", held={"other": 1}),
    Call("table.pop(absent)", raises=KeyError, held={"absent": 1}),
    Call("table.pop(bad_hash, other)", raises=HashFailed),
    Call("table.pop(bad_answer, other)", raises=ValueError),
    Call("table.pop(bad_equality, other)", raises=EqualityFailed),
    Call("table.pop()", raises=TypeError),
    Call("table.pop(key, other, other)", raises=TypeError),
    Call("del table[key]", after={"key": -1, "value": -1}),
    Call("del table[twin]", after={"key": -1, "value": -1}),
    Call("del table[absent]", raises=KeyError, held={"absent": 1}),
    Call("del table[bad_hash]", raises=HashFailed),
    Call("del table[bad_answer]", raises=ValueError),
    Call("del table[bad_equality]", raises=EqualityFailed),
    Call("table.clear()", after=EMPTIED),
    # Looking at it all.
    Call("len(table)"),
    Call("table.stats()"),
    Call("table.size, table.load, table.max_load, table.typed"),
    Call("table.hash_func", held={"hash_func": 1}),
    Call("table.buckets()", held=COPIED),
    Call("repr(table)"),
    Call("format(table, '')"),
    Call("format(table, 'full')"),
    Call("format(table, 'other')", raises=ValueError),
    Call("table.__format__(other)", raises=TypeError),
    Call("table.__sizeof__()"),
    Call("weakref.ref(table)"),
    Call("hash(table)", raises=TypeError),
    Call("HashTable[key, value]", held={"key": 1, "value": 1}),
    # Views and iterators own the table, and a spent iterator nothing.
    Call("table.keys()", held={"table": 1}),
    Call("table.values()", held={"table": 1}),
    Call("table.items()", held={"table": 1}),
    Call("len(table.keys())"),
    Call("key in table.keys()"),
    Call("bad_equality in table.keys()", raises=EqualityFailed),
    Call("(key, value) in table.items()"),
    Call("(key, other) in table.items()"),
    Call("(absent, value) in table.items()"),
    Call("(key, bad_equality) in table.items()", raises=EqualityFailed),
    Call("(bad_hash, value) in table.items()", raises=HashFailed),
    Call("repr(table.keys()), repr(table.values()), repr(table.items())"),
    Call("repr(table.set(key, table.values()).values())", after={"value": -1, "table": 1}),
    Call("iter(table)", held={"table": 1}),
    Call("reversed(table)", held={"table": 1}),
    Call("iter(table.values())", held={"table": 1}),
    Call("reversed(table.items())", held={"table": 1}),
    Call("next(iter(table))", held={"older": 1}),
    Call("next(reversed(table))", held={"key": 1}),
    Call("next(iter(table.values()))", held={"older_value": 1}),
    Call("next(iter(table.items()))", held={"older": 1, "older_value": 1}),
    Call("next(reversed(table.items()))", held={"key": 1, "value": 1}),
    Call("list(table)", held={"key": 1, "older": 1}),
    Call("list(reversed(table))", held={"key": 1, "older": 1}),
    Call("list(table.values())", held={"value": 1, "older_value": 1}),
    Call("list(table.items())", held=COPIED),
    Call("[iterator for iterator in [iter(table)] for _ in iterator]", held=NOTHING),
    Call("[table.pop(k) for k in table]", after={"older": -1, "older_value": -1}, raises=RuntimeError),
    Call("next(iter(HashTable()))", raises=StopIteration),
    Call("iter(table).__length_hint__()"),
    # The rest of the mapping.
    Call("table.setdefault(key, other)", held={"value": 1}),
    Call("table.setdefault(twin)", held={"value": 1}),
    Call("table.setdefault(absent, other)", after={"absent": 1, "other": 1}, held={"other": 1}),
    Call("table.setdefault(elsewhere)", after={"elsewhere": 1}),
    Call("table.setdefault(bad_hash, other)", raises=HashFailed),
    Call("table.setdefault(bad_equality, other)", raises=EqualityFailed),
    Call("table.setdefault()", raises=TypeError),
    Call("table.popitem()", after={"key": -1, "value": -1}, held={"key": 1, "value": 1}),
    Call("HashTable().popitem()", raises=KeyError),
    # With another pair at hand the tuple is a new one.
    Call("((key, key), table.popitem())", after={"key": -1, "value": -1}, held={"key": 3, "value": 1}),
    Call("table.update([(absent, other)])", after={"absent": 1, "other": 1}),
    Call("table.update([(key, other), [twin, absent]])", after={"value": -1, "absent": 1}),
    Call("table.update(HashTable(hash_func=hash_func).set(absent, other))", after={"absent": 1, "other": 1}),
    Call("table.update(table)"),
    Call("table.update({number: other})", after={"number": 1, "other": 1}),
    Call("table.update(mapping(absent, other))", after={"absent": 1, "other": 1}),
    Call("table.update(one=other, two=value)", after={"other": 1, "value": 1}),
    Call("table.update([], one=other)", after={"other": 1}),
    Call("table.update()"),
    Call("table.update([(absent, other), (bad_hash, other)])", after={"absent": 1, "other": 1}, raises=HashFailed),
    Call("table.update([(absent, other), other])", after={"absent": 1, "other": 1}, raises=TypeError),
    Call("table.update([(absent, other, other)])", raises=ValueError),
    Call("table.update(other)", raises=TypeError),
    Call("table.update([], other)", raises=TypeError),
    Call("table.update({bad_name: other})", raises=HashFailed),
    Call("table.update(mapping(bad_hash, other))", raises=HashFailed),
    Call("table.update(mapping(bad_equality, other))", raises=EqualityFailed),
    Call("HashTable.fromkeys([str(number)], other)", held={"other": 1}),
    Call("HashTable.fromkeys([number, number])", held={"number": 1}),
    Call("HashTable.fromkeys([key])", raises=TypeError),
    Call("HashTable.fromkeys(other)", raises=TypeError),
    Call("table.copy()", held={**COPIED, "hash_func": 1}),
    Call("table.copy().set(absent, other)", held={**COPIED, "hash_func": 1, "absent": 1, "other": 1}),
    Call("copy.copy(table)", held={**COPIED, "hash_func": 1}),
    Call("table.__reduce__()", held={**COPIED, "hash_func": 1}),
    Call("table.__setstate__(state)", after={**EMPTIED, "absent": 1, "other": 1, "hash_func": -1, "other_func": 1}),
    Call("table.__setstate__(state[:-1])", raises=TypeError),
    Call("table.__setstate__((4, 8, 0.5, hash_func, True, [(bad_hash, other)], None, None))", raises=HashFailed),
    Call("table.__setstate__((4, 8, 0.5, hash_func, True, [other], None, None))", raises=TypeError),
    Call("table.__setstate__((4, 2, 0.5, hash_func, True, [], None, None))", raises=TypeError),
    Call("table.__setstate__(other)", raises=TypeError),
    Call("table == table.copy()"),
    Call("table != HashTable(hash_func=hash_func).set(key, value).set(older, other)"),
    Call("table == HashTable(hash_func=hash_func).set(key, value).set(absent, other)"),
    Call("table == {}"),
    Call("native == native.copy(), native == {'one': '1', 'two': '2', 'three': '3', 'four': '4'}"),
    Call("table == {1: key, number: other}"),
    Call("table == {bad_name: key, number: other}", raises=HashFailed),
    Call("HashTable(hash_func=hash_func, typed=False).set(key, value) == {1: other}", raises=TypeError),
    Call(
        "table == HashTable(hash_func=hash_func).set(key, bad_equality).set(older, older_value)", raises=EqualityFailed
    ),
    Call("table == other"),
    Call("table < table", raises=TypeError),
    Call("table | table", held={**COPIED, "hash_func": 1}),
    Call("table | {number: other}", held={**COPIED, "hash_func": 1, "number": 1, "other": 1}),
    Call("{number: other} | table", held={**COPIED, "hash_func": 1, "number": 1, "other": 1}),
    Call("table | {bad_name: other}", raises=HashFailed),
    Call("{bad_name: other} | table", raises=HashFailed),
    Call("table | other", raises=TypeError),
    Call("other | table", raises=TypeError),
    Call("table.__ior__([(absent, other)])", after={"absent": 1, "other": 1}, held={"table": 1}),
    Call("table.__ior__([(bad_hash, other)])", raises=HashFailed),
    # Views as sets. The keys of these tables are hashed by Python, as the members of a set are.
    Call("HashTable().set(number, other).keys() & [number]", held={"number": 1}),
    Call("HashTable().set(number, other).keys() | {1}", held={"number": 1}),
    Call("HashTable().set(number, other).keys() - [1]", held={"number": 1}),
    Call("HashTable().set(number, other).keys() ^ [1]", held={"number": 1}),
    Call("[number] & HashTable().set(number, other).keys()", held={"number": 1}),
    Call("HashTable().set(number, other).keys() & other", raises=TypeError),
    Call("HashTable().set(number, other).items() & [(number, other)]", raises=TypeError),
    Call("HashTable().set(number, other).keys() <= {number}"),
    Call("HashTable().set(number, other).keys() == {number}"),
    Call("HashTable().set(number, other).keys() > set()"),
    Call("table.keys() == table.keys()"),
    Call("table.keys() == table.copy().keys()"),
    Call("table.items() != table.copy().items()"),
    Call("table.keys() == other"),
    Call("table.keys().isdisjoint([absent, number])"),
    Call("table.keys().isdisjoint([key])"),
    Call("table.items().isdisjoint([(key, other)])"),
    Call("table.keys().isdisjoint([bad_hash])", raises=HashFailed),
    Call("table.keys().isdisjoint(other)", raises=TypeError),
    Call("table.keys().mapping", held={"table": 1}),
    # Iterators can be copied: what is still to come, in a list.
    Call("iter(table).__reduce__()", held={"key": 1, "older": 1}),
    Call("iter(table.items()).__reduce__()", held=COPIED),
    # The library's own hash.
    Call("library_hash(number)"),
    Call("library_hash(1e300)"),
    Call("library_hash(other)", raises=TypeError),
    Call(
        "HashTable(hash_func=library_hash).set(2.5, other).set(str(number), other)[number]",
        raises=KeyError,
        held={"number": 1},
    ),
    # The builtin hash, mixed.
    Call("mixed_hash(number)"),
    Call("mixed_hash(key)", raises=TypeError),
    Call("HashTable(hash_func=mixed_hash).set(number, key)[number]", held={"key": 1}),
    Call("HashTable(hash_func=mixed_hash).set(2.5, other)[number]", raises=KeyError, held={"number": 1}),
    Call("HashTable(hash_func=mixed_hash).set(key, other)", raises=TypeError),
    Call(
        "HashTable(hash_func=mixed_hash).__ior__({number: key, 'other': other})",
        held={"number": 1, "key": 1, "other": 1},
    ),
    Call("HashTable(hash_func=mixed_hash).set('key', other).stats()"),
    # A subclass's answer to a missing key.
    Call("Answering().set(number, other)[1]"),
    Call("Answering().set(number, other)[key]", raises=TypeError),
    Call("Answering(hash_func=hash_func)[absent]", held={"absent": 1}),
    Call("Answering(hash_func=hash_func)[bad_hash]", raises=HashFailed),
]
