"""The README shows what one really sees: its session at the prompt is run, its transcript is looked for in the demo's."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"

pytestmark = pytest.mark.skipif(not README.is_file(), reason="the source is not at hand")


def session(text: str) -> str:
    """The README's session at the prompt, as doctest wants it: an empty line in a result has a name there."""
    lines = text.split(">>> ", 1)[1].split("```", 1)[0]
    return ">>> " + re.sub(r"(\[\]\**\n)\n(?=>>>)", r"\1<BLANKLINE>\n", lines)


def failures(text: str) -> int:
    """How many lines of a session do not show what they say."""
    test = doctest.DocTestParser().get_doctest(session(text), {}, "README", str(README), 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=lambda _: None)
    assert runner.tries > 3
    return runner.failures


def transcript(text: str) -> list[str]:
    """The lines of the README's transcript of a demo."""
    return text.split("```text\n", 1)[1].split("```", 1)[0].splitlines()


def is_part(lines: list[str], output: str) -> bool:
    """Do these lines stand in this order, one after the other, in the output?"""
    return "\n".join(lines) in "\n".join(line.strip().lstrip("| ") for line in output.splitlines())


def test_the_session_shows_what_it_says() -> None:
    assert failures(README.read_text(encoding="utf-8")) == 0


def test_control_a_wrong_session_is_noticed() -> None:
    assert failures(README.read_text(encoding="utf-8").replace("(3.14159, [('phi'", "(3.14159, [('psi'")) == 1


def test_the_transcript_is_the_demos() -> None:
    pytest.importorskip("click")
    demo = subprocess.run(
        [sys.executable, "-m", "hashtable_lab", "demo", "layers"], capture_output=True, text=True, check=True
    )
    lines = transcript(README.read_text(encoding="utf-8"))
    assert len(lines) > 3
    assert is_part(lines, demo.stdout)
    assert not is_part([lines[0], *lines[2:]], demo.stdout), "control: a transcript with a line left out"


# ---- the source that is shown, and the files that are named ----------------------------------------------------------


def shown_source(text: str) -> str:
    """The function that the README shows."""
    return text.split("```rust\n", 1)[1].split("```", 1)[0]


def test_the_function_is_the_sources() -> None:
    text = README.read_text(encoding="utf-8")
    methods = (README.parent / "src" / "extension" / "slots" / "methods.rs").read_text(encoding="utf-8")
    assert "give(Py_NewRef(op))" in shown_source(text)
    assert shown_source(text) in methods
    assert shown_source(text.replace("give(Py_NewRef(op))", "give(op)")) not in methods, "control: another function"


def missing(text: str) -> list[str]:
    """The files that a link leads to, and the folders of the table, that are not there; and rows that come twice."""
    files = [link for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    rows = re.findall(r"^\| `([^`]+)` \|", text, re.M)
    assert files and rows
    return [name for name in [*files, *rows] if not (README.parent / name).exists()] + [
        f"{row} twice" for row in sorted(set(rows)) if rows.count(row) > 1
    ]


def test_what_is_named_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    assert missing(text) == []
    assert missing(text.replace("(docs/index.md)", "(docs/none.md)")) == ["docs/none.md"]
    assert missing(text.replace("| `src/core` |", "| `src/ledger` |")) == ["src/ledger twice"]
