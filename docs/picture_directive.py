"""`{picture} NAME`: a picture of docs/drawings, drawn when the book is built."""

from __future__ import annotations

from docutils import nodes
from drawings import PICTURES
from sphinx.util.docutils import SphinxDirective


class PictureDirective(SphinxDirective):
    """One picture."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        [name] = self.arguments
        if name not in PICTURES:
            raise self.error(f"there is no picture {name!r}; there are: {', '.join(PICTURES)}")
        return [nodes.raw("", PICTURES[name]().html(name), format="html")]


def setup(app):
    """Makes the directive known to Sphinx."""
    app.add_directive("picture", PictureDirective)
    return {"parallel_read_safe": True}
