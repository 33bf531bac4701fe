"""`{assumptions}`: what each chapter of the lesson assumes and teaches, from lessons.toml."""

from __future__ import annotations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

try:
    import tomllib
except ImportError:  # before CPython 3.11
    import tomli as tomllib  # type: ignore[no-redef]


class Assumptions(SphinxDirective):
    """The table."""

    def run(self) -> list[nodes.Node]:
        file = self.env.srcdir / "lessons.toml"
        self.env.note_dependency(str(file))
        chapters = tomllib.loads(file.read_text(encoding="utf-8"))["chapter"]

        def terms(names: list[str]) -> str:
            return ", ".join(f"{{term}}`{name}`" for name in names)

        rows = [
            f"| {{doc}}`{each['name']}` | {terms(each['assumes'])} | {terms(each['teaches'])} |" for each in chapters
        ]
        return self.parse_text_to_nodes("\n".join(["| chapter | assumes | teaches |", "|---|---|---|", *rows]))


def setup(app):
    """Makes the directive known to Sphinx."""
    app.add_directive("assumptions", Assumptions)
    return {"parallel_read_safe": True}
