"""The extension, said in Python: what each function of the lesson does, in eight lines or fewer.

A test compares it with the real one.
"""


class Table:
    """A chained hash table, as slow and as short as can be."""

    def __init__(self, size=4, max_load=0.5, hash_func=hash):
        self.buckets = [[] for _ in range(size)]
        self.max_load = max_load
        self.hash_func = hash_func

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

    def add(self, pair):
        if len(self) + 1 > self.max_load * len(self.buckets):
            self.grow()
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
