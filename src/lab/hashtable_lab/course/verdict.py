"""What a check saw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What a check saw.

    Attributes:
        reason: one of `exercise.REASONS`, or "" if the answer is right.
        said: what was seen, for people.
        line: the line of the learner's file that is named, or 0.
        quoted: that line's text.
        advice: what was misunderstood, if the answer is one of the tempting wrong ones; else "".
        tests: how many tests were run.
        calls: how many calls of the module's functions were seen.
        faults: how many calls were made to fail.
        seconds: how long building and checking took.
    """

    reason: str
    said: str = ""
    line: int = 0
    quoted: str = ""
    advice: str = ""
    tests: int = 0
    calls: int = 0
    faults: int = 0
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def right(self) -> bool:
        """Whether the exercise is done."""
        return not self.reason
