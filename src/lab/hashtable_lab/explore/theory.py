"""What is to be expected if each key falls into any bucket with the same probability.

The number of keys in a bucket is then nearly Poisson distributed, with the load factor a as its mean. A lookup that finds its key
visits 1 + a / 2 pairs on average, one that does not visits a. (Knuth, The Art of Computer Programming, volume 3, section 6.4.)
"""

from __future__ import annotations

import math


def probes_for_a_hit(load: int, size: int) -> float:
    """Pairs that a successful lookup visits on average: the key itself, and half of the others in its bucket."""
    return 1 + (load - 1) / (2 * size) if load else 0.0


def probes_for_a_miss(load: int, size: int) -> float:
    """Pairs that an unsuccessful lookup visits on average: all that are in the bucket."""
    return load / size


def longest_chain(load: int, size: int) -> int:
    """The length for which half a chain so long or longer is expected in the whole table."""
    mean = load / size
    term = math.exp(-mean)
    tail, length = 1 - term, 0
    while size * tail >= 0.5:
        length += 1
        term *= mean / length
        tail -= term
    return length
