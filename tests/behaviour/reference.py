"""A hash table in plain Python, written from the contract alone: slow, short, and to be believed.

A list of `size` chains; a chain is a list of pairs, newest first; a pair has a stamp that says when it came. What the
extension does to its arrays is done here to lists, in the most obvious way. The tests that compare the two are in
test_reference.py.
"""

from __future__ import annotations

from collections.abc import MutableMapping

MISSING = object()


class Pair:
    """One pair in a chain."""

    def __init__(self, hash, key, value, stamp):
        self.hash, self.key, self.value, self.stamp = hash, key, value, stamp


class ReferenceTable(MutableMapping):
    """What a `HashTable` is compared with. It has its methods, and those that `MutableMapping` gives it."""

    def __init__(self, size=4, max_load=0.5, hash_func=hash, *, typed=True):
        self.size, self.max_load, self.hash_func, self.typed = size, float(max_load), hash_func, typed
        self.initial_size = size
        self.chains = [[] for _ in range(size)]
        self.stamp = 0

    # ---- the table ----

    @property
    def load(self):
        return sum(len(chain) for chain in self.chains)

    def hash_of(self, key):
        answer = self.hash_func(key)
        if not isinstance(answer, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        return int(answer) if -(2**63) <= answer < 2**63 else hash(int(answer))

    def bucket_of(self, key):
        return self.hash_of(key) % self.size

    def find(self, hash, key):
        for pair in self.chains[hash % self.size]:
            if pair.hash == hash and (pair.key is key or self.are_equal(pair.key, key)):
                return pair
        return None

    def are_equal(self, one, other):
        if self.typed:
            kinds = [kind_of(one), kind_of(other)]
            if None not in kinds and kinds[0] != kinds[1]:
                return False
        return one == other

    def set(self, key, value):
        hash = self.hash_of(key)
        pair = self.find(hash, key)
        if pair is not None:
            pair.value = value
            return self
        if (self.load + 1) / self.size > self.max_load:
            pairs = self.pairs()
            while (len(pairs) + 1) / self.size > self.max_load:
                self.size *= 2
            self.chains = [[] for _ in range(self.size)]
            for old in pairs:
                self.chains[old.hash % self.size].insert(0, old)
        self.stamp += 1
        self.chains[hash % self.size].insert(0, Pair(hash, key, value, self.stamp))
        return self

    def pairs(self):
        """All pairs, oldest first."""
        return sorted((pair for chain in self.chains for pair in chain), key=lambda pair: pair.stamp)

    def clear(self):
        self.size = self.initial_size
        self.chains = [[] for _ in range(self.size)]

    # ---- the mapping ----

    def __getitem__(self, key):
        pair = self.find(self.hash_of(key), key)
        if pair is None:
            raise KeyError(key)
        return pair.value

    __setitem__ = set

    def __delitem__(self, key):
        self.pop(key)

    def pop(self, key, default=MISSING):
        hash = self.hash_of(key)
        pair = self.find(hash, key)
        if pair is not None:
            self.chains[hash % self.size].remove(pair)
            return pair.value
        if default is MISSING:
            raise KeyError(key)
        return default

    def popitem(self):
        if not self:
            raise KeyError("popitem(): table is empty")
        pair = self.pairs()[-1]
        self.chains[pair.hash % self.size].remove(pair)
        return pair.key, pair.value

    def __contains__(self, key):
        return self.find(self.hash_of(key), key) is not None

    def __len__(self):
        return self.load

    def __iter__(self):
        return iter([pair.key for pair in self.pairs()])

    def __reversed__(self):
        return iter([pair.key for pair in self.pairs()[::-1]])

    # ---- looking into it ----

    def buckets(self):
        return [[(pair.key, pair.value) for pair in chain] for chain in self.chains]

    def __repr__(self):
        return "".join("[]" + "*" * len(chain) + "\n" for chain in self.chains)


def kind_of(key):
    """The kind by which a typed table tells keys apart, or None for a key that it does not tell apart."""
    return next((kind for kind in (int, float, str) if isinstance(key, kind)), None)
