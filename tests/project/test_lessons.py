"""The lesson is in order: every term is explained before it is used, and each chapter opens and closes as a lesson does.

docs/lessons.toml says what each chapter assumes and teaches. It is compared with the order of the book, with the glossary, and with
the words of the chapters themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
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
    assert [chapter["name"] for chapter in lessons()] == chapters("The lesson")


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


def chapters(caption):
    """The chapters of one part of the book."""
    listed = text_of("index").split(f":caption: {caption}\n")[1].split("```")[0]
    return [line for line in listed.split() if not line.startswith(":")]


@pytest.mark.parametrize(
    "name", [*chapters("The lesson"), *chapters("Other people's extensions"), *chapters("Other roads")]
)
def test_a_chapter_opens_and_closes(name):
    text = text_of(name)
    plain = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    assert re.match(r"# .+\n\n:::\{admonition\} After this chapter you can\n:class: goals\n", plain), "no goals"
    closing = text.rstrip().rpartition(":::{admonition} What was seen\n:class: seen\n")[2]
    assert "**One thing to try:**" in " ".join(closing.split())


#: So many words in a row that two chapters have in common are one sentence, written twice.
IN_A_ROW = 9


def said_twice(chapters, text_of):
    """Runs of words that stand in two chapters, and listings that two chapters show in the open.

    The summary at the end of a chapter may repeat what it sums up.
    """
    where = defaultdict(set)
    for chapter in chapters:
        text = text_of(chapter["name"]).partition(":::{admonition} What was seen\n")[0]
        words = re.findall(r"\w+", prose(text).lower())
        for at in range(len(words) - IN_A_ROW + 1):
            where[" ".join(words[at : at + IN_A_ROW])].add(chapter["name"])
        shut = re.sub(r"^(:{3,4})\{dropdown\}.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
        for listing in re.findall(
            r"^```\{(?:source|literalinclude|specimen)\} .*?^```$", shut, re.MULTILINE | re.DOTALL
        ):
            if ":in: docs/programs/" not in listing:
                where[listing].add(chapter["name"])
    return {what: names for what, names in where.items() if len(names) > 1}


def test_nothing_is_said_twice():
    assert said_twice(lessons(), text_of) == {}


def test_what_is_said_twice_would_be_seen():
    sentence, listing = "One two three four five six seven eight nine.", "```{source} walk\n```"
    chapters = [{"name": "one"}, {"name": "two"}]
    assert list(said_twice(chapters, {"one": sentence, "two": f"And {sentence}"}.get)) == [sentence.lower()[:-1]]
    assert list(said_twice(chapters, {"one": listing, "two": listing}.get)) == [listing]
    assert said_twice(chapters, {"one": sentence, "two": sentence.replace("five", "5")}.get) == {}
    assert said_twice(chapters, {"one": listing, "two": f":::{{dropdown}} All\n{listing}\n:::"}.get) == {}


#: Listings of the source that do nothing: structs and lists, which a picture or a sentence explains. And one that may be skipped.
SAY_WHAT_IS = {"HashTable", "HASH_TABLE", "AS_MAPPING", "METHODS", "arguments", "builtin_hash"}


def without_python(text):
    """The functions of the source that a chapter shows in the open and does not show in Python before, in the same section."""
    shut = re.sub(r"^(:{3,4})(?:\{dropdown\}|\{tab-set\}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for part in re.split(r"^#{2,3} ", shut, flags=re.MULTILINE):
        python = False
        for name, options in re.findall(r"^```\{source\} (\S+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL):
            if ":in: docs/programs/" in options:
                python = True
            elif name not in SAY_WHAT_IS:
                found += [] if python else [name]
                python = False
    return found


def test_what_a_function_does_is_said_in_python_first():
    named = [chapter["name"] for chapter in lessons()]
    assert {name: without_python(text_of(name)) for name in named} == {name: [] for name in named}


def test_a_function_without_its_python_would_be_seen():
    python, rust = "```{source} f\n:in: docs/programs/in_python.py\n```\n", "```{source} f\n```\n"
    assert without_python(f"## A\n{python}\n{rust}") == []
    assert without_python(f"## A\n{python}\n## B\n{rust}") == ["f"]
    assert without_python(f"## A\n{python}\n{rust}\n{rust}") == ["f"]
    assert without_python(f"## A\n:::{{dropdown}} More\n{rust}:::\n") == []


def section(text, anchor):
    """The section of a chapter whose heading has this anchor, with all sections below it; nothing if there is none."""
    headings = list(re.finditer(r"^(#{2,3}) (.+)$", text, re.MULTILINE))
    for number, heading in enumerate(headings):
        if re.sub(r"[^\w -]", "", heading[2].lower()).replace(" ", "-") == anchor:
            ends = [other.start() for other in headings[number + 1 :] if len(other[1]) <= len(heading[1])]
            return text[heading.start() : ends[0] if ends else len(text)]
    return ""


def lacks(body):
    """What a section lacks that is to answer one of the six questions."""
    asked = re.search(r"^:::\{question\} .+?^:::$", body, re.MULTILINE | re.DOTALL)
    wrong = asked[0].count("\n- [ ] ") if asked else 0
    return [
        what for what, there in {"a picture": "```{picture} " in body, "a question": wrong > 1}.items() if not there
    ]


def test_each_of_the_six_questions_is_answered_in_one_section_with_a_picture_and_a_question():
    links = re.findall(r"\]\(([\w-]+)\.md#([\w-]+)\)", text_of("questions"))
    assert len(links) == len(set(links)) == SIX
    assert {(name, anchor): lacks(section(text_of(name), anchor)) for name, anchor in links} == {
        link: [] for link in links
    }


def test_a_section_without_its_picture_or_question_would_be_seen():
    asked = ":::{question} Why?\n- [ ] No. :: No.\n- [x] Yes. :: Yes.\n- [ ] Perhaps. :: No.\n:::"
    drawn = "```{picture} one\n```"
    whole = f"# A\n\n## One\n\n### Below\n\n{drawn}\n\n{asked}\n\n## Two\n\n{drawn}\n\n## Three\n\n{asked}\n"
    found = {anchor: lacks(section(whole, anchor)) for anchor in ("one", "two", "three", "four")}
    assert found == {"one": [], "two": ["a question"], "three": ["a picture"], "four": ["a picture", "a question"]}
    assert lacks(f"{drawn}\n{asked.replace('- [ ] Perhaps. :: No.', '')}") == ["a question"]
