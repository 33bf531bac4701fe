"""libhashtable by ctypes: the standard library is enough, and nothing is compiled.

The structs and signatures of hashtable.h are spelled again in Python. Nobody compares the two: a wrong line here is a
crash there. This file has no syntax that an old Python would not know, so that it can be tried in all of them.
"""

import ctypes
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_double, c_int32, c_int64, c_size_t, c_void_p

HT_INT, HT_FLOAT, HT_STRING = 1, 2, 3
HT_OK, HT_NOT_FOUND, HT_NO_MEMORY = 0, 1, 10


class Text(ctypes.Structure):
    _fields_ = [("bytes", POINTER(c_char)), ("length", c_size_t)]


class Data(ctypes.Union):
    _fields_ = [("integer", c_int64), ("real", c_double), ("text", Text)]


class Item(ctypes.Structure):
    _fields_ = [("kind", c_int32), ("data", Data)]


_lib = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhashtable.so"))
_item = POINTER(Item)
_signatures = {
    "ht_new": [c_size_t, c_double, POINTER(c_void_p)],
    "ht_free": [c_void_p],
    "ht_set": [c_void_p, _item, _item, _item],
    "ht_set_hashed": [c_void_p, c_int64, _item, _item, _item],
    "ht_get": [c_void_p, _item, _item],
    "ht_get_hashed": [c_void_p, c_int64, _item, _item],
    "ht_remove": [c_void_p, _item, _item, _item],
    "ht_remove_hashed": [c_void_p, c_int64, _item, _item, _item],
    "ht_size": [c_void_p, POINTER(c_size_t)],
    "ht_load": [c_void_p, POINTER(c_size_t)],
    "ht_picture": [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)],
}
for _name, _arguments in _signatures.items():
    getattr(_lib, _name).argtypes, getattr(_lib, _name).restype = _arguments, c_int32
_lib.ht_error_message.argtypes, _lib.ht_error_message.restype = [c_int32], c_char_p


def _to_item(value):
    """The ht_item for a key or a value. It keeps the bytes of a string alive."""
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:  # c_int64 would silently drop the higher bits
            raise OverflowError("int does not fit into 64 bits")
        return Item(HT_INT, Data(integer=value))
    if isinstance(value, float):
        return Item(HT_FLOAT, Data(real=value))
    if isinstance(value, str):
        text = value.encode("utf-8")
        item = Item(HT_STRING, Data(text=Text(ctypes.cast(text, POINTER(c_char)), len(text))))
        item.owner = text  # the pointer does not keep the bytes alive
        return item
    raise TypeError("keys and values are int, float or str, not " + type(value).__name__)


def _from_item(item):
    if item.kind == HT_INT:
        return item.data.integer
    if item.kind == HT_FLOAT:
        return item.data.real
    text = item.data.text
    return text.bytes[: text.length].decode("utf-8")


def _check(status):
    """Raises what a status means, unless it is good news or HT_NOT_FOUND. Returns it."""
    if status in (HT_OK, HT_NOT_FOUND):
        return status
    error = MemoryError if status == HT_NO_MEMORY else ValueError
    raise error(_lib.ht_error_message(status).decode("utf-8"))


class HashTable:
    """A hash table; without `hash_func` the library's default hash is used."""

    _table = None

    def __init__(self, size=4, max_load=0.5, hash_func=None):
        if hash_func is not None and not callable(hash_func):
            raise TypeError("hash_func must be callable.")
        table = c_void_p()
        _check(_lib.ht_new(size, max_load, byref(table)))
        self.__del__()
        self._table, self._hash_func = table, hash_func

    def __del__(self):
        table, self._table = self._table, None
        _lib.ht_free(table)

    def _call(self, function, hashed, key, *rest):
        item = _to_item(key)
        if self._table is None:
            raise ValueError("the table is not initialised")
        if self._hash_func is None:
            return _check(function(self._table, item, *rest))
        answer = self._hash_func(key)
        if not isinstance(answer, int):
            raise ValueError("Invalid hash function -- all keys must hash to an integer.")
        if not -(2**63) <= answer < 2**63:
            answer = hash(answer)
        return _check(hashed(self._table, answer, item, *rest))

    def _number(self, function):
        number = c_size_t()
        _check(function(self._table, byref(number)))
        return number.value

    def set(self, key, value):
        """Adds a pair or overwrites a value; returns the table."""
        self._call(_lib.ht_set, _lib.ht_set_hashed, key, _to_item(value), None)
        return self

    def get(self, key, default=None):
        """The value of a key."""
        value = Item()
        found = self._call(_lib.ht_get, _lib.ht_get_hashed, key, value)
        return default if found == HT_NOT_FOUND else _from_item(value)

    def pop(self, key, *default):
        """Removes a key and returns its value."""
        value = Item()
        if self._call(_lib.ht_remove, _lib.ht_remove_hashed, key, None, value) != HT_NOT_FOUND:
            return _from_item(value)
        if default:
            return default[0]
        raise KeyError(key)

    @property
    def size(self):
        """Number of buckets."""
        return self._number(_lib.ht_size)

    @property
    def load(self):
        """Number of pairs."""
        return self._number(_lib.ht_load)

    def __repr__(self):
        needed = c_size_t()
        _check(_lib.ht_picture(self._table, None, 0, byref(needed)))
        picture = ctypes.create_string_buffer(needed.value + 1)
        _check(_lib.ht_picture(self._table, picture, len(picture), byref(needed)))
        return picture.value.decode("utf-8")
