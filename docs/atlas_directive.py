"""`{atlas} slots/methods.rs`: the functions of a file of src/extension in which a reference changes its owner, line by line.

Under each line with such an operation stands what was seen when it was left out, and when it was done twice, as docs/atlas.json
records it. The functions are those of the present source; where the two do not agree, the book is not built. `{atlas-figures}` is a
sentence: how many there are, and how they were noticed. `{atlas-line}` is a single operation.
"""

from __future__ import annotations

import html
import sys
from collections import Counter, defaultdict
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import RustLexer
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "mutants"))

import atlas  # noqa: E402  (found only now)
import operations  # noqa: E402
from equivalent import EQUIVALENT  # noqa: E402
from look import LONGEST  # noqa: E402

WITHOUT = {operations.DELETED: "without", operations.DOUBLED: "twice"}
#: What is said in front of the words of a symptom.
SEEN = {"ledger": "", "crash": "crash: ", "test": "a test fails: ", "time limit": "it never ends: "}


class Atlas(SphinxDirective):
    """The functions of one file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        [file] = self.arguments
        found = [each for each in operations.operations(ROOT) if each.file == file]
        if not found:
            raise self.error(f"there is no src/extension/{file}, or no reference changes its owner in it")
        record = atlas.read(ROOT)
        self.env.note_dependency(str(ROOT / atlas.RECORD))
        self.env.note_dependency(str(ROOT / operations.EXTENSION / file))
        lines = (ROOT / operations.EXTENSION / file).read_text(encoding="utf-8").splitlines()
        coloured = highlight("\n".join(lines), RustLexer(stripnl=False), HtmlFormatter(nowrap=True)).splitlines()
        notes: dict[int, list[str]] = defaultdict(list)
        for each in found:
            for kind in each.forms.keys() & WITHOUT.keys():
                notes[each.line].append(self.note(record, each, kind, lines))
        functions = sorted({(each.first, each.last, each.function) for each in found})
        return [nodes.raw("", folded(*function, coloured, notes), format="html") for function in functions]

    def note(self, record: atlas.Record, operation: operations.Operation, kind: str, lines: list[str]) -> str:
        """What came of one mutant, in HTML."""
        seen = atlas.outcome(record, operation, kind)
        if seen is None:
            raise self.error(
                f"docs/atlas.json knows nothing of {operation.file}:{operation.line}: run `make record WHAT=mutants`"
            )
        what = f"{SEEN.get(seen['seen'], '')}{seen.get('what', '')}"
        at = seen.get("at", "")
        if seen["seen"] == "nothing":
            what = f"the same: {EQUIVALENT.get((*operation.key, kind), 'nobody noticed')}"
        elif at and at != f"{operation.file}: {lines[operation.line - 1].strip()}":
            what += f" (at {at})"
        by = f" <span class='by'>{html.escape(seen['by'])}</span>" if "by" in seen else ""
        by += f" (CPython {html.escape(seen['python'])})" if "python" in seen else ""
        name = f"{WITHOUT[kind]} <code>{html.escape(operation.name)}</code>"
        return f"<p class='{seen['seen'].replace(' ', '-')}'><b>{name}</b>: {html.escape(what)}{by}</p>"


class Line(Atlas):
    """One operation: its line, and what was seen of it. `{atlas-line} FILE FUNCTION OPERATION`.

    Where a function has several of them, the option `line` is the whole line of the one that is meant.
    """

    required_arguments = 3
    option_spec = {"line": directives.unchanged}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        file, function, name = self.arguments
        lines = (ROOT / operations.EXTENSION / file).read_text(encoding="utf-8").splitlines()
        found = [
            each
            for each in operations.operations(ROOT)
            if (each.file, each.function, each.name) == (file, function, name)
            and self.options.get("line") in (None, lines[each.line - 1].strip())
        ]
        if len(found) != 1:
            raise self.error(f"{len(found)} operations {name} in {function} of src/extension/{file}, not one")
        record, [each] = atlas.read(ROOT), found
        coloured = highlight("\n".join(lines), RustLexer(stripnl=False), HtmlFormatter(nowrap=True)).splitlines()
        notes = {each.line: [self.note(record, each, kind, lines) for kind in each.forms.keys() & WITHOUT.keys()]}
        return [nodes.raw("", table(each.line, each.line, coloured, notes), format="html")]


class Figures(SphinxDirective):
    """The figures of all files in a sentence."""

    def run(self) -> list[nodes.Node]:
        record = atlas.read(ROOT)
        self.env.note_dependency(str(ROOT / atlas.RECORD))
        every = operations.mutants(operations.operations(ROOT))
        seen = Counter((atlas.outcome(record, each.operation, each.kind) or {}).get("seen") for each in every)
        noticed = ", ".join(f"{seen[how]} {words}" for how, words in atlas.SEEN.items() if seen[how])
        text = f"Of {len(every)} mutants, {sum(seen[how] for how in atlas.SEEN)} were noticed: {noticed}."
        others = Counter((atlas.outcome(record, each.operation, each.kind) or {}).get("python") for each in every)
        del others[None]
        if others:
            shares = ", ".join(f"{number} with CPython {kind}" for kind, number in sorted(others.items()))
            text += f" Some are in code that only other versions of Python have, and were noticed there: {shares}."
        if seen["nothing"]:
            text += f" {seen['nothing']} do the same as the source; the proof stands beside each."
        if seen["not compiled"]:
            text += f" {seen['not compiled']} are in code for another version of Python."
        return [nodes.paragraph(text, text)]


def folded(first: int, last: int, name: str, coloured: list[str], notes: dict[int, list[str]]) -> str:
    """The lines of a function as HTML; a long one is folded."""
    lines = last - first + 1
    if lines <= LONGEST:
        return table(first, last, coloured, notes)
    seen = sum(len(notes[number]) for number in range(first, last + 1) if number in notes)
    summary = f"<code>{html.escape(name)}</code>, {lines} lines, {seen} mutants"
    return f"<details class='fold'><summary>{summary}</summary>{table(first, last, coloured, notes)}</details>"


def table(first: int, last: int, coloured: list[str], notes: dict[int, list[str]]) -> str:
    """The lines of a function as HTML, each with its notes under it."""
    rows = []
    for number in range(first, last + 1):
        rows.append(f"<tr><td class='number'>{number}</td><td><pre>{coloured[number - 1]}</pre></td></tr>")
        if number in notes:
            rows.append(f"<tr class='note'><td></td><td>{''.join(sorted(notes[number], reverse=True))}</td></tr>")
    return f"<div class='highlight atlas'><table>{''.join(rows)}</table></div>"


def setup(app):
    """Makes the directives known to Sphinx."""
    app.add_directive("atlas", Atlas)
    app.add_directive("atlas-line", Line)
    app.add_directive("atlas-figures", Figures)
    return {"parallel_read_safe": True}
