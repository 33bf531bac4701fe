"""The extension, said in Python: what each function of the lesson does, in eight lines or fewer.

A test compares it with the real one.
"""

from types import ModuleType


class Panic(Exception):
    """What Rust raises in a state that should be impossible."""


def entry(body):
    try:
        return body()
    except Panic as panic:
        raise SystemError(f"internal error in hashtable: {panic}") from None


class Table:
    """A chained hash table, as slow and as short as can be."""

    def __new__(cls, *arguments, **named):
        table = super().__new__(cls)
        table.buckets = [[] for _ in range(4)]
        table.max_load, table.hash_func = 0.5, hash
        table.version = 0
        return table

    def __init__(self, size=4, max_load=0.5, hash_func=hash):
        old = self.buckets, self.hash_func
        self.buckets = [[] for _ in range(size)]
        self.max_load, self.hash_func = max_load, hash_func
        self.version += 1
        del old  # only now, since it may run Python code that uses this table

    def dealloc(self):
        pairs, self.buckets = self.buckets, []
        del pairs  # every key and every value that is in them
        del self.hash_func

    def clear(self):
        old = self.buckets, self.hash_func
        self.buckets = [[] for _ in self.buckets]
        self.hash_func = hash
        self.version += 1
        del old

    @property
    def size(self):
        return len(self.buckets)

    def set(self, key, value):
        self.set_item(key, value)
        return self

    def set_item(self, key, value):
        pair = self.look_up(key)
        if pair is None:
            self.add([self.hash_of(key), key, value])
        else:
            pair[2] = value

    def hash_of(self, key):
        found = self.hash_func(key)
        if not isinstance(found, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        return found

    def look_up(self, key):
        wanted = self.hash_of(key)
        for pair in self.buckets[wanted % len(self.buckets)]:
            if pair[0] == wanted and pair[1] == key:
                return pair
        return None

    def walk(self, key, wanted):
        version = self.version
        for pair in self.buckets[wanted % len(self.buckets)]:
            equal = pair[0] == wanted and self.equal_keys(pair[1], key)
            if self.version != version:
                return "moved"
            if equal:
                return pair
        return "to the end"

    def equal_keys(self, candidate, key):
        mine = candidate  # a reference of my own, as long as this function runs
        return mine == key

    def add(self, pair):
        if len(self) + 1 > self.max_load * len(self.buckets):
            self.grow()
        self.version += 1
        self.buckets[pair[0] % len(self.buckets)].insert(0, pair)

    def grow(self):
        pairs = [pair for bucket in self.buckets for pair in reversed(bucket)]
        self.buckets = [[] for _ in range(2 * len(self.buckets))]
        for pair in pairs:
            self.buckets[pair[0] % len(self.buckets)].insert(0, pair)

    def get(self, key, default=None):
        pair = self.look_up(key)
        return default if pair is None else pair[2]

    def __len__(self):
        return sum(map(len, self.buckets))

    def traverse(self, visit):
        visit(self.hash_func)
        for bucket in self.buckets:
            for _, key, value in bucket:
                visit(key)
                visit(value)


def PyInit_hashtable():
    module = ModuleType("hashtable")
    module.HashTable = Table
    return module
