"""Sets of keys to put into a table, by name."""

from __future__ import annotations

import functools
import hashlib
import itertools
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hashtable_lab.demos.wordcount import pieces, standard_library
from hashtable_lab.errors import Missing

_WORD = re.compile(r"[^\W\d_]+")
#: What a key set that is read from a file is called: this, and the file's path.
FILE = "file:"


def _words() -> Iterator[str]:
    for file in standard_library():
        for piece in pieces(file):
            yield from _WORD.findall(piece)


def _lines(file: Path) -> Iterator[str]:
    for piece in pieces(file):
        yield from piece.splitlines()


#: Name, and what makes the keys: distinct ones, at least as many as are asked for, or all that there are.
KEY_SETS: dict[str, Callable[[], Iterator[Any]]] = {
    "words": _words,
    "paths": lambda: (str(file) for file in standard_library()),
    "ids": lambda: iter(itertools.count(10**6)),
    "random ints": lambda: (random.Random(i).getrandbits(62) for i in itertools.count()),
    "tuples": lambda: ((i, -i) for i in itertools.count()),
    "multiples of 1024": lambda: (i * 1024 for i in itertools.count()),
    "i << 32": lambda: (i << 32 for i in itertools.count()),
    "i / 1024": lambda: (i / 1024 for i in itertools.count()),
    # All have the same hash: see `hashtable_lab attack`.
    "made to collide": lambda: (1 + i * (2**61 - 1) for i in itertools.count()),
}


@functools.lru_cache(maxsize=4)
def keys_of(name: str, count: int) -> tuple[list[Any], list[Any]]:
    """Distinct keys, in a random order that is always the same.

    Args:
        name: one of KEY_SETS, or `file:` and a path: the distinct lines of that file.
        count: how many; fewer if there are not so many.

    Returns:
        The keys that go into a table, and as many others of the same kind that do not (fewer if there are not so many).

    Raises:
        Missing: there is no such key set, or the file cannot be read or is empty.
    """
    if name.startswith(FILE):
        source = _lines(Path(name[len(FILE) :]))
    elif name in KEY_SETS:
        source = KEY_SETS[name]()
    else:
        raise Missing(f"there is no key set {name!r}; there are: {', '.join(KEY_SETS)}, and {FILE}PATH.")
    distinct: dict[Any, None] = {}
    for key in source:
        distinct[key] = None
        if len(distinct) == 2 * count:
            break
    everything = list(distinct)
    if not everything:
        raise Missing(f"{name} has no keys in it.")
    random.Random(0).shuffle(everything)
    half = count if len(everything) == 2 * count else max(1, len(everything) // 2)
    return everything[:half], everything[half:]


def content_of(name: str) -> tuple[str, ...]:
    """What a result depends on beside the name of its key set: the content of the file."""
    if not name.startswith(FILE):
        return ()
    try:
        return (hashlib.sha256(Path(name[len(FILE) :]).read_bytes()).hexdigest(),)
    except OSError as error:
        raise Missing(f"{name[len(FILE) :]}: {error.strerror}.") from None
