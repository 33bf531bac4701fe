"""What nobody would say in a good English textbook is not said in the source either.

The list has turns of phrase that were in the source once, each with what to say instead. It is looked for in all prose and all
messages of src, tests and docs, and in the Makefile.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

#: What is not said, and what is said instead.
INSTEAD = {
    r"to be had|(can|could|cannot|may)( not)? be had": "is available, can be installed, can be known",
    r"c[oa]mes? upon": "meets, finds, reaches",
    r"lets? go of|letting go of": "releases",
    r"whoever": "the caller, the code that ..., a program that ...",
    r"for the comfort of": "for",
    r"goes? quietly": "runs no Python code when it is freed",
    r"the caller's promise": "what the caller has promised, and why it suffices",
    r"as it were": "(nothing)",
    r"inside of": "inside",
    r"in the mean over": "on average over",
    r"these are they": "(the list itself)",
    r"they believe": "(say what is so)",
    r"could not be told": "is unknown",
    r"wish(es)? for large pages": "advises huge pages",
    r"if it was not in hand": "unless this call owned it",
}
UNSAID = re.compile("|".join(rf"\b(?:{phrase})\b" for phrase in INSTEAD).replace(" ", r"\s+"), re.IGNORECASE)

ENDINGS = {".rs", ".py", ".pyi", ".c", ".h", ".cpp", ".hpp", ".js", ".mjs", ".toml", ".md", ".sh", ".diff"}


def unsaid(root):
    """Where something is said that is not to be said: `file:line: the words`. A phrase may go on on the next line."""
    files = [root / "Makefile", root / ".ci" / "run"]
    for folder in ("src", "tests", "docs"):
        files += sorted(file for file in (root / folder).rglob("*") if file.suffix in ENDINGS)
    found = []
    for file in files:
        parts = file.relative_to(root).parts
        built = {"target", "__pycache__", "node_modules"} & set(parts) or ".egg-info" in str(file)
        if built or not file.is_file() or file.name == Path(__file__).name:
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        # A line of a comment begins with its sign: between two words of a phrase that is as good as a space.
        joined = re.sub(r"\n[ \t]*(?:///?!?|#:?|\*)?[ \t]*", lambda match: "\n" + " " * (len(match[0]) - 1), text)
        for match in UNSAID.finditer(re.sub(r"\s", " ", joined)):
            found.append(f"{file.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}")
    return found


def test_nothing_is_said_that_nobody_would_say(source):
    assert unsaid(source) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("src/core/lib.rs", "// One.\n// The pair comes upon it.\n", 2),
        ("src/core/lib.rs", "// That is not to be\n// had.\nfn f() {}\n", 1),
        ("tests/subject.py", '"""It lets go of the key."""\n', 1),
        ("Makefile", "# Whoever reads this.\n", 1),
    ],
)
def test_what_is_said_all_the_same_is_seen(tmp_path, name, text, line):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = unsaid(tmp_path)
    assert [place.rpartition(":")[0] for place in found] == [f"{name}:{line}"]


def test_what_anybody_would_say_is_not(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("// It had to be released, and the caller came up.\n", encoding="utf-8")
    assert unsaid(tmp_path) == []
