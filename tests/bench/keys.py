"""The keys that the benchmarks put into tables.

A *kind* of key is a name below. `material` makes keys of a kind, in every order that a measurement asks for. Orders differ on
purpose: a table keeps its pairs in the order in which they came, and who asks for them in the same order walks through memory in
step, which flatters every table alike and shows nothing of looking a key up.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any


class Point:
    """A key as a user may write one: it hashes and compares in Python."""

    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x

    def __hash__(self) -> int:
        return hash(self.x)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and self.x == other.x


class Node:
    """A key of a user's class that says nothing about hashes: each object equals itself alone."""


#: Kind, and what makes the i-th key of it.
KINDS: dict[str, Callable[[int], Any]] = {
    "int": lambda i: i,
    "str": lambda i: f"key-{i}",
    "tuple": lambda i: (i, -i),
    "own class": Point,
    "plain class": lambda i: Node(),
    "random int": lambda i: random.Random(i).getrandbits(62),
    "multiples of 1024": lambda i: i * 1024,
    "multiples of 65536": lambda i: i * 65536,
    "i << 32": lambda i: i << 32,
    "floats (i / 1024)": lambda i: i / 1024,
    "floats (i * 0.1)": lambda i: i * 0.1,
}

#: How an object is made that equals a key and is another object.
COPIES: dict[str, Callable[[Any], Any]] = {
    "int": lambda key: int(str(key)),
    "str": lambda key: f"{key}!"[:-1],
    "tuple": lambda key: (int(str(key[0])), int(str(key[1]))),
    "own class": lambda key: Point(key.x),
}


def material(kind: str, n: int, wanted: Iterable[str], seed: int) -> dict[str, Any]:
    """Makes what statements are run on. Every key has been hashed once, for a str remembers its hash.

    Args:
        kind: one of KINDS.
        n: how many keys.
        wanted: names of what is needed: `fill` (the keys, in random order), `find` and `drop` (the same objects, each in a random
            order of its own), `equal` (objects that equal the keys and are others), `absent` (n keys of the same kind that are not
            among them), `pairs` (a list of `(key, key)`), `dict` (a dict of these pairs).
        seed: of the random orders.

    Returns:
        What was wanted, by name; `fill` is always there.
    """
    shuffle = random.Random(seed).shuffle
    make = KINDS[kind]
    keys = [make(i) for i in range(n)]
    for key in keys:
        hash(key)
    shuffle(keys)
    made: dict[str, Any] = {"fill": keys}
    for name in set(wanted) - {"fill"}:
        if name == "absent":
            made[name] = [make(i) for i in range(n, 2 * n)]
        elif name == "equal":
            made[name] = [COPIES[kind](key) for key in keys]
        elif name == "pairs":
            made[name] = [(key, key) for key in keys]
        elif name == "dict":
            made[name] = {key: key for key in keys}
        else:
            made[name] = keys[:]
        if isinstance(made[name], list) and name != "pairs":
            shuffle(made[name])
            for key in made[name]:
                hash(key)
    return made
