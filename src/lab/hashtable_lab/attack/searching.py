"""Searches different keys with the same hash, or at least in the same bucket."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hashtable_lab.errors import Missing

#: The builtin hash of an int is the int modulo this prime (https://docs.python.org/3/library/stdtypes.html#hashing-of-numeric-types).
MODULUS = 2**61 - 1
#: A search by birthday looks at no more keys than this.
MOST_TRIALS = 2_000_000


class Attack(NamedTuple):
    """Keys that collide.

    Attributes:
        keys: the keys; all are different.
        how: by what they were found, in a sentence.
        tried: how many keys had to be looked at.
    """

    keys: list[Any]
    how: str
    tried: int


def _ints(count: int) -> Attack:
    keys = [1 + number * MODULUS for number in range(count)]
    return Attack(
        keys, "algebra: hash(n) is n modulo the prime 2**61 - 1, so n, n + p, n + 2p, ... have the same hash", count
    )


def _floats(count: int) -> Attack:
    return Attack(
        [number * 2.0**-20 for number in range(1, count + 1)],
        "algebra: 2**61 is 1 modulo the prime 2**61 - 1, so hash(n * 2.0**-20) is n * 2**41, of which the lower 41 bits "
        "are zero as long as n is below 2**20",
        count,
    )


def _same_length(count: int) -> Attack:
    letters = "abcdefghijklmnopqrstuvwxyz"
    length = 1
    while len(letters) ** length < count:
        length += 1
    words = itertools.islice(map("".join, itertools.product(letters, repeat=length)), count)
    return Attack(
        list(words),
        f"algebra: the hash of a str is its length, and there are {len(letters) ** length:,} words of {length} letters",
        count,
    )


def _split_digits(count: int) -> Attack:
    # "\x01\x01" and "\x0b": 1 and 1, or 11. Each place of a text is one of the two, so n places make 2**n texts.
    places = max(1, (count - 1).bit_length())
    texts = map("".join, itertools.product(("\x01\x01", "\x0b"), repeat=places))
    return Attack(
        list(itertools.islice(texts, count)),
        "algebra: the digits 1 and 1 are also the digits of 11, so a text has as many others as there are "
        "ways to cut its digits apart",
        count,
    )


def _strings() -> Iterator[str]:
    generator = random.Random(0)
    return (f"{generator.getrandbits(48):x}" for _ in itertools.count())


def by_birthday(
    function: Callable[[Any], int], count: int, bits: int, candidates: Iterator[Any] | None = None
) -> Attack:
    """Searches keys whose hashes agree in their low bits: those of one bucket, for a table of a power of two.

    Args:
        function: the hash function.
        count: how many keys.
        bits: in how many bits.
        candidates: where to search; random strs by default.

    Returns:
        The keys.

    Raises:
        Missing: there were not so many among MOST_TRIALS keys.
    """
    groups: dict[int, list[Any]] = defaultdict(list)
    seen = set()
    for tried, key in enumerate(itertools.islice(candidates or _strings(), MOST_TRIALS), 1):
        if key in seen:
            continue
        seen.add(key)
        group = groups[function(key) & ((1 << bits) - 1)]
        group.append(key)
        if len(group) == count:
            return Attack(
                group,
                f"birthday: random keys, until {count} of them agreed in the lower {bits} bits of their hashes",
                tried,
            )
    raise Missing(
        f"among {MOST_TRIALS:,} keys there were no {count} that agree in {bits} bits: ask for fewer (--count) "
        "or fewer bits (--bits)."
    )


#: By hash function and kind of keys. For whatever is not here: by birthday.
ALGEBRA: dict[tuple[str, str], Callable[[int], Attack]] = {
    ("hash", "ints"): _ints,
    ("hash", "floats"): _floats,
    # Mixing makes equal hashes of equal hashes.
    ("mixed_hash", "ints"): _ints,
    ("library_hash", "strs"): _same_length,
    ("digits_hash", "strs"): _split_digits,
}
