"""Proves the exercises: each fails as given for the stated reason, its solution passes, and each wrong answer gets its message.

Nor does an exercise pass by deleting what it tests: an answer without a line of code fails too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hashtable_lab.course.check import check
from hashtable_lab.course.exercise import Entry
from hashtable_lab.course.folder import Folder


@dataclass(frozen=True)
class Proof:
    """One thing that was to be seen.

    Attributes:
        exercise, language: of what.
        answer: which answer was checked.
        expected, seen: in words; alike if it is proved.
    """

    exercise: str
    language: str
    answer: str
    expected: str
    seen: str

    @property
    def holds(self) -> bool:
        """Whether it was seen."""
        return self.expected == self.seen


def prove(entry: Entry, folder: Folder) -> Iterator[Proof]:
    """Checks every answer to an exercise that is known, in each of its languages.

    Args:
        entry: the exercise.
        folder: a learner's folder, whose file of the exercise is overwritten.
    """
    for language in entry.languages:
        file = folder.file(entry)
        file.parent.mkdir(parents=True, exist_ok=True)

        solution = entry.solution(language)
        yield _proof(entry, folder, language, "as given", entry.given(language), entry.about.fails)
        yield _proof(entry, folder, language, "the solution", solution, "right")
        empty = _proof(entry, folder, language, "nothing at all", "", "refused")
        yield Proof(empty.exercise, language, empty.answer, "refused", "right" if empty.seen == "right" else "refused")
        for wrong in entry.about.wrong:
            if edits := wrong.edits(language):
                text = solution
                for old, new in edits:
                    if text.count(old) != 1:
                        raise ValueError(f"{entry.name}, {wrong.name}: {old!r} stands {text.count(old)} times.")
                    text = text.replace(old, new)
                yield _proof(entry, folder, language, wrong.name, text, f"{wrong.reason}: {wrong.says}")


def _proof(entry: Entry, folder: Folder, language: str, answer: str, text: str, expected: str) -> Proof:
    """Checks one answer. What is expected is a reason, or a reason with the advice that has to come with it."""
    folder.file(entry).write_text(text, encoding="utf-8")
    verdict = check(entry, folder, language)
    advice = f": {verdict.advice}" if ": " in expected else ""
    return Proof(entry.name, language, answer, expected, (verdict.reason or "right") + advice)
