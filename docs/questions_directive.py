"""The questions of the book: a directive that puts those of a page into it.

    ```{questions} ownership
    ```

The questions are in hashtable_lab.course.quiz; the right answers are computed here, by running each question's program with the
Python that builds the book. The page needs no server: _static/questions.js shows what belongs to the choice that was taken. Without
JavaScript the answer is behind a fold.
"""

import html
import re

from docutils import nodes
from docutils.parsers.rst import Directive
from hashtable_lab.course.quiz.question import answers, answers_by_version, questions, version
from hashtable_lab.errors import Missing
from sphinx.errors import ExtensionError


def text(words):
    """Words as HTML; what stands between backquotes is code."""
    return re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(words, quote=False))


def versions(question):
    """What other Pythons say, where they differ."""
    seen = answers_by_version(question)
    said = "; ".join(f"{name}: {choice}" for name, choice in seen.items())
    return f"<p>CPythons on the machine that built this page: {text(said)}.</p>" if len(set(seen.values())) > 1 else ""


def fieldset(question, right):
    """One question as HTML."""
    rows = []
    # Not always in the same place, and in every build the same.
    at = sum(map(ord, question.name)) % len(question.choices)
    choices = list(question.choices)
    for choice in choices[at:] + choices[:at]:
        kind = "right" if choice == right else "wrong"
        rows.append(
            f'<label class="choice"><input type="radio" name="{question.name}" data-is="{kind}"> {text(choice)}</label>'
            f'<p class="why {kind}" hidden>{text(question.choices[choice])}</p>'
        )
    more = versions(question) if question.differs else ""
    return (
        f'<fieldset class="quiz" id="question-{question.name}"><legend>{text(question.asks)}</legend>{"".join(rows)}'
        f'<details class="answer"><summary>Answer</summary><p><b>{text(right)}</b>. {text(question.choices[right])}</p>'
        f"{more}</details></fieldset>"
    )


class Questions(Directive):
    """The questions of one page."""

    required_arguments = 1

    def run(self):
        page = self.arguments[0]
        asked = questions(page)
        if not asked:
            raise self.error(f"there are no questions for the page {page}")
        try:
            right = answers(asked)
        except Missing as missing:
            raise ExtensionError(str(missing)) from None
        said = f"Each right answer was computed by {version()} when this page was built."
        body = "".join(fieldset(question, right[question.name]) for question in asked)
        return [nodes.raw("", f'<div class="questions">{body}<p class="computed">{said}</p></div>', format="html")]


def setup(app):
    app.add_directive("questions", Questions)
    app.add_js_file("questions.js", loading_method="defer")
    app.add_css_file("questions.css")
    return {"parallel_read_safe": True}
