"""Can some order of these calls explain what they answered? A checker of linearizability.

Several threads made calls on one object. Of each call it is known when it began, when it ended, and what it answered. Such a
history is *linearizable* if the calls can be put into one order in which

    1. a call that had ended before another began comes before it, and
    2. an object that makes them in that order, one at a time, answers each as it was answered.

To find the order, or that there is none: any call may come first that began before all others had ended. If the object would answer
it so, go on with the rest; if that leads nowhere, try another. What was tried once, the same calls left in the same state, is not
tried again.
(J. M. Wing, C. Gong: Testing and verifying concurrent objects, 1993; the memory is G. Lowe's: Testing for linearizability, 2017.)

The time that this takes grows steeply with the number of calls under way at once: a history here has a dozen or two.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, Optional


class Event(NamedTuple):
    """A call that was made.

    Attributes:
        thread: a number of the thread that made it.
        began, ended: when, on a clock that all threads share.
        call: its name and its arguments.
        answer: what it answered.
    """

    thread: int
    began: int
    ended: int
    call: tuple[Any, ...]
    answer: Any


#: What a sequential object does: from its state and a call, its answer and its next state.
Model = Callable[[Hashable, "tuple[Any, ...]"], "tuple[Any, Hashable]"]


def explanation(history: Sequence[Event], model: Model, start: Hashable) -> Optional[list[Event]]:  # noqa: UP045
    """An order of the calls that explains their answers.

    Args:
        history: the calls, in any order.
        model: the sequential object.
        start: its state before the first call.

    Returns:
        The calls in such an order; None if there is none.
    """
    tried: set[tuple[frozenset[int], Hashable]] = set()

    def search(left: frozenset[int], state: Hashable) -> list[Event] | None:
        if not left:
            return []
        if (left, state) in tried:
            return None
        tried.add((left, state))
        first_end = min(history[number].ended for number in left)
        for number in sorted(left, key=lambda number: history[number].began):
            event = history[number]
            if event.began > first_end:
                break
            answer, after = model(state, event.call)
            if answer == event.answer:
                rest = search(left - {number}, after)
                if rest is not None:
                    return [event, *rest]
        return None

    return search(frozenset(range(len(history))), start)


def table(state: Hashable, call: tuple[Any, ...]) -> tuple[Any, Hashable]:
    """A table as a sequential object. Its state is a tuple of its pairs, in order."""
    pairs = dict(state)  # type: ignore[call-overload]
    name, *arguments = call
    answer = None
    if name == "get":
        answer = pairs.get(*arguments)
    elif name == "in":
        answer = arguments[0] in pairs
    elif name == "set":
        pairs[arguments[0]] = arguments[1]
    elif name == "setdefault":
        answer = pairs.setdefault(*arguments)
    elif name == "pop":
        answer = pairs.pop(arguments[0], None)
    elif name == "popitem":
        answer = pairs.popitem() if pairs else None
    elif name == "clear":
        pairs.clear()
    elif name == "len":
        answer = len(pairs)
    elif name == "copy":
        answer = tuple(pairs.items())
    else:
        raise ValueError(name)
    return answer, tuple(pairs.items())


def shown(history: Sequence[Event]) -> str:
    """A history as people read it: a line for each call, as they began."""
    start = min(event.began for event in history)
    return "\n".join(
        f"  thread {event.thread}: {event.call[0]}({', '.join(map(repr, event.call[1:]))}) -> {event.answer!r}"
        f"  [{event.began - start}, {event.ended - start}]"
        for event in sorted(history, key=lambda event: event.began)
    )
