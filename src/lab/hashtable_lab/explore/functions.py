"""Hash functions by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from hashtable_lab.errors import Missing, require

#: Name, and what it is.
KNOWN = {
    "hash": "the builtin",
    "mixed_hash": "the builtin, mixed so that its low bits depend on all of them",
    "library_hash": "the talk's default: an int is itself, a float its floor, a str its length",
    "digits_hash": "the talk's in Python: strings the numbers of a text's characters together",
}


def digits_hash(key: Any) -> int:
    """The hash function that the talk wrote in Python: the digits of all characters, in a row."""
    return int("".join(str(ord(character)) for character in str(key)))


def function_of(name: str) -> Callable[[Any], int]:
    """Finds a hash function.

    Args:
        name: one of KNOWN, or `module:function`; the module must be importable.

    Returns:
        The function.

    Raises:
        Missing: there is none of that name.
    """
    require("hashtable")
    import hashtable

    known: dict[str, Callable[[Any], int]] = {
        "hash": hash,
        "mixed_hash": hashtable.mixed_hash,
        "library_hash": hashtable.library_hash,
        "digits_hash": digits_hash,
    }
    if name in known:
        return known[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise Missing(f"there is no hash function {name!r}; there are: {', '.join(KNOWN)}, and module:function.")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise Missing(f"the hash function {name!r} cannot be imported: {error}") from None
    if not callable(function):
        raise Missing(f"{name!r} is not a function.")
    return function  # type: ignore[no-any-return]
