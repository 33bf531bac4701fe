"""What threads see of a table has an explanation; and the checker that says so finds out when there is none.

Few rounds each: `make threads` runs many, and looks with ThreadSanitizer.
"""

from __future__ import annotations

import pytest
import scenarios
import stress
from history import Event, explanation, table

#: With a GIL they differ little; these few are of different kinds.
FEW = ("SetAndPop", "HashFunctionInPython", "TableDropped", "IteratorShared")


@pytest.mark.parametrize(
    "name", [pytest.param(it, marks=[pytest.mark.slow] * (it not in FEW)) for it in scenarios.SCENARIOS]
)
def test_what_threads_see_has_an_explanation(name):
    """In a child: without the GIL, a mistake is a crash or a deadlock."""
    seen = stress.in_child(name, rounds=15, seed=1, control=False, limit=600)
    assert seen.complaints == [], "\n".join(seen.complaints)
    if seen.left_out:
        pytest.skip(seen.left_out)


@pytest.mark.parametrize("name", stress.TORN)
def test_control_torn_calls_are_found_out(name):
    # A run ends with the first complaint. How many rounds it takes is chance; so many cannot all go well.
    seen = stress.in_child(name, rounds=20_000, seed=1, control=True, limit=600)
    assert seen.gil is not None, seen.complaints
    assert "no order of the calls explains their answers" in seen.complaints[0]


@pytest.mark.parametrize("name", stress.controls())
def test_a_control_in_the_source_fits_it(name, source):
    """What is in a NAME.diff; that its scenario complains of it is for `make threads` to see, without the GIL."""
    specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")
    fields, diff = stress.controls()[name]
    assert fields["Control"] == name and fields["What"]
    assert fields["Scenario"] in scenarios.SCENARIOS
    assert specimens.patched(specimens.variant(name, diff).patch, source, name)


def history(*calls):
    """A history, from calls as (thread, began, ended, call, answer)."""
    return [Event(*call) for call in calls]


def test_calls_that_overlap_can_be_explained_either_way():
    for seen in (None, 1):
        calls = history((0, 0, 10, ("set", "a", 1), None), (1, 5, 15, ("get", "a"), seen))
        order = explanation(calls, table, ())
        assert [event.call[0] for event in order] == (["get", "set"] if seen is None else ["set", "get"])


@pytest.mark.parametrize(
    "calls",
    [
        # It was set before, and not seen afterwards.
        [(0, 0, 1, ("set", "a", 1), None), (1, 2, 3, ("get", "a"), None)],
        # Two have taken the same pair.
        [(0, 0, 9, ("pop", "a"), 7), (1, 0, 9, ("pop", "a"), 7)],
        # Each says that the other was first.
        [(0, 0, 9, ("setdefault", "b", 1), 2), (1, 0, 9, ("setdefault", "b", 2), 1)],
        # A copy with the later pair, and without the earlier one.
        [
            (0, 0, 1, ("set", "b", 1), None),
            (0, 2, 3, ("set", "c", 2), None),
            (1, 0, 9, ("copy",), (("a", 7), ("c", 2))),
        ],
        # Half of a clear.
        [(0, 0, 9, ("clear",), None), (1, 0, 9, ("set", "b", 1), None), (2, 10, 11, ("copy",), (("a", 7), ("b", 1)))],
        # A pair that nobody has set.
        [(0, 0, 1, ("get", "b"), 3)],
    ],
)
def test_control_what_no_order_explains(calls):
    assert explanation(history(*calls), table, (("a", 7),)) is None


@pytest.mark.slow
def test_a_history_of_many_calls_at_once_is_searched_in_time():
    """Twelve calls at once that all look alike: what was tried is not tried again."""
    calls = [(thread, 0, 100, ("set", thread % 3, thread), None) for thread in range(12)]
    assert explanation(history(*calls, (12, 200, 201, ("get", 0), -1)), table, ()) is None


def test_there_are_at_least_twelve_scenarios():
    assert set(FEW) <= set(scenarios.SCENARIOS)
    assert len(scenarios.SCENARIOS) >= 12
    assert all(kind.__doc__ for kind in scenarios.SCENARIOS.values())
