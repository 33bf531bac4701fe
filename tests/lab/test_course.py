"""The course's exercises, as texts. That each fails as given, passes when solved and answers mistakes: `make course-check`."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

for package in ("click", "rich", "unidiff", "filelock"):
    pytest.importorskip(package, reason="the laboratory's packages are not installed")
pytest.importorskip("hashtable_lab.course", reason="the laboratory is not installed")

from hashtable_lab.course import folder as folders  # noqa: E402
from hashtable_lab.course.check import _early_findings  # noqa: E402
from hashtable_lab.course.contents import PARTS, entries, entry  # noqa: E402
from hashtable_lab.course.exercise import REASONS, without_comments  # noqa: E402
from hashtable_lab.course.predictions import skeleton  # noqa: E402
from hashtable_lab.course.prove import attempts  # noqa: E402
from hashtable_lab.course.quiz.question import Question, answer, questions  # noqa: E402
from hashtable_lab.course.quiz.question import answers as answers_of  # noqa: E402
from hashtable_lab.errors import Missing  # noqa: E402

EXERCISES = entries()


@pytest.fixture(params=EXERCISES, ids=lambda each: each.name)
def exercise(request):
    return request.param


def test_an_exercise_is_small_and_whole(exercise):
    about = exercise.about
    assert set(about.fails.split("|")) <= set(REASONS)
    assert 5 <= about.minutes <= 15
    assert len(about.hints) == 3
    assert len(about.wrong) >= 3
    for language in exercise.languages:
        assert len(exercise.given(language).splitlines()) < 80
        assert exercise.given(language) != exercise.solution(language)


def test_each_attempt_is_another_text(exercise):
    """A wrong answer is an edit of the solution that is still there to be made, and one that its own pattern recognises."""
    for language in exercise.languages:
        known = [attempt for attempt in attempts(exercise) if attempt.language == language]
        assert len({attempt.text for attempt in known}) == len(known)
        assert sum(attempt.says != "" for attempt in known) >= 3
    for wrong in exercise.about.wrong:
        assert set(wrong.reason.split("|")) <= set(REASONS)
        for known in attempts(exercise):
            if known.name == wrong.name:
                assert re.search(wrong.pattern, without_comments(known.text)), (wrong.name, known.language)


def test_what_a_learner_is_told_is_told_once(exercise):
    says = [wrong.says for wrong in exercise.about.wrong]
    assert len(set(says)) == len(says)


def test_the_course_is_whole():
    assert len(EXERCISES) >= 36 and len(PARTS) == 7
    # Parts two to four are there in C as well.
    for each in EXERCISES:
        if 2 <= each.part <= 4:
            assert (each.folder / "exercise.c").is_file() and (each.folder / "solution.c").is_file(), each.name


DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the book is not here")
def test_the_chapters_are_there(exercise):
    assert (DOCS / f"{exercise.about.chapter}.md").is_file()


def test_questions_are_whole():
    every = questions()
    assert len(every) >= 40 and len({question.name for question in every}) == len(every)
    for question in every:
        assert len(question.choices) >= 2
        assert question.tempting in ("", *question.choices)


@pytest.mark.skipif(not DOCS.is_dir(), reason="the book is not here")
def test_each_question_stands_in_the_book():
    for page in {question.page for question in questions()}:
        assert f"{{questions}} {page}" in (DOCS / f"{page}.md").read_text(encoding="utf-8")


def test_a_question_whose_program_prints_no_choice_is_refused():
    wrong = Question("wrong", "table", "?", "print('neither')", {"yes": "", "no": ""})
    with pytest.raises(Missing, match=r"the question wrong: .* printed 'neither'"):
        answer(wrong)
    failing = Question("failing", "table", "?", "print('yes'); raise SystemExit(3)", {"yes": "", "no": ""})
    with pytest.raises(Missing, match="the question failing"):
        answer(failing)


def test_right_answers_are_found():
    assert answers_of(question for question in questions() if question.name == "list-setitem") == {"list-setitem": "0"}


def test_comments_do_not_count():
    assert without_comments("a // Py_INCREF(item)\nb /* Py_INCREF(item) */ c") == "a \nb  c"


def test_a_finding_of_the_ledgers_is_read_whatever_follows_it(tmp_path):
    log = tmp_path / "log"
    fields = ["finding", "deficit", "returned without being owned", "a.rs", "12", "first", "1234", "Thing", "<Thing>"]
    log.write_text("".join("\x1f".join([*fields, *more]) + "\n" for more in ([], ["1"], ["1", "more"])))
    finding = ["deficit", "returned without being owned", "a.rs", 12, "first", "Thing", "<Thing>", 1]
    assert _early_findings(log) == [finding] * 3


def test_a_prediction_cannot_change_its_question():
    given = "x = 1\npredict(x, ...)\n"
    assert skeleton("x = 1\npredict(x, 1)\n") == skeleton(given)
    assert skeleton("x = 2\npredict(x, 2)\n") != skeleton(given)


def test_an_exercise_is_found_by_its_beginning():
    assert entry("first").name == "first_item"
    assert entry("1.1").name == EXERCISES[0].name
    with pytest.raises(Missing, match="there is no exercise 'nothing'"):
        entry("nothing")


@pytest.mark.skipif(
    "HASHTABLE_SOURCE" not in os.environ, reason="the source is needed for the crate of a learner's folder"
)
def test_a_learners_folder(tmp_path):
    made = folders.start(tmp_path / "course", "rust")
    (first, *_) = EXERCISES
    file = made.file(first)
    assert file.read_text() == first.given(first.language("rust"))
    assert made.next() == first
    made.mark_done(first)
    assert made.read_hint(first) == 1
    again = folders.find(file.parent)
    assert again.is_done(first) and again.next() == EXERCISES[1]
    assert json.loads((made.path / folders.STATE).read_text())["hints"] == {first.name: 1}
    file.write_text("mine")
    folders.start(made.path, "rust")
    assert file.read_text() == "mine", "starting again overwrote what the learner wrote"
    again.reset(first)
    assert file.with_name(f"{file.name}.yours").read_text() == "mine"


def test_elsewhere_is_no_course(tmp_path):
    with pytest.raises(Missing, match="not a folder of the course"):
        folders.find(tmp_path)
