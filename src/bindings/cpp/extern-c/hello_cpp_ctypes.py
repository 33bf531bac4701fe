"""The C++ library by ctypes, through its C interface hello_c.cpp. Which overload, which type: that is chosen here, by hand."""

import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int64, c_long, c_size_t, c_void_p

_lib = ctypes.CDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libhello_c.so"))
_Hash = ctypes.CFUNCTYPE(c_int, c_int64, POINTER(c_int64))
_signatures = {
    "hello_error": (c_char_p, []),
    "hello_plain": (c_long, [c_long]),
    "hello_nothing": (None, []),
    "hello_pi": (c_double, []),
    "hello_hello": (c_int, [c_char_p]),
    "hello_greeting": (c_int, [c_char_p, c_char_p, c_size_t]),
    "hello_greeting_times": (c_int, [c_int64, c_char_p, c_size_t]),
    "hello_twice_int": (c_int64, [c_int64]),
    "hello_twice_float": (c_double, [c_double]),
    "hello_twice_text": (c_int, [c_char_p, c_char_p, c_size_t]),
    "hello_guest_new": (c_int, [c_char_p, POINTER(c_void_p)]),
    "hello_guest_free": (None, [c_void_p]),
    "hello_guest_name": (c_char_p, [c_void_p]),
    "hello_guest_present": (c_int, []),
    "hello_ask": (c_int, [_Hash, c_int64, POINTER(c_int64)]),
}
for _name, (_result, _arguments) in _signatures.items():
    getattr(_lib, _name).restype, getattr(_lib, _name).argtypes = _result, _arguments

plain, nothing, get_pi = _lib.hello_plain, _lib.hello_nothing, _lib.hello_pi


def _check(failed):
    if failed:
        raise ValueError(_lib.hello_error().decode("utf-8"))


def _text(function, *arguments):
    """What a function writes into a buffer."""
    buffer = ctypes.create_string_buffer(4096)
    _check(function(*arguments, buffer, len(buffer)))
    return buffer.value.decode("utf-8")


def hello(name):
    """Greets somebody."""
    _check(_lib.hello_hello(name.encode("utf-8")))


def greeting(who):
    """What one says to somebody, or so many times."""
    if isinstance(who, str):
        return _text(_lib.hello_greeting, who.encode("utf-8"))
    return _text(_lib.hello_greeting_times, who)


def twice(value):
    """The value and itself, added."""
    if isinstance(value, str):
        return _text(_lib.hello_twice_text, value.encode("utf-8"))
    return (_lib.hello_twice_float if isinstance(value, float) else _lib.hello_twice_int)(value)


class Guest:
    """Somebody who is there as long as the object lives."""

    _guest = None

    def __init__(self, name):
        guest = c_void_p()
        _check(_lib.hello_guest_new(name.encode("utf-8"), byref(guest)))
        self._guest = guest

    def __del__(self):
        guest, self._guest = self._guest, None
        _lib.hello_guest_free(guest)

    @property
    def name(self):
        """What the guest is called."""
        return _lib.hello_guest_name(self._guest).decode("utf-8")

    present = staticmethod(lambda: _lib.hello_guest_present())


class Hash:
    """To be derived from: `of(key)` is called by C++."""

    def of(self, key):
        raise NotImplementedError("of")


def ask(hash, key):
    """Has C++ call a Hash, or a function."""
    function, raised, answer = hash.of if isinstance(hash, Hash) else hash, [], c_int64()

    def call(key, answer):
        try:
            answer[0] = function(key)
            return 1
        except BaseException as error:  # it cannot pass through C; it is kept, and C++ is told
            raised.append(error)
            return 0

    failed = _lib.hello_ask(_Hash(call), key, byref(answer))
    if raised:
        raise raised.pop()
    _check(failed)
    return answer.value
