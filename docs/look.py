"""How the book looks, as far as Sphinx decides it: lines of code that wrap with a mark, and long listings that are folded.

A line that is too long for its window goes on in the next, behind a small arrow (book.css draws it); for that each line is an
element of its own. A listing of more than `LONGEST` lines is folded: the reader sees what it is and how long, and may open it.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from pygments.formatters import HtmlFormatter
from sphinx.highlighting import PygmentsBridge
from sphinx.transforms.post_transforms import SphinxPostTransform

#: Longer listings are folded.
LONGEST = 25

ROOT = Path(__file__).resolve().parent.parent


class LineByLine(HtmlFormatter):
    """Puts each line of code into an element of its own."""

    def wrap(self, source):
        return super().wrap(self.lines(source))

    def lines(self, source):
        for is_code, text in source:
            yield is_code, f'<span class="l">{text}</span>' if is_code else text


class Fold(SphinxPostTransform):
    """Folds long listings."""

    default_priority = 500
    formats = ("html",)

    def run(self, **_):
        for block in list(self.document.findall(nodes.literal_block)):
            length = len(block.astext().rstrip().splitlines())
            if length > LONGEST and not inside_a_fold(block):
                opening = f"<details class='fold'><summary>{title(block)}, {length} lines</summary>"
                wrapped = "literal-block-wrapper" in block.parent.get("classes", [])  # it has a caption
                outer = block.parent if wrapped else block
                place = outer.parent.index(outer)
                outer.parent.insert(place + 1, nodes.raw("", "</details>", format="html"))
                outer.parent.insert(place, nodes.raw("", opening, format="html"))


def inside_a_fold(node: nodes.Node) -> bool:
    """Is it folded already, as in a dropdown?"""
    while node is not None:
        if "sd-dropdown" in getattr(node, "attributes", {}).get("classes", []) or (
            getattr(node, "attributes", {}).get("type") == "dropdown"
        ):
            return True
        node = node.parent
    return False


def title(block: nodes.literal_block) -> str:
    """What a folded listing is called."""
    file = block.get("source", "")
    if file and Path(file).is_file() and Path(file).suffix != ".md":
        try:
            return f"<code>{Path(file).resolve().relative_to(ROOT)}</code>"
        except ValueError:
            pass
    return {"diff": "The diff", "default": "The output", "none": "The output"}.get(
        block.get("language", ""), "The listing"
    )


def setup(app):
    """Makes it known to Sphinx."""
    PygmentsBridge.html_formatter = LineByLine
    app.add_post_transform(Fold)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
