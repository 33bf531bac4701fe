"""`{question}`: a question with tempting wrong answers. Each answer opens, and says whether it is right, and why or why not.

    :::{question} Why does `set` take a reference?
    - [ ] An answer that is wrong. :: Why it is wrong.
    - [x] The answer that is right. :: Why it is right.
    :::

One answer is right, and each says why.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Question(SphinxDirective):
    """One question."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        answers = re.findall(
            r"^- \[([ x])\] (.+?) :: (.+?)(?=\n- \[|\Z)", "\n".join(self.content), re.MULTILINE | re.DOTALL
        )
        if [mark for mark, *_ in answers].count("x") != 1 or len(answers) < 3:
            raise self.error(
                "a question has at least three answers, each with ` :: ` and a reason, and one of them is right"
            )
        box = nodes.container(classes=["question"])
        box += self.parse_text_to_nodes(self.arguments[0])
        for mark, answer, reason in answers:
            kind = "right" if mark == "x" else "not-right"
            box += nodes.raw("", f"<details class='{kind}'><summary>", format="html")
            box += self.inline(answer)
            box += nodes.raw("", "</summary>", format="html")
            box += self.parse_text_to_nodes(f"{'Yes.' if mark == 'x' else 'No.'} {' '.join(reason.split())}")
            box += nodes.raw("", "</details>", format="html")
        return [box]

    def inline(self, text: str) -> list[nodes.Node]:
        [paragraph] = self.parse_text_to_nodes(" ".join(text.split()))
        return paragraph.children


def setup(app):
    """Makes the directive known to Sphinx."""
    app.add_directive("question", Question)
    return {"parallel_read_safe": True}
