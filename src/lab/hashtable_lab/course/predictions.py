"""The exercises in Python alone: predict a number, then run.

The learner's file is a program in which `predict(what is seen, ...)` stands in place of a guess. The dots are to be replaced by a
literal. Everything else has to stay as it was, so that nothing is passed by changing the question.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

from hashtable_lab import children
from hashtable_lab.course.exercise import Entry
from hashtable_lab.course.verdict import Verdict

#: What comes before the learner's program: it notes what was seen, and says nothing.
_PRELUDE = """\
import json as _json
_seen = []
def predict(seen, guess, _note=_seen.append):
    _note(seen)
"""

_EPILOGUE = """
print(_json.dumps(_seen))
"""


def questions(source: str) -> list[ast.Call]:
    """The calls of `predict` in a program, in order."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    asked = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "predict"]
    return sorted(asked, key=lambda node: (node.lineno, node.col_offset))


def skeleton(source: str) -> str:
    """The program without its guesses."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "predict":
            node.args[1:] = []
    return ast.dump(tree)


def check_predictions(entry: Entry, file: Path) -> Verdict:
    """Compares what a learner predicts with what is seen, by this Python, now."""
    source = file.read_text(encoding="utf-8", errors="replace")
    try:
        asked = questions(source)
        same = skeleton(source) == skeleton(entry.given("python"))
    except (SyntaxError, ValueError) as error:
        return Verdict("build", f"{type(error).__name__}: {error}", getattr(error, "lineno", None) or 0)
    if not same:
        said = "Something else than a guess was changed. Replace only the dots; `course reset` brings the program back."
        return Verdict("import", said)
    guesses: list[Any] = []
    for call in asked:
        if len(call.args) != 2 or call.keywords:
            return Verdict("import", "predict takes what is seen, and a guess.", call.lineno)
        try:
            guesses.append(ast.literal_eval(call.args[1]))
        except ValueError:
            return Verdict("prediction", "A guess is a number or a word, and nothing that computes it.", call.lineno)
    for call, guess in zip(asked, guesses):
        if guess is ...:
            return Verdict("unanswered", "Replace the dots by what you expect, before you run it.", call.lineno)
    seen = _run(source)
    if isinstance(seen, str):
        return Verdict("crash", seen)
    for number, (call, guess, value) in enumerate(zip(asked, guesses, seen), start=1):
        if guess != value:
            said = (
                f"Prediction {number}: you said {guess!r}, and this Python {sys.version_info[0]}.{sys.version_info[1]}"
            )
            return Verdict("prediction", f"{said} says something else.", call.lineno, tests=number)
    return Verdict("", tests=len(asked), calls=len(asked))


def _run(source: str) -> list[Any] | str:
    """What the program sees, or how it ended."""
    ending = children.run_program(_PRELUDE + source + _EPILOGUE, time_limit=20)
    if not ending.well:
        return f"The program {ending}.\n{ending.output[-800:]}"
    lines = ending.output.strip().splitlines()
    values: list[Any] = json.loads(lines[-1])
    return values
