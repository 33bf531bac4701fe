"""What the tests of the exercises share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any


class Thing:
    """Something mortal, and nothing else's."""


@contextlib.contextmanager
def raises(kind: type[BaseException], says: str = "") -> Iterator[None]:
    """Within the block an exception of this kind has to be raised; another one goes on its way.

    Args:
        kind: the class.
        says: what the learner is told if nothing is raised.

    Raises:
        AssertionError: nothing was raised.
    """
    try:
        yield
    except kind:
        return
    raise AssertionError(says or f"no {kind.__name__} was raised")


def without_faults(test: Callable[[Any], None]) -> Callable[[Any], None]:
    """For a test in which another exception may rightly take the place of the one put in: no call is made to fail there."""
    test.without_faults = True  # type: ignore[attr-defined]
    return test
