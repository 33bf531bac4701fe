"""Calls of the table while memory is scarce: each request for memory is refused once, one after another.

A call of `CALLS` is made with the first request refused, then with the second, and so on until it makes no more requests. Each
time it must raise MemoryError or do what it is for; a table that it failed to change must be what it was before, sound
and of use; and in the end no object that took part may have more references than before, or fewer.

There are two kinds of memory, and a switch for each:

    Python's     `_testcapi.set_nomemory`, a part of CPython's own test support. It refuses memory to everybody, so this is
                 done in a child: `python tests/faults/scarcity.py` prints a line of JSON for each call.
    the table's  `_fail_allocation` of the traced module.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import weakref

import subject
from hostile import assert_sound

with contextlib.suppress(ImportError):
    import _testcapi

# The last of so many calls in a row that did not fail is the last that is tried: a request may be refused and not missed.
QUIET = 15
MOST = 500


def by_python(key):
    """A hash function written in Python: calling it may take memory too."""
    return hash(key)


class Mapping:
    """A mapping that is no dict."""

    def __init__(self, content):
        self.content = content

    def keys(self):
        return list(self.content)

    def __getitem__(self, key):
        return self.content[key]


class World:
    """All that a call may use, made anew for each.

    Args:
        module: where the type is from.
        objects: 20 different str, keys and values. They outlive the world, and their references are counted.
        hash_func: what the tables hash with.
    """

    def __init__(self, module, objects, hash_func):
        self.HashTable = module.HashTable
        self.held = None
        self.library_hash = module.library_hash
        self.hash_func = hash_func
        self.keys, self.values = objects[:10], objects[10:]
        pairs = list(zip(self.keys, self.values))
        # Eight buckets, six pairs, and then full, so that the next pair needs more of both; after that, grown.
        self.table = self.with_pairs(8, pairs[:6])
        self.full = self.with_pairs(4, pairs[:4])
        self.grown = self.with_pairs(2, pairs[:6])
        self.new, self.value = self.keys[7], self.values[7]
        self.more = pairs[4:]
        self.as_dict, self.as_table = dict(self.more), self.with_pairs(2, self.more)
        self.twin = self.with_pairs(16, pairs[:6])
        self.view, self.items = self.table.keys(), self.table.items()
        self.walk = iter(self.items)
        self.state = self.grown.__reduce__()[2]

    def with_pairs(self, size, pairs):
        table = self.HashTable(size, 1.0, self.hash_func)
        for key, value in pairs:
            table[key] = value
        return table

    def hold(self, pair):
        """Keeps a pair: the one that the free list had, where the arguments of `set_nomemory` have just gone."""
        self.held = pair
        return self

    def tables(self):
        return [self.table, self.full, self.grown, self.as_table, self.twin]


CALLS = {
    "new": lambda w: w.HashTable(),
    "new with parameters": lambda w: w.HashTable(100, 0.7, w.hash_func, typed=False),
    "init again": lambda w: w.table.__init__(100, 0.5, w.hash_func),
    "set": lambda w: w.table.set(w.new, w.value),
    "set that grows": lambda w: w.full.set(w.new, w.value),
    "set that overwrites": lambda w: w.table.set(w.keys[0], w.value),
    "[]=": lambda w: w.full.__setitem__(w.new, w.value),
    "setdefault": lambda w: w.full.setdefault(w.new, w.value),
    "get": lambda w: w.table.get(w.keys[3]),
    "get of none": lambda w: w.table.get(w.new, w.value),
    "[]": lambda w: w.table[w.keys[3]],
    "[] of none": lambda w: w.table[w.new],
    "in": lambda w: w.new in w.table,
    "pop": lambda w: w.table.pop(w.keys[3]),
    "pop of none": lambda w: w.table.pop(w.new),
    "del": lambda w: w.table.__delitem__(w.keys[3]),
    "del of none": lambda w: w.table.__delitem__(w.new),
    "popitem": lambda w: w.hold((w, w)).table.popitem(),
    "clear": lambda w: w.grown.clear(),
    "update by a dict": lambda w: w.full.update(w.as_dict),
    "update by a table": lambda w: w.full.update(w.as_table),
    "update by pairs": lambda w: w.full.update(w.more),
    "update by a mapping": lambda w: w.full.update(Mapping(w.as_dict)),
    "update by keywords": lambda w: w.full.update(a=w.value, b=w.value),
    "|": lambda w: w.full | w.as_table,
    "| of a dict": lambda w: w.as_dict | w.full,
    "|=": lambda w: w.full.__ior__(w.as_table),
    "fromkeys": lambda w: w.HashTable.fromkeys(w.keys, w.value),
    "copy": lambda w: w.grown.copy(),
    "reduce": lambda w: w.table.__reduce__(),
    "setstate": lambda w: w.table.__setstate__(w.state),
    "setstate of a new one": lambda w: w.HashTable.__new__(w.HashTable).__setstate__(w.state),
    "keys": lambda w: w.table.keys(),
    "values": lambda w: w.table.values(),
    "items": lambda w: w.table.items(),
    "iter": lambda w: iter(w.table),
    "reversed": lambda w: reversed(w.table),
    "list of items": lambda w: list(w.items),
    "next of items": lambda w: next(w.hold((w, w)).walk),
    "reduce of an iterator": lambda w: w.walk.__reduce__(),
    "repr of a view": lambda w: repr(w.items),
    "keys &": lambda w: w.view & w.keys,
    "keys |": lambda w: w.view | w.keys,
    "keys -": lambda w: w.view - w.keys,
    "items ^": lambda w: w.items ^ w.more,
    "items <=": lambda w: w.items <= w.twin.items(),
    "isdisjoint": lambda w: w.view.isdisjoint(w.more),
    "in items": lambda w: (w.keys[3], w.values[3]) in w.items,
    "mapping of a view": lambda w: w.view.mapping,
    "==": lambda w: w.table == w.twin,
    "== a dict": lambda w: w.as_table == w.as_dict,
    "buckets": lambda w: w.table.buckets(),
    "stats": lambda w: w.table.stats(),
    "repr": lambda w: repr(w.table),
    "full picture": lambda w: f"{w.table:full}",
    "hash_of": lambda w: w.table.hash_of(w.new),
    "bucket_of": lambda w: w.table.bucket_of(w.new),
    "sizeof": lambda w: w.table.__sizeof__(),
    "library_hash": lambda w: w.library_hash(1e300),
    "HashTable[...]": lambda w: w.HashTable[str, w.value],
    "weakref.ref": lambda w: weakref.ref(w.table),
}

#: What takes over pairs one by one, and so keeps those that came before the failure.
PIECEMEAL = {name for name in CALLS if name.startswith("update") or name == "|="}
#: What may raise KeyError, and does if there is memory.
MISSING = {name for name in CALLS if name.endswith("of none") and name != "get of none"}


#: Where CPython itself keeps references if memory is refused: `Py_ReprLeave`, which `repr` of a dict's views calls too, needs some.
CPYTHON_LEAKS = {"repr of a view"}


def visible(table):
    """What can be seen of a table, by identity."""
    pairs = [(id(key), id(value)) for key, value in table.items()]
    chains = [[id(key) for key, _ in bucket] for bucket in table.buckets()]
    parameters = (table.size, table.load, table.max_load, table.hash_func, table.typed)
    return parameters, pairs, chains, table.__reduce__()[2][0]


def attempt(module, name, hash_func, switch, nth, objects):
    """Makes a call with the nth request for memory refused.

    Args:
        module: where the type is from.
        name: of one of `CALLS`.
        hash_func: what the tables hash with.
        switch: a function that makes the nth request from now on fail, and with 0 takes that back.
        nth: which one, from 1 on.
        objects: what `World` is made of.

    Returns:
        Whether MemoryError was raised, and a list of complaints.
    """
    complaints = []
    world = World(module, objects, hash_func)
    before = list(map(visible, world.tables()))
    call, failed = CALLS[name], False
    gc.collect()  # which also empties CPython's free lists: what they hand out takes no memory
    try:
        # No `with`: leaving one takes memory.
        try:
            switch(nth)
            call(world)
        finally:
            switch(0)
    except MemoryError:
        failed = True
    except KeyError:
        if name not in MISSING:
            complaints.append("KeyError was raised")
    except Exception as error:
        # CPython from 3.11 on, with a dict as with a table: an exception is lost if there is no memory for its traceback.
        if not (name in MISSING and "error return without exception set" in str(error)):
            complaints.append(f"{type(error).__name__}: {error}")
    try:
        if failed and name not in PIECEMEAL and list(map(visible, world.tables())) != before:
            complaints.append("MemoryError was raised, but a table has changed")
        for table in world.tables():
            assert_sound(table)
            table["a"] = 1
            table.pop("a")
            assert_sound(table)
    except Exception as error:
        complaints.append(f"the table is of no use afterwards: {type(error).__name__}: {error}")
    return failed, complaints


def try_all(module, name, hash_func, switch, carried_out=None):
    """Makes a call again and again, each time with a later request refused.

    Args:
        module, name, hash_func, switch: as in `attempt`.
        carried_out: a function that tells whether the last refusal happened. Without it, nothing but MemoryError tells.

    Returns:
        How often MemoryError was raised, and a list of complaints.
    """
    # New and mortal, and as no literal looks: nobody else has a reference to any of them.
    objects = ["".join(["object ", str(number), "!"]) for number in range(20)]
    watched = [*objects, hash_func]
    attempt(module, name, hash_func, lambda nth: None, 0, objects)  # whatever is made only once
    gc.collect()
    before = list(map(sys.getrefcount, watched))
    failures, quiet, complaints = 0, 0, []
    for nth in range(1, MOST):
        failed, found = attempt(module, name, hash_func, switch, nth, objects)
        happened = failed if carried_out is None else carried_out()
        if carried_out is not None and happened != failed and not (happened and name == "clear"):
            found.append(f"the request was refused: {happened}; MemoryError was raised: {failed}")
        complaints += [f"request {nth}: {complaint}" for complaint in found]
        failures += failed
        quiet = 0 if happened else quiet + 1
        if quiet == (1 if carried_out is not None else QUIET):
            break
    else:
        complaints.append(f"after {MOST} requests there was no end")
    gc.collect()
    after = list(map(sys.getrefcount, watched))
    if after != before and name not in CPYTHON_LEAKS:
        complaints.append(f"references before: {before}, after: {after}")
    return failures, complaints


def python_refuses(nth):
    """Makes the nth of Python's requests for memory from now on fail; with 0, none."""
    if nth:
        _testcapi.set_nomemory(nth - 1, nth)
    else:
        _testcapi.remove_mem_hooks()


def main():
    gc.disable()  # it would ask for memory at moments of its own
    gc.freeze()
    # CPython 3.9 makes a cache for a function when it is called for the 1024th time, and forgets to raise if there is no
    # memory for it.
    for number in range(2000):
        python_refuses(0)
        by_python(number)
    for hash_func in (hash, by_python):
        for name in CALLS:
            if hasattr(sys, "gettotalrefcount") and name in MISSING:
                continue  # where a debug build of CPython aborts: see `attempt`
            print(json.dumps([f"{name}, {hash_func.__name__}"]), flush=True)
            failures, complaints = try_all(subject.module, name, hash_func, python_refuses)
            print(json.dumps([f"{name}, {hash_func.__name__}", failures, complaints]), flush=True)


if __name__ == "__main__":
    main()
