"""`{demo} NAME`: performs a demo of the laboratory while the book is built. Its prose becomes prose, its output output.

The demo is the one that `python -m hashtable_lab demo NAME` performs. If it does not see what it promises, the book is not built.
Options: `arguments`, as a Python expression for the arguments of `play`; `only`, the number of the part between two headings that
is shown (0 is what comes before the first); `live`, the words behind `demo` where a reader runs it in the site, if not the name.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from hashtable_lab.demos import DEMOS, module_of
from hashtable_lab.stage import Stage
from live_source import template
from sphinx.util.docutils import SphinxDirective


class PageStage(Stage):
    """A stage that writes Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[list[str]] = [[]]

    def _add(self, text: str) -> None:
        self.parts[-1].append(text.rstrip())

    def title(self, text: str) -> None:
        """The chapter has a title of its own."""

    def heading(self, text: str) -> None:
        self.parts.append([f"**{text}**"])

    def say(self, text: str) -> None:
        self._add(" ".join(text.split()).replace("<", "\\<"))

    def show_text(self, text: str, language: str) -> None:
        self._add(f"````{language}\n{text.rstrip()}\n````")

    def transcript(self, text: str, colours=None) -> None:
        self._add(f"````text\n{text.rstrip()}\n````")

    def table(self, columns, rows, gap: int = 3) -> None:
        cells = [[f"`{cell}`" if str(cell).strip() else "" for cell in map(str, row)] for row in rows]
        head = [str(column) or " " for column in columns]
        lines = [head, ["---"] * len(head), *cells]
        self._add("\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines))

    def check(self, promise: str, seen: bool) -> bool:
        self.checks.append((promise, seen))
        kind = "" if seen else " missed"
        word = "seen" if seen else "NOT SEEN"
        line = f'<p class="demo-check{kind}">{word}: {escape(promise)}</p>'
        self._add(f"```{{raw}} html\n{line}\n```")
        return seen

    def verdict(self) -> None:
        """The chapter says what was seen."""

    def progress(self, what: str, total: int):
        return contextlib.nullcontext(lambda done: None)

    def busy(self, what: str):
        return contextlib.nullcontext(lambda detail: None)


class Demo(SphinxDirective):
    """One demo, or a part of it."""

    required_arguments = 1
    option_spec = {"arguments": directives.unchanged, "only": directives.unchanged, "live": directives.unchanged}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        [name] = self.arguments
        if name not in DEMOS:
            raise self.error(f"there is no demo {name!r}; there are: {', '.join(DEMOS)}")
        play = importlib.import_module(module_of(name)).play
        stage = PageStage()
        here = os.getcwd()
        os.chdir(self.env.srcdir)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                options = eval(f"dict({self.options.get('arguments', '')})", {"Path": __import__("pathlib").Path})
                play(stage, **options)
        finally:
            os.chdir(here)
        if not stage.succeeded():
            missed = [promise for promise, seen in stage.checks if not seen]
            raise self.error(f"the demo {name} did not see: {'; '.join(missed)}")
        chosen = self.options.get("only")
        parts = stage.parts if chosen is None else [stage.parts[int(number)] for number in chosen.split()]
        text = "\n\n".join(piece for part in parts for piece in part)
        made = self.parse_text_to_nodes(text)
        if chosen is None or "1" in chosen.split():
            made.append(template(f"python -m hashtable_lab demo {self.options.get('live', name)}", kind="program"))
        return made


def setup(app):
    """Makes the directive known to Sphinx."""
    app.add_directive("demo", Demo)
    return {"parallel_read_safe": True}
