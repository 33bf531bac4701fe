"""libhashtable by cffi: the class, which is the same in both modes."""


def bind(ffi, lib):
    """The class HashTable over a library that cffi has opened (ABI mode) or compiled against (API mode)."""

    def to_item(value):
        """The ht_item for a key or a value, and the bytes that must live as long. cffi itself refuses large ints."""
        if isinstance(value, int):
            return ffi.new("ht_item *", {"kind": lib.HT_INT, "data": {"integer": value}}), None
        if isinstance(value, float):
            return ffi.new("ht_item *", {"kind": lib.HT_FLOAT, "data": {"real": value}}), None
        if isinstance(value, str):
            text = ffi.from_buffer(value.encode())
            data = {"text": {"bytes": text, "length": len(text)}}
            return ffi.new("ht_item *", {"kind": lib.HT_STRING, "data": data}), text
        raise TypeError("keys and values are int, float or str, not " + type(value).__name__)

    def from_item(item):
        if item.kind == lib.HT_INT:
            return item.data.integer
        if item.kind == lib.HT_FLOAT:
            return item.data.real
        return ffi.buffer(item.data.text.bytes, item.data.text.length)[:].decode()

    def check(status):
        """Raises what a status means, unless it is good news or HT_NOT_FOUND. Returns it."""
        if status in (0, 1):
            return status
        error = MemoryError if status == lib.HT_NO_MEMORY else ValueError
        raise error(ffi.string(lib.ht_error_message(status)).decode())

    class HashTable:
        """A hash table; without `hash_func` the library's default hash is used."""

        _table = ffi.NULL

        def __init__(self, size=4, max_load=0.5, hash_func=None):
            if hash_func is not None and not callable(hash_func):
                raise TypeError("hash_func must be callable.")
            table = ffi.new("ht_table **")
            check(lib.ht_new(size, max_load, table))
            # The table is freed with the last reference to this pointer.
            self._table, self._hash_func = ffi.gc(table[0], lib.ht_free), hash_func

        def _call(self, function, hashed, key, *rest):
            item, _text = to_item(key)
            if not self._table:
                raise ValueError("the table is not initialised")
            if self._hash_func is None:
                return check(function(self._table, item, *rest))
            answer = self._hash_func(key)
            if not isinstance(answer, int):
                raise ValueError("Invalid hash function -- all keys must hash to an integer.")
            if not -(2**63) <= answer < 2**63:
                answer = hash(answer)
            return check(hashed(self._table, answer, item, *rest))

        def _number(self, function):
            number = ffi.new("size_t *")
            check(function(self._table, number))
            return number[0]

        def set(self, key, value):
            """Adds a pair or overwrites a value; returns the table."""
            item, _text = to_item(value)
            self._call(lib.ht_set, lib.ht_set_hashed, key, item, ffi.NULL)
            return self

        def get(self, key, default=None):
            """The value of a key."""
            value = ffi.new("ht_item *")
            missing = self._call(lib.ht_get, lib.ht_get_hashed, key, value)
            return default if missing else from_item(value)

        def pop(self, key, *default):
            """Removes a key and returns its value."""
            value = ffi.new("ht_item *")
            if not self._call(lib.ht_remove, lib.ht_remove_hashed, key, ffi.NULL, value):
                return from_item(value)
            if default:
                return default[0]
            raise KeyError(key)

        @property
        def size(self):
            """Number of buckets."""
            return self._number(lib.ht_size)

        @property
        def load(self):
            """Number of pairs."""
            return self._number(lib.ht_load)

        def __repr__(self):
            needed = ffi.new("size_t *")
            check(lib.ht_picture(self._table, ffi.NULL, 0, needed))
            picture = ffi.new("char[]", needed[0] + 1)
            check(lib.ht_picture(self._table, picture, len(picture), needed))
            return ffi.string(picture).decode()

    return HashTable
