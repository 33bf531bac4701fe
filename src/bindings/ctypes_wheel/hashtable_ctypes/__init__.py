"""The hash table, reached by ctypes: Python code, a shared library, and nothing compiled for any one Python.

    >>> from hashtable_ctypes import HashTable
    >>> HashTable(hash_func=len).set("pi", 3.14159)
    []
    []
    []*
    []

Below are, in this order: the structs of `hashtable.h`, its functions as ctypes must know them, Python objects turned into
items and back, and the class. Keys and values are int (of 64 bits), float and str, since these are the kinds that the
library knows by itself.

Runs on CPython from 3.6 on, so what is newer than that is not used here.
"""

import ctypes
import os

__all__ = ["HashTable"]

# ---- the structs -----------------------------------------------------------------------------------------------------

NONE, INT, FLOAT, STRING = range(4)
OK, NOT_FOUND, END = range(3)


class Text(ctypes.Structure):
    """`ht_text`. Not `c_char_p` for the bytes: that would end at the first NUL."""

    _fields_ = [("bytes", ctypes.POINTER(ctypes.c_char)), ("length", ctypes.c_size_t)]


class Data(ctypes.Union):
    """`ht_data`."""

    _fields_ = [
        ("integer", ctypes.c_int64),
        ("real", ctypes.c_double),
        ("text", Text),
        ("pointer", ctypes.c_void_p),
    ]


class Item(ctypes.Structure):
    """`ht_item`."""

    _fields_ = [("kind", ctypes.c_int32), ("data", Data)]


class Place(ctypes.Structure):
    """`ht_place`."""

    _fields_ = [("next", ctypes.c_size_t), ("version", ctypes.c_uint64)]


# ---- the functions ---------------------------------------------------------------------------------------------------

_library = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhashtable.so"))

_table, _item, _size = ctypes.c_void_p, ctypes.POINTER(Item), ctypes.POINTER(ctypes.c_size_t)

# ctypes cannot read a header: it believes what is said here, and where that is wrong nobody notices before the crash.
for _name, _arguments in {
    "ht_new": [ctypes.c_size_t, ctypes.c_double, ctypes.POINTER(_table)],
    "ht_free": [_table],
    "ht_hash": [_item, ctypes.POINTER(ctypes.c_int64)],
    "ht_set_hashed": [_table, ctypes.c_int64, _item, _item, _item],
    "ht_get_hashed": [_table, ctypes.c_int64, _item, _item],
    "ht_remove_hashed": [_table, ctypes.c_int64, _item, _item, _item],
    "ht_next": [_table, ctypes.POINTER(Place), _item, _item],
    "ht_size": [_table, _size],
    "ht_load": [_table, _size],
    "ht_picture": [_table, ctypes.c_char_p, ctypes.c_size_t, _size],
}.items():
    _function = getattr(_library, _name)
    _function.argtypes = _arguments
    _function.restype = ctypes.c_int32  # ht_status
_library.ht_error_message.argtypes = [ctypes.c_int32]
_library.ht_error_message.restype = ctypes.c_char_p

_NO_MEMORY = 10


def _check(status):
    """Raises what a status stands for, unless all is well."""
    if status == _NO_MEMORY:
        raise MemoryError
    if status != OK:
        raise ValueError(_library.ht_error_message(status).decode())


# ---- objects and items -----------------------------------------------------------------------------------------------


def _to_item(value):
    """An object as an item. A string's bytes stay alive as long as the item does: ctypes keeps what a field points to."""
    item = Item()
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:  # ctypes would cut it off without a word
            raise OverflowError("the library's integers have 64 bits")
        item.kind, item.data.integer = INT, value
    elif isinstance(value, float):
        item.kind, item.data.real = FLOAT, value
    elif isinstance(value, str):
        encoded = value.encode("utf-8")
        item.kind = STRING
        item.data.text.bytes = ctypes.cast(ctypes.c_char_p(encoded), ctypes.POINTER(ctypes.c_char))
        item.data.text.length = len(encoded)
    else:
        raise TypeError("keys and values are int, float or str, not " + type(value).__name__)
    return item


def _to_object(item):
    """An item as an object. The bytes of a string are lent until the table changes, so they are copied here and now."""
    if item.kind == INT:
        return item.data.integer
    if item.kind == FLOAT:
        return item.data.real
    return item.data.text.bytes[: item.data.text.length].decode("utf-8")


# ---- the class -------------------------------------------------------------------------------------------------------

_RAISE = object()


class HashTable:
    """A chained hash table that shows its buckets.

    Args:
        size: the number of buckets to begin with, at least 1.
        max_load: how many pairs per bucket there may be, above 0 and at most 1; one more, and the size doubles.
        hash_func: a function from a key to an int of 64 bits; None is the library's own, which is poor.

    Raises:
        ValueError: size or max_load is none of these.
    """

    _handle = None

    def __init__(self, size=4, max_load=0.5, hash_func=None):
        if not isinstance(size, int) or not 0 < size < 2**63:
            raise ValueError("size is an int of at least 1")
        handle = _table()
        _check(_library.ht_new(size, max_load, ctypes.byref(handle)))
        self._handle = handle
        self._hash_func = hash_func

    def __del__(self):
        # The library is asked only if there is something to free: at the interpreter's end its name may be gone already.
        if self._handle is not None:
            _library.ht_free(self._handle)

    def _look(self, key):
        """The key as an item, and its hash. What a hash function raises is raised here, before the library is called."""
        item = _to_item(key)
        if self._hash_func is None:
            answer = ctypes.c_int64()
            _check(_library.ht_hash(ctypes.byref(item), ctypes.byref(answer)))
            return item, answer.value
        answer = self._hash_func(key)
        if not isinstance(answer, int):
            raise ValueError("a hash function returns an int, not " + type(answer).__name__)
        if not -(2**63) <= answer < 2**63:
            answer = hash(answer)
        return item, answer

    def set(self, key, value):
        """Adds a pair or overwrites its value. Returns the table, so that calls can be chained."""
        value = _to_item(value)
        item, number = self._look(key)
        _check(_library.ht_set_hashed(self._handle, number, ctypes.byref(item), ctypes.byref(value), None))
        return self

    def get(self, key, default=None):
        """The value of a key, or the default."""
        item, number = self._look(key)
        found = Item()
        status = _library.ht_get_hashed(self._handle, number, ctypes.byref(item), ctypes.byref(found))
        if status == NOT_FOUND:
            return default
        _check(status)
        return _to_object(found)

    def pop(self, key, default=_RAISE):
        """Removes a key and returns its value; if it is not there, the default or KeyError."""
        item, number = self._look(key)
        found = Item()
        status = _library.ht_remove_hashed(self._handle, number, ctypes.byref(item), None, ctypes.byref(found))
        if status == NOT_FOUND:
            if default is _RAISE:
                raise KeyError(key)
            return default
        _check(status)
        return _to_object(found)

    def items(self):
        """A list of all pairs, in the order in which they were added."""
        place, key, value, pairs = Place(), Item(), Item(), []
        while True:
            status = _library.ht_next(self._handle, ctypes.byref(place), ctypes.byref(key), ctypes.byref(value))
            if status == END:
                return pairs
            _check(status)
            pairs.append((_to_object(key), _to_object(value)))

    def _count(self, function):
        number = ctypes.c_size_t()
        _check(function(self._handle, ctypes.byref(number)))
        return number.value

    @property
    def size(self):
        """The number of buckets now."""
        return self._count(_library.ht_size)

    @property
    def load(self):
        """The number of pairs now."""
        return self._count(_library.ht_load)

    def picture(self):
        """A line for each bucket, with a star for each pair in it."""
        needed = ctypes.c_size_t()
        _check(_library.ht_picture(self._handle, None, 0, ctypes.byref(needed)))
        buffer = ctypes.create_string_buffer(needed.value + 1)
        _check(_library.ht_picture(self._handle, buffer, len(buffer), ctypes.byref(needed)))
        return buffer.value.decode("ascii")

    __repr__ = picture

    def __len__(self):
        return self.load
