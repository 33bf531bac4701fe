"""The book notices when it is not true.

`make docs` builds it and runs everything in it. Here a tiny book with the real docs/conf.py is built: once as it should
be, and then with one thing in it broken at a time, which must stop the build. And all chapters are looked through for
code that is pasted instead of run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"

CHAPTER = """\
# A tiny book

```{program-output} python -c "print('printed by', 'a program')"
```

```{doctest}
>>> 6 * 7
42
```

```{literalinclude} source.txt
:start-at: a line of the source
```

Some words about [the program](#a-tiny-book).
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The folder of a tiny book."""
    for package in ("sphinx", "myst_parser", "sphinxcontrib.programoutput", "furo"):
        pytest.importorskip(package, reason=f"the book is built with {package}: pip install '.[docs]'")
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(DOCS / "conf.py", docs)
    shutil.copytree(DOCS / "_static", docs / "_static")
    (docs / "source.txt").write_text("a line of the source\n")
    (docs / "index.md").write_text(CHAPTER)
    return docs


def build(book: Path, builder: str) -> tuple[int, str]:
    """Builds as `make docs` does. Returns Sphinx's exit code and all that it said."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", builder, ".", f"../{builder}"]
    done = subprocess.run(command, cwd=book, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    return done.returncode, done.stdout


def page(book: Path) -> str:
    """The text of the one page, without its tags."""
    return re.sub(r"<[^>]*>", "", (book.parent / "html" / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("builder", ["html", "doctest"])
def test_a_true_book_is_built(book: Path, builder: str) -> None:
    code, said = build(book, builder)
    assert code == 0, said
    if builder == "html":
        assert "printed by a program" in page(book)


FAULTS = {
    "a program fails": ("html", "print('printed by', 'a program')", "raise SystemExit(3)", "return code 3"),
    "there is no such program": ("html", "python -c", "no-such-program -c", "no-such-program"),
    "another result at the prompt": ("doctest", "\n42\n", "\n43\n", "Expected:\n    43"),
    "an exception at the prompt": ("doctest", ">>> 6 * 7", ">>> six * 7", "NameError"),
    "the source has no such line": ("html", "a line of the source", "a line that is gone", "a line that is gone"),
    "there is no such source": ("html", "source.txt", "gone.txt", "gone.txt"),
    "a link leads nowhere": ("html", "#a-tiny-book", "#a-huge-book", "a-huge-book"),
    "a reference leads nowhere": ("html", "Some words", "{py:func}`nowhere`", "nowhere"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_book_that_is_not_true_is_not_built(book: Path, fault: str) -> None:
    builder, right, wrong, complaint = FAULTS[fault]
    assert CHAPTER.count(right) == 1
    (book / "index.md").write_text(CHAPTER.replace(right, wrong))
    code, said = build(book, builder)
    assert code != 0, "the build did not notice"
    assert complaint in said


def test_a_program_runs_again_though_its_chapter_is_the_same(book: Path) -> None:
    (book / "index.md").write_text(
        CHAPTER.replace("print('printed by', 'a program')", "print(open('told.txt').read())")
    )
    for told in ("told the first time", "told the second time"):
        (book / "told.txt").write_text(told)
        code, said = build(book, "html")
        assert code == 0, said
        assert told in page(book)


def fetched(html: str) -> list[str]:
    """What a browser would fetch from elsewhere to show the page. Links that a reader may follow are not among it."""
    tags = re.findall(r"<(?:script|link|img|iframe|source|object|embed)\b[^>]*>", html)
    return [tag for tag in tags if re.search(r"""(?:src|href|data)=["']?(?:https?:)?//""", tag)]


def test_the_pages_fetch_nothing_from_elsewhere(book: Path) -> None:
    # Sources for a reader to follow may be anywhere; what is fetched without asking may not.
    (book / "index.md").write_text(CHAPTER + "\n[a source](https://docs.python.org/3/)\n")
    code, said = build(book, "html")
    assert code == 0, said
    pages = list((book.parent / "html").glob("*.html"))
    assert pages
    for file in pages:
        assert fetched(file.read_text(encoding="utf-8")) == []
    for style in (book.parent / "html").rglob("*.css"):
        assert not re.search(r"""(?:@import|url\()\s*["']?(?:https?:)?//""", style.read_text(encoding="utf-8"))


def test_what_is_fetched_from_elsewhere_would_be_seen() -> None:
    assert fetched('<script src="https://elsewhere.example/x.js"></script>')
    assert fetched('<link rel="stylesheet" href="//elsewhere.example/x.css">')


# ---- nothing is pasted -----------------------------------------------------------------------------------------------

# What runs or is included when the book is built, and what shows no text of its own.
LIVING = {"{doctest}", "{program-output}", "{command-output}", "{literalinclude}", "{raw}", "{toctree}"}
LIVING |= {
    "{atlas}",
    "{atlas-figures}",
    "{atlas-line}",
    "{source}",
    "{demo}",
    "{picture}",
    "{question}",
    "{assumptions}",
    "{glossary}",
}
LIVING |= {"{questions}", "{exercises}", "{exercise-notes}", "{replay}"}
# What puts a box round something: what is in it counts by itself.
BOXES = {"{admonition}", "{dropdown}", "{tab-set}", "{tab-item}", "{rst-class}"}


def pasted(chapter: str) -> list[str]:
    """The first lines of all blocks of a chapter whose text nobody would miss if it were wrong.

    Allowed beside the living ones is `console`, for commands that the reader is to type, as long as it shows no output.
    """
    fence = re.compile(r"^(`{3,}|:{3,})(\S*)[^\n]*\n(.*?)^\1$", flags=re.MULTILINE | re.DOTALL)
    found = []
    for _, kind, text in fence.findall(chapter):
        commands_only = kind == "console" and all(line.startswith("$ ") for line in text.splitlines())
        if kind in BOXES:
            found += pasted(text)
        elif kind not in LIVING and not commands_only:
            found.append(text.splitlines()[0])
    indented = re.findall(r"^(?: {4}|\t)(.+)", fence.sub("", chapter), flags=re.MULTILINE)
    return found + indented


def test_nothing_in_the_book_is_pasted() -> None:
    chapters = sorted(DOCS.glob("*.md"))
    assert chapters
    assert {chapter.name: pasted(chapter.read_text(encoding="utf-8")) for chapter in chapters} == {
        chapter.name: [] for chapter in chapters
    }


def test_what_is_pasted_would_be_seen() -> None:
    assert pasted("```python\n>>> 6 * 7\n43\n```\n") == [">>> 6 * 7"]
    assert pasted("```console\n$ make demo\nall is well\n```\n") == ["$ make demo"]
    assert pasted("```\ntyped by hand\n```\n") == ["typed by hand"]
    assert pasted("So it is:\n\n    typed by hand\n") == ["typed by hand"]
    assert pasted("```console\n$ make demo\n```\n") == []
    assert pasted(":::{dropdown} More\n```python\n>>> 6 * 7\n```\n:::\n") == [">>> 6 * 7"]
    assert pasted(":::{dropdown} More\n```{doctest}\n>>> 6 * 7\n42\n```\n:::\n") == []


def test_every_slot_of_the_type_is_explained() -> None:
    source = (DOCS.parent / "src" / "extension" / "type_object.rs").read_text(encoding="utf-8")
    start = source.index("static mut HASH_TABLE: PyTypeObject")
    slots = re.findall(r"^    (tp_\w+):", source[start : source.index("..blank()", start)], flags=re.MULTILINE)
    assert len(slots) > 15
    chapter = (DOCS / "slots.md").read_text(encoding="utf-8")
    assert [slot for slot in slots if f"`{slot}`" not in chapter] == []
