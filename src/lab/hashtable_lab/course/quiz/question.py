"""A question, its choices, and how the right one is found: by running a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hashtable_lab.children import run_program
from hashtable_lab.children.interpreters import interpreters
from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder

#: What every program may use: something mortal, the C API itself, and the record of who catches what.
PRELUDE = """
import ctypes, gc, json, os, sys, weakref
from ctypes import c_ssize_t, py_object, pythonapi
class Thing:
    pass
def api(name, result, *arguments):
    function = getattr(pythonapi, name)
    function.restype, function.argtypes = result, arguments
    return function
take = api("Py_IncRef", None, py_object)
give = api("Py_DecRef", None, py_object)
count = sys.getrefcount
def caught(specimen, detector):
    with open({record!r}, encoding="utf-8") as file:
        return json.load(file)["rows"][specimen][detector]["state"] == "found"
"""


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        name: its name, and its anchor in the page.
        page: the page of the book at whose end it stands.
        asks: the question. Between backquotes is code.
        program: prints the right choice. It runs in a child, after `PRELUDE`.
        choices: each choice, and what is to be said of it. Wrong ones are what people really believe.
        tempting: the wrong choice that a first reading takes, or "".
        differs: whether it is another one with another version of CPython.
    """

    name: str
    page: str
    asks: str
    program: str
    choices: dict[str, str]
    tempting: str = ""
    differs: bool = False


def questions(page: str | None = None) -> list[Question]:
    """All questions, or those of one page, in order."""
    from hashtable_lab.course.quiz import counts, table, trouble

    every = [*table.QUESTIONS, *counts.QUESTIONS, *trouble.QUESTIONS]
    return [question for question in every if page in (None, question.page)]


def _prelude(record: str) -> str:
    return PRELUDE.replace("{record!r}", repr(record))


def answer(question: Question) -> str:
    """The right choice, found by running the question's program with this Python.

    Raises:
        Missing: the program fails, or prints what is no choice: the question is wrong.
    """
    record = str(source_folder() / "docs" / "matrix.json") if "caught(" in question.program else ""
    ending = run_program(_prelude(record) + question.program, time_limit=60)
    printed = ending.output.strip()
    if not ending.well or printed not in question.choices:
        raise Missing(f"the question {question.name}: its program {ending} and printed {printed[-300:]!r}.")
    return printed


def answers(asked: Iterable[Question]) -> dict[str, str]:
    """The right choices of several questions, by their names."""
    every = list(asked)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip((question.name for question in every), pool.map(answer, every)))


def answers_by_version(question: Question) -> dict[str, str]:
    """What each CPython found on this machine answers, by its version. The program may only use what comes with every Python."""
    found = {}
    for name, python in interpreters().items():
        done = subprocess.run(
            [python, "-c", _prelude("") + question.program],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        if done.returncode == 0 and done.stdout.strip() in question.choices:
            found[name] = done.stdout.strip()
    return found


def version() -> str:
    """The Python that answers."""
    threads = " without the GIL" if not getattr(sys, "_is_gil_enabled", lambda: True)() else ""
    return f"CPython {sys.version_info[0]}.{sys.version_info[1]}{threads}"
