"""`{source} NAME`: one function, struct or static of the source, found by its name and not by its file.

    ```{source} set_item
    :in: src/extension
    :with: key
    ```

`in` is a folder, or a file (by default src/extension). Where several functions have this name, `with` is a text that only the one
that is meant contains. `start-at` and `end-at` show a part of it. What is said above the function in the source is left out, unless
`doc` is given. Where the source has no such function, or several, the book is not built.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent

#: By the ending of a file: its language, and how a function begins. `NAME` is put in.
BEGINS = {
    ".rs": (
        "rust",
        r"^( *)(?:pub(?:\([\w: ]+\))? )?(?:(?:const )?(?:unsafe )?(?:extern \"C\" )?fn|struct|enum|trait|static(?: mut)?) NAME\b",
    ),
    ".c": ("c", r"^()NAME\b"),
    ".py": ("python", r"^( *)(?:def|class) NAME\b"),
}


def functions(file: Path, name: str) -> list[tuple[int, int, int]]:
    """Where functions of this name are in a file: the first line of what is said above it, its own first line, its last."""
    lines = file.read_text(encoding="utf-8").splitlines()
    language, pattern = BEGINS[file.suffix]
    found = []
    for at, line in enumerate(lines):
        begins = re.match(pattern.replace("NAME", re.escape(name)), line)
        if not begins:
            continue
        indent, end = begins[1], at
        if language in ("rust", "c"):
            while end + 1 < len(lines) and lines[end] not in (f"{indent}}}", f"{indent}}};"):
                end += 1
            at -= language == "c"  # what it returns stands in the line above
        else:
            while end + 1 < len(lines) and (not lines[end + 1].strip() or lines[end + 1].startswith(f"{indent} ")):
                end += 1
            while not lines[end].strip():
                end -= 1
        above = at
        while above > 0 and re.match(rf"{indent}(///|#\[|@|#)", lines[above - 1]):
            above -= 1
        found.append((above, at, end))
    return found


class Source(SphinxDirective):
    """One function."""

    required_arguments = 1
    option_spec = {  # noqa: RUF012
        "in": directives.unchanged,
        "with": directives.unchanged,
        "start-at": directives.unchanged,
        "end-at": directives.unchanged,
        "doc": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        [name] = self.arguments
        place = ROOT / self.options.get("in", "src/extension")
        files = [place] if place.is_file() else sorted(file for kind in BEGINS for file in place.rglob(f"*{kind}"))
        found = []
        for file in files:
            lines = file.read_text(encoding="utf-8").splitlines()
            for above, first, last in functions(file, name):
                text = lines[above if "doc" in self.options else first : last + 1]
                if self.options.get("with", "") in "\n".join(text):
                    found.append((file, text))
        if len(found) != 1:
            raise self.error(f"{len(found)} functions {name!r} in {place.relative_to(ROOT)}, not one")
        [(file, text)] = found
        text = self.part(text)
        self.env.note_dependency(str(file))
        code = textwrap.dedent("\n".join(text)) + "\n"
        block = nodes.literal_block(code, code, language=BEGINS[file.suffix][0], source=str(file))
        where = nodes.raw("", f"<p class='where'><code>{file.relative_to(ROOT)}</code></p>", format="html")
        return [where, block]

    def part(self, text: list[str]) -> list[str]:
        """The part of a function that is asked for."""
        first, last = 0, len(text)
        if wanted := self.options.get("start-at"):
            first = self.line(text, wanted, 0)
        if wanted := self.options.get("end-at"):
            last = self.line(text, wanted, first) + 1
        return text[first:last]

    def line(self, text: list[str], wanted: str, start: int) -> int:
        places = [at for at in range(start, len(text)) if wanted in text[at]]
        if not places:
            raise self.error(f"no line of the function has {wanted!r}")
        return places[0]


def setup(app):
    """Makes the directive known to Sphinx."""
    app.add_directive("source", Source)
    return {"parallel_read_safe": True}
