"""`course quiz`: the questions of the book in the terminal."""

from __future__ import annotations

import json
import sys

import click

from hashtable_lab.course.quiz.question import Question, answer, answers, questions, version
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage


@click.command("quiz")
@click.argument("page", required=False)
@click.option("--list", "only_list", is_flag=True, help="List the questions, and answer none.")
@click.option("--answers", "with_answers", is_flag=True, help="Print every question with its answer, and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --list or --answers: as JSON.")
def quiz_command(page: str | None, only_list: bool, with_answers: bool, as_json: bool) -> int:
    """Asks the book's questions; only those of the chapter PAGE, if one is named. This Python computes the answers."""
    asked = questions(page)
    if not asked:
        pages = ", ".join(dict.fromkeys(question.page for question in questions()))
        raise Missing(f"there are no questions on the page {page!r}; there are some on {pages}.")
    if only_list or with_answers:
        _show(asked, answers(asked) if with_answers else {}, as_json)
        return 0
    if not sys.stdin.isatty():
        raise Missing("the quiz asks at a terminal; `course quiz --answers` prints the questions with their answers.")
    return _ask(asked)


def _show(asked: list[Question], right: dict[str, str], as_json: bool) -> None:
    if as_json:
        rows = [
            {"name": one.name, "page": one.page, "asks": one.asks, "choices": one.choices, "right": right.get(one.name)}
            for one in asked
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    stage = Stage()
    for one in asked:
        stage.say(f"{one.name}, on {one.page}: {one.asks}")
        if right:
            stage.say(f"  {right[one.name]} -- {one.choices[right[one.name]]}")
    stage.say(f"{len(asked)} questions" + (f", answered by {version()}." if right else "."))


def _ask(asked: list[Question]) -> int:
    stage, score = Stage(), 0
    for number, one in enumerate(asked, start=1):
        right = answer(one)
        choices = list(one.choices)
        # Not always in the same place, and for the same question always in the same order.
        at = sum(map(ord, one.name)) % len(choices)
        choices = choices[at:] + choices[:at]
        stage.heading(f"{number} of {len(asked)}")
        stage.say(one.asks)
        stage.transcript("\n".join(f"{which}  {choice}" for which, choice in enumerate(choices, start=1)))
        taken = choices[click.prompt("Your answer", type=click.IntRange(1, len(choices))) - 1]
        if taken == right:
            score += 1
            stage.say(f"Right. {one.choices[right]}")
        else:
            stage.say(f"No. {one.choices[taken]}")
            stage.say(f"{version()} says: {right}. {one.choices[right]}")
    stage.say(f"{score} of {len(asked)} were right.")
    return 0
