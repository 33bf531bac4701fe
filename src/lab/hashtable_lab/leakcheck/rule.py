"""When growth is a leak: one rule, for all that asks so. `judge` is it: a leak grows in proportion to the number of calls.

`measuring` explains it, and makes rounds of doubled size until the rule can tell. The matrix's observers and the project's own
tests, which know beforehand what they look for, ask it about a few rounds of one size.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from math import sqrt

#: Less growth per call than this is called noise.
LIMIT = 1 / 500

#: How far a round may be off the median rate, as a share of what that rate makes one expect.
PROPORTION = 0.2

#: Rounds of N calls; after them, rounds of doubled size, at least and at most.
FIRST_ROUNDS, DOUBLED_ROUNDS, MOST_DOUBLED_ROUNDS = 5, 4, 7


def judge(growth: Sequence[int], calls: Sequence[int], least: float = LIMIT) -> str:
    """Says what growth in some rounds amounts to.

    Args:
        growth: what a meter gained in each of the rounds.
        calls: how many calls each of the rounds had.
        least: less growth than so much per call is no leak.

    Returns:
        "steady", "leaks" or "undecided".
    """
    if min(growth) <= 0 or sum(growth) < least * sum(calls):
        return "steady"
    rate = statistics.median(gain / times for gain, times in zip(growth, calls))
    for gain, times in zip(growth, calls):
        expected = rate * times
        if abs(gain - expected) > PROPORTION * expected + 3 * sqrt(expected):
            return "undecided"
    return "leaks"


def verdict(growth: Sequence[int], calls: Sequence[int], last: bool) -> str:
    """What one meter's readings amount to.

    Args:
        growth: what it gained in each of the rounds so far.
        calls: how many calls each of the rounds had.
        last: whether no more rounds follow.

    Returns:
        "steady", "leaks", "falls", "fades", "unclear"; or "undecided", only if more rounds may follow.
    """
    first = sum(growth[:FIRST_ROUNDS])
    if abs(first) < LIMIT * sum(calls[:FIRST_ROUNDS]):
        return "steady"
    if len(growth) < FIRST_ROUNDS + DOUBLED_ROUNDS:
        return "undecided"
    recent, times = list(growth[-DOUBLED_ROUNDS:]), list(calls[-DOUBLED_ROUNDS:])
    if first < 0:
        return "falls" if judge([-gain for gain in recent], times) == "leaks" else "steady"
    found = judge(recent, times)
    if found == "undecided" and last:
        return "fades" if recent[-1] / times[-1] <= recent[0] / times[0] / 2 else "unclear"
    return found
