"""The C++ table by ctypes, through its C interface table_c.cpp. As with every handle, somebody must give it back: __del__ does."""

import ctypes
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_double, c_int, c_int64, c_size_t, c_void_p

OK, NOT_FOUND, NO_MEMORY, BAD, STOPPED = range(5)


class Item(ctypes.Structure):
    _fields_ = [
        ("kind", c_int),
        ("integer", c_int64),
        ("real", c_double),
        ("bytes", POINTER(c_char)),
        ("length", c_size_t),
    ]


_lib = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libtable_c.so"))
_item = POINTER(Item)
_Hash = ctypes.CFUNCTYPE(c_int, _item, POINTER(c_int64))
_signatures = {
    "table_error": (c_char_p, []),
    "table_new": (c_int, [c_size_t, c_double, c_void_p, POINTER(c_void_p)]),
    "table_free": (None, [c_void_p]),
    "table_set": (c_int, [c_void_p, _item, _item]),
    "table_get": (c_int, [c_void_p, _item, _item]),
    "table_pop": (c_int, [c_void_p, _item, _item]),
    "table_size": (c_size_t, [c_void_p]),
    "table_load": (c_size_t, [c_void_p]),
    "table_picture": (c_int, [c_void_p, _item]),
}
for _name, (_result, _arguments) in _signatures.items():
    getattr(_lib, _name).restype, getattr(_lib, _name).argtypes = _result, _arguments


def _to_item(value):
    """The struct for a key or a value. It keeps the bytes of a string alive."""
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:  # c_int64 would silently drop the higher bits
            raise OverflowError("int does not fit into 64 bits")
        return Item(0, integer=value)
    if isinstance(value, float):
        return Item(1, real=value)
    if isinstance(value, str):
        text = value.encode("utf-8")
        item = Item(2, bytes=ctypes.cast(text, POINTER(c_char)), length=len(text))
        item.owner = text  # the pointer does not keep the bytes alive
        return item
    raise TypeError("keys and values are int, float or str, not " + type(value).__name__)


def _from_item(item):
    if item.kind == 0:
        return item.integer
    return item.real if item.kind == 1 else item.bytes[: item.length].decode("utf-8")


def _answer(hash_func, key):
    answer = hash_func(key)
    if not isinstance(answer, int):
        raise ValueError("Invalid hash function -- all keys must hash to an integer.")
    return answer if -(2**63) <= answer < 2**63 else hash(answer)


class _Owner:
    """Owns a handle, and what C++ may call. A call takes this as its argument, so that it cannot be freed before it returns."""

    def __init__(self, handle, function):
        self._as_parameter_, self.function = handle, function

    def __del__(self):
        _lib.table_free(self._as_parameter_)


class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    _table = None

    def __init__(self, size=4, max_load=0.5, hash_func=None):
        if hash_func is not None and not callable(hash_func):
            raise TypeError("hash_func must be callable.")
        raised, table, function = [], c_void_p(), None

        def call(key, answer):
            try:
                answer[0] = _answer(hash_func, _from_item(key[0]))
                return 1
            except BaseException as error:  # it cannot pass through C; it is kept, and C++ is told
                raised.append(error)
                return 0

        if hash_func is not None:
            function = _Hash(call)
        self._check(_lib.table_new(size, max_load, ctypes.cast(function, c_void_p), byref(table)))
        self._table, self._raised = _Owner(table, function), raised

    def _check(self, status):
        """Raises what a status means, unless it is good news or NOT_FOUND. Returns it."""
        if status in (OK, NOT_FOUND):
            return status
        if status == STOPPED:
            raise self._raised.pop()
        raise MemoryError if status == NO_MEMORY else ValueError(_lib.table_error().decode("utf-8"))

    @property
    def _handle(self):
        if self._table is None:
            raise ValueError("the table is not initialised")
        return self._table

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        self._check(_lib.table_set(self._handle, _to_item(key), _to_item(value)))
        return self

    def get(self, key, default=None):
        """The value of a key."""
        value = Item()
        found = self._check(_lib.table_get(self._handle, _to_item(key), value))
        return default if found == NOT_FOUND else _from_item(value)

    def pop(self, key, *default):
        """Removes a key and returns its value."""
        value = Item()
        if self._check(_lib.table_pop(self._handle, _to_item(key), value)) != NOT_FOUND:
            return _from_item(value)
        if default:
            return default[0]
        raise KeyError(key)

    @property
    def size(self):
        """Number of buckets."""
        return _lib.table_size(self._handle)

    @property
    def load(self):
        """Number of pairs."""
        return _lib.table_load(self._handle)

    def __repr__(self):
        picture = Item()
        self._check(_lib.table_picture(self._handle, picture))
        return _from_item(picture)
