"""What an exercise is: a file with something to mend or to write, what it is about, and how one tells that it is done.

An exercise is a folder below `exercises`:

    about.py       an `EXERCISE` (below) and the tests: functions `test_…` that get the module
    exercise.rs    what the learner gets (`exercise.py` in the first part; `exercise.c` where there is one in C)
    solution.rs    one right answer, of several

`contents.py` has the order. Nothing else knows of an exercise by name.
"""

from __future__ import annotations

import importlib.util
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hashtable_lab.course.c import is_here as c_is_here
from hashtable_lab.errors import Missing

EXERCISES = Path(__file__).resolve().parent / "exercises"

#: The languages of the exercises, by the endings of their files.
LANGUAGES = {"rust": "rs", "c": "c", "python": "py"}

#: What can be wrong with an answer, most basic first, and what that is called in a report.
REASONS = {
    "build": "it does not compile",
    "unanswered": "something is still to be filled in",
    "import": "it cannot be imported",
    "hang": "it does not come to an end",
    "panic": "it panics",
    "deficit": "a reference is given away that is not owned",
    "crash": "the interpreter dies",
    "test": "it does not do what it should",
    "prediction": "the prediction is wrong",
    "borrowed": "a borrowed reference is used while other code may run",
    "exception": "the result and the exception that is set contradict each other",
    "surplus": "a reference is taken and never given back",
    "unjudged": "the ledger did not see it work",
    "fault": "it is wrong when a call fails",
    "swallowed": "an exception is swallowed",
}


@dataclass(frozen=True)
class Wrong:
    """A tempting wrong answer, and how it is recognised in a learner's file.

    It is a proof as well as a help: `make course-check` makes the edits to the solution and sees that exactly this message comes.

    Attributes:
        name: in a few words.
        reason: what the check finds (`REASONS`); "a|b" if that depends on the language or the interpreter.
        says: what the learner is told: what was misunderstood, and not what to write.
        both: edits that turn the solution into this answer, pairs of a text that stands there once and its replacement.
        rust, c, python: the edits where they are other ones in that language.
        pattern: a regular expression that finds it in the source without its comments; "" fits every source.
        error: a regular expression for what the check said; "" fits every message.
    """

    name: str
    reason: str
    says: str
    both: tuple[tuple[str, str], ...] = ()
    rust: tuple[tuple[str, str], ...] = ()
    c: tuple[tuple[str, str], ...] = ()
    python: tuple[tuple[str, str], ...] = ()
    pattern: str = ""
    error: str = ""

    def edits(self, language: str) -> tuple[tuple[str, str], ...]:
        """The edits for one language; none if the answer does not tempt there."""
        edits: tuple[tuple[str, str], ...] = getattr(self, language) or self.both
        return edits

    def fits(self, reason: str, said: str, source: str) -> bool:
        """Whether this is what went wrong.

        Args:
            reason: what the check found.
            said: how it said that.
            source: the learner's file.
        """
        return (
            reason in self.reason.split("|")
            and re.search(self.error, said) is not None
            and re.search(self.pattern, without_comments(source)) is not None
        )


#: Mistakes that tempt everywhere. An exercise's own come first.
COMMON = (
    Wrong(
        "an unwrap",
        "panic",
        "A panic in a function that CPython calls ends the process, and with it everybody else's work. Look, and raise instead.",
        pattern=r"unwrap|expect\(|panic!|unreachable!|assert",
    ),
    Wrong(
        "a swallowed exception",
        "swallowed|exception|fault",
        "PyErr_Clear throws away whatever went wrong, also what you never thought of: an interrupt, no memory.",
        pattern=r"PyErr_Clear",
    ),
    Wrong(
        "NULL without an exception",
        "test",
        "NULL says that an exception is set. It was not: CPython makes a SystemError of that. Who should have set it?",
        error=r"SystemError.*without",
    ),
    Wrong(
        "a result with an exception",
        "test|exception|swallowed",
        "A result was returned although an exception is set. One of the two has to go: return NULL, and it reaches the caller.",
        error=r"SystemError.*(with an exception|with an error)",
    ),
)


@dataclass(frozen=True)
class Exercise:
    """What an exercise is about. Its tests stand beside it, in about.py.

    Attributes:
        title: a line.
        task: what is to be done.
        minutes: how long a learner takes.
        chapter: the page of the book that explains it, without `.md`.
        fails: the reason for which the file as given fails; "a|b" as for a wrong answer.
        hints: three, from a question to nearly the answer.
        explanation: what was to be learned, shown once it is done.
        wrong: three or more tempting wrong answers.
        notes: for a teacher: where people get stuck, and what to ask them.
        faults: whether every call that may fail has to fail once with nothing lost.
        functions: what of the module must have been called and judged.
    """

    title: str
    task: str
    minutes: int
    chapter: str
    fails: str
    hints: tuple[str, str, str]
    explanation: str
    wrong: tuple[Wrong, ...]
    notes: str
    faults: bool = True
    functions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """An exercise in its place.

    Attributes:
        part: the number of its part.
        number: its number in the part.
        name: the name of its folder, and of its module.
    """

    part: int
    number: int
    name: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return EXERCISES / self.name

    @cached_property
    def module(self) -> types.ModuleType:
        """What is in about.py."""
        file = self.folder / "about.py"
        spec = importlib.util.spec_from_file_location(f"hashtable_lab.course.exercises.{self.name}", file)
        if spec is None or spec.loader is None or not file.is_file():
            raise Missing(f"the exercise {self.name!r} has no about.py.")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @property
    def about(self) -> Exercise:
        """What it is about."""
        exercise = self.module.EXERCISE
        assert isinstance(exercise, Exercise)
        return exercise

    @property
    def tests(self) -> list[Callable[[types.ModuleType], None]]:
        """The tests, in their order."""
        return [test for name, test in vars(self.module).items() if name.startswith("test_")]

    @property
    def languages(self) -> list[str]:
        """The languages that it exists in, and that can be judged here."""
        there = [name for name, ending in LANGUAGES.items() if (self.folder / f"exercise.{ending}").is_file()]
        return [name for name in there if name != "c" or c_is_here()]

    def language(self, preferred: str) -> str:
        """The preferred language if it exists in that one, and the one that it exists in otherwise."""
        return preferred if preferred in self.languages else self.languages[0]

    def given(self, language: str) -> str:
        """The file as the learner gets it."""
        return (self.folder / f"exercise.{LANGUAGES[language]}").read_text(encoding="utf-8")

    def solution(self, language: str) -> str:
        """One right answer."""
        return (self.folder / f"solution.{LANGUAGES[language]}").read_text(encoding="utf-8")


def without_comments(source: str) -> str:
    """Source text without comments, so that what is only talked about is not found in it."""
    without_blocks = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    return re.sub(r"(//|(?m:^\s*)#(?!\s*(?:include|define|if|else|endif))).*", "", without_blocks)
