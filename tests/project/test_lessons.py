"""The lesson is in order: every term is explained before it is used, and each chapter opens and closes as a lesson does.

docs/lessons.toml says what each chapter assumes and teaches. It is compared with the order of the book, with the glossary, and with
the words of the chapters themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="it came with CPython 3.11")

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: Terms that are also words of every day: that one is used says nothing.
EVERYDAY = {
    "hash",
    "load",
    "library",
    "reference",
    "owner",
    "stolen",
    "struct",
    "cycle",
    "extension",
    "chain",
    "collision",
    "ledger",
}

#: Questions that a reader must be able to answer, and what the section that answers one must have.
SIX = 6


def lessons():
    return tomllib.loads((DOCS / "lessons.toml").read_text(encoding="utf-8"))["chapter"]


def text_of(name):
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def glossary():
    """Every term of the glossary."""
    block = text_of("glossary").split("```{glossary}\n")[1].split("```")[0]
    return re.findall(r"^(\S.*)$", block, re.MULTILINE)


def linked(text):
    """The terms that a chapter links to the glossary."""
    return {match[1] or match[2] for match in re.finditer(r"\{term\}`(?:[^`<]*<([^>`]+)>|([^`<]+))`", text)}


def prose(text):
    """A chapter's words: no code, no titles of links, no targets."""
    text = re.sub(r"^(`{3,4}|:{3,4}).*?^\1$", lambda block: kept(block[0]), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`]*`", " ", text)
    return re.sub(r"\[[^\]]*\]\([^)]*\)", " ", text)


def kept(block):
    """Of a block, the words: what is in a box is prose, what is in a listing is not."""
    lines = block.splitlines()
    boxed = lines[0].startswith(":::") and "dropdown" not in lines[0]
    return "\n".join(lines[1:-1]) if boxed else ""


def too_early(chapters, text_of):
    """Every use of a term in a chapter before the one that teaches it."""
    found = []
    for at, chapter in enumerate(chapters):
        later = [term for other in chapters[at + 1 :] for term in other["teaches"]]
        text = text_of(chapter["name"])
        words = prose(text)
        for term in later:
            if term in linked(text):
                found.append(f"{chapter['name']}: links {term}")
            elif term not in EVERYDAY and re.search(rf"\b{re.escape(term)}s?\b", words, re.IGNORECASE):
                found.append(f"{chapter['name']}: {term}")
    return found


def test_the_list_is_of_the_lesson_in_its_order():
    index = text_of("index").split(":caption: The lesson\n")[1].split("```")[0]
    assert [chapter["name"] for chapter in lessons()] == [line for line in index.split() if not line.startswith(":")]


def test_what_is_assumed_was_taught():
    known = set()
    for chapter in lessons():
        assert set(chapter["assumes"]) <= known, chapter["name"]
        known |= set(chapter["teaches"])


def test_what_is_taught_is_in_the_glossary_and_linked():
    terms = glossary()
    for chapter in lessons():
        assert set(chapter["teaches"]) <= set(terms), chapter["name"]
        assert set(chapter["teaches"]) - linked(text_of(chapter["name"])) == set(), chapter["name"]


def test_no_term_comes_before_its_definition():
    assert too_early(lessons(), text_of) == []


@pytest.mark.parametrize(
    "words", ["This is a slot.", "A {term}`slot`.", ":::{admonition} After\n:class: goals\nname a slot\n:::"]
)
def test_a_term_that_comes_too_early_would_be_seen(words):
    texts = {"one": words, "two": "A {term}`slot` is a field."}
    chapters = [{"name": "one", "teaches": []}, {"name": "two", "teaches": ["slot"]}]
    assert [found.partition(":")[0] for found in too_early(chapters, texts.get)] == ["one"]
    for harmless in ("Not `slot` in code.", "```{doctest}\n>>> slot\n```", "Nothing."):
        assert too_early(chapters, {**texts, "one": harmless}.get) == []


@pytest.mark.parametrize("name", [chapter["name"] for chapter in lessons()])
def test_a_chapter_opens_and_closes(name):
    text = text_of(name)
    assert re.match(r"(<!--.*?-->\s*)?# .+\n\n:::\{admonition\} After this chapter you can\n:class: goals\n", text), (
        "no goals"
    )
    closing = text.rstrip().rpartition(":::{admonition} What was seen\n:class: seen\n")[2]
    assert "**One thing to try:**" in " ".join(closing.split())


def sections(text):
    """The sections of a chapter by the anchors of their headings."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"): body for title, body in zip(parts[1::2], parts[2::2])
    }


def test_each_of_the_six_questions_has_a_section_with_a_picture_and_a_question():
    links = re.findall(r"\]\(([\w-]+)\.md#([\w-]+)\)", text_of("questions"))
    assert len(links) == SIX
    for name, anchor in links:
        text = text_of(name)
        assert anchor in sections(text), (name, anchor)
        # The picture and the question are in this section, or in one below it.
        body = text[text.lower().index(f"# {sections_title(text, anchor).lower()}") :]
        assert "{picture}" in text and "{question}" in body, (name, anchor)


def sections_title(text, anchor):
    """The heading whose anchor this is."""
    titles = re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)
    return next(title for title in titles if re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") == anchor)
