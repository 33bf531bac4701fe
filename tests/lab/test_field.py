"""The field: real bugs in real packages. Here its cases are read and its answers judged; `make field` runs it."""

from pathlib import Path

import pytest

pytest.importorskip("tomllib", reason="it came with CPython 3.11")
pytest.importorskip("hashtable_lab.field.command", reason="the laboratory is not installed")
from hashtable_lab.cli import main
from hashtable_lab.errors import Missing
from hashtable_lab.field import command, page, record, suite, survey
from hashtable_lab.field.case import PATCHED, cases, read
from hashtable_lab.field.report import reports

CASE = """
package = "spam"
bad = "1.0"
good = "1.1"
kind = "leak"
what = "..."
source = "https://example.org"
lines = ["src/spam.c:7"]
setup = "import spam"
statement = "spam.eggs()"
"""


@pytest.fixture
def case(tmp_path):
    file = tmp_path / "spam-eggs.toml"
    file.write_text(CASE)
    return read(file)


def finding(place, callers=()):
    return {"place": place, "kind": "surplus", "function": "f", "type": "list", "times": 10, "callers": list(callers)}


def ledger(*findings, ending="the script ran to its end"):
    return {"verdict": "unbalanced", "ending": ending, "judged": [10, 1], "findings": list(findings), "seconds": 1.0}


def test_the_cases_can_be_read():
    for one in cases():
        assert one.source.startswith("https://") and one.lines and one.what.endswith("."), one.name
        assert one.bad != one.good or one.good == PATCHED
        compile(one.script, one.name, "exec")


def test_the_reports_can_be_read():
    for report in reports():
        compile(report.script, report.title, "exec")
        assert report.version in report.text


def test_the_line_is_named(case):
    answers = {"ledger": {"bad": ledger(finding("./src/spam.c:7")), "good": ledger()}}
    row = record.judge(case, answers)
    assert (row.cells["ledger"], row.names_the_line, row.false) == (record.LINE, True, [])


def test_the_line_is_named_as_the_caller_of_a_helper(case):
    answers = {"ledger": {"bad": ledger(finding("src/helper.h:3", ["eggs (src/spam.c:7)"])), "good": ledger()}}
    assert record.judge(case, answers).names_the_line


def test_another_line_is_not_the_line(case):
    answers = {"ledger": {"bad": ledger(finding("src/spam.c:77")), "good": ledger()}}
    assert record.judge(case, answers).cells["ledger"] == record.FOUND


def test_what_is_said_of_the_good_release_is_false(case):
    answers = {"ledger": {"bad": ledger(), "good": ledger(finding("src/spam.c:9"))}}
    row = record.judge(case, answers)
    assert row.cells["ledger"] == record.NOT and len(row.false) == 1
    assert record.goals([row], whole=False)[-1].verdict == "not reached"


def test_what_cannot_be_had_is_no_answer(case):
    answers = {"leakcheck": {"bad": {"missing": "it does not build"}, "good": {"verdict": "clean", "seconds": 1.0}}}
    row = record.judge(case, answers)
    assert row.cells["leakcheck"] == record.ABSENT and not row.is_seen
    assert row.missing == ["leakcheck, 1.0: it does not build"]


def test_a_goal_is_not_judged_by_tools_that_were_not_run(case):
    """What nobody was asked about is neither reached nor missed."""
    leaks = {"verdict": "leaks", "seconds": 1.0, "reasons": []}
    row = record.judge(case, {"leakcheck": {"bad": leaks, "good": {"missing": "it does not build"}}})
    lines, caught, false = record.goals([row], whole=False)
    assert [goal.verdict for goal in (lines, caught, false)] == ["not judged", "reached", "not judged"]
    # The control: with the ledger's answer there is something to judge.
    row = record.judge(case, {"ledger": {"bad": ledger(finding("src/spam.c:77")), "good": ledger()}})
    lines, caught, false = record.goals([row], whole=False)
    assert [goal.verdict for goal in (lines, caught, false)] == ["not reached", "not judged", "reached"]


def test_a_case_counts_only_when_seen(case):
    row = record.judge(case, {"ledger": {"bad": ledger(), "good": ledger()}})
    assert record.goals([row], whole=True)[0].reached == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('kind = "leak"', 'kind = "bug"'), "kind is 'bug'"),
        (('good = "1.1"', 'good = "patched"'), "patch"),
        (('bad = "1.0"\n', ""), "no case"),
        (('bad = "1.0"', "bad = "), "no case"),
    ],
)
def test_a_case_that_is_none_says_why(tmp_path, change, words):
    file = tmp_path / "x.toml"
    file.write_text(CASE.replace(*change))
    with pytest.raises(Missing, match=words):
        read(file)


def test_an_unknown_case_is_one_line(capsys):
    assert main(["field", "no-such"]) == 2
    assert "there is no case 'no-such'" in capsys.readouterr().err


def test_only_all_tools_are_recorded(capsys):
    assert main(["field", "--record", "--tool", "ledger"]) == 2
    assert "leave out the choice of tools" in capsys.readouterr().err


def test_jobs_are_named_by_their_content(case):
    one, again = (command.jobs([case], ["psleak"]) for _ in range(2))
    assert [job.name for *_, job in one] == [job.name for *_, job in again]
    assert len({job.name for *_, job in one}) == 2


# ---- packages' own tests ---------------------------------------------------------------------------------------------


def test_the_survey_can_be_read():
    listed = survey.packages()
    assert [one.rank for one in listed] == sorted(one.rank for one in listed)
    assert len({one.name for one in listed}) == len(listed)
    assert sum(not one.not_run for one in listed) >= 39
    for one in listed:
        compile(one.lines, one.name, "exec")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[package]]\nrank = 1\nname = "spam"\nversion = "1"', "spam needs one of"),
        (
            '[[package]]\nrank = 1\nname = "spam"\nversion = "1"\nfolder = "t"\nnot_run = "it is late"',
            "spam needs one of",
        ),
        ('[[package]]\nrank = 1\nname = "spam"\nversion = "1"\nlines = "x"', "spam needs `why_lines`"),
        ("[[package]]\nrank = 1", "no list of packages"),
        ("[[package", "no list of packages"),
    ],
)
def test_a_survey_that_is_none_says_why(tmp_path, text, words):
    file = tmp_path / "survey.toml"
    file.write_text(text)
    with pytest.raises(Missing, match=words):
        survey.packages(file)


def test_what_was_looked_at_is_not_new():
    answers = {"ledger": {**ledger(finding("src/spam.c:7")), "tests": {"passed": 1}}}
    package = survey.Package(1, "spam", "1.0", lines="...")
    assert survey.new(package, answers) == ["surplus at src/spam.c:7, list, 10 times"]
    assert survey.words(package, "ledger", answers["ledger"]).endswith("(not looked at)")
    looked = survey.Package(1, "spam", "1.0", lines="...", looked={"src/spam.c:7": "a free list"})
    assert survey.new(looked, answers) == []
    assert survey.words(looked, "ledger", answers["ledger"]).endswith("(a free list)")


def test_what_is_not_kept_is_counted():
    answer = {**ledger(finding("src/spam.c:7")), "tests": {}, "found": 3}
    assert survey.judged_by("ledger", answer).endswith("; 2 more findings were not kept")
    assert "not kept" not in survey.judged_by("ledger", {**answer, "found": 1})


def test_what_could_not_be_judged_is_not_called_clean():
    package = survey.Package(1, "spam", "1.0", lines="...")
    for tool in survey.SUITES:
        assert survey.words(package, tool, {"missing": "it does not build"}) == "could not tell: it does not build"


SUITE = """
import unittest
import pytest

NUMBER = 12.5
kept, made = [], []


@pytest.fixture
def thing():
    return object()


class Cycle:
    def __init__(self):
        self.me = self


def test_right(thing):
    assert Cycle().me is not thing


def test_kept(thing):
    kept.append([thing])


def test_kept_where_the_collector_does_not_look():
    kept.append(dict.fromkeys(map(str, range(5)), NUMBER))


def test_fails():
    raise ValueError


def test_skipped():
    pytest.skip("no")


def test_only_once():
    assert not made
    made.append(1)


@pytest.mark.parametrize("number", range(20))
def test_many(number):
    pass


class Other(unittest.TestCase):
    def test_other(self):
        pass

    def test_other_fails(self):
        self.fail()
"""

#: The same with what an extension does that forgets to give a reference back.
LOST = """
import ctypes

STRAY = tuple("ab")  # no constant: those are immortal without the GIL


def test_lost():
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(STRAY))


def test_lost_object():
    ctypes.pythonapi.Py_IncRef(ctypes.py_object([]))


def test_lost_bytes():
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(bytes(100)))
"""


def repeated(lines):
    tests = survey.Package(1, "spam", "1.0", lines=lines).tests()
    # They take seconds, on a busy machine with a debug build more than a minute.
    return suite.repeat_tests(Path(), Path(), tests, time_limit=600)


@pytest.fixture(scope="module")
def answer():
    """What is said of all these tests, which one run repeats."""
    return repeated(SUITE + LOST)


def names(answer, wanted):
    return {one["test"].rpartition(":")[2] for one in answer["grows"] if wanted(one["hidden"])}


def test_lost_references_are_found(answer):
    assert (answer["verdict"], answer["ending"]) == ("leaks", "to the end")
    assert names(answer, lambda hidden: hidden > 0.5) == {"test_lost", "test_lost_object", "test_lost_bytes"}


def test_what_python_holds_grows_and_is_no_leak(answer):
    assert {"test_kept", "test_kept_where_the_collector_does_not_look"} <= names(answer, lambda hidden: hidden <= 0.5)
    assert not {"test_right", "test_many[0]"} & names(answer, lambda hidden: True)


def test_what_fails_is_not_judged(answer):
    """Two fail, one is skipped, one fails when it is repeated; of one with many parameters three are repeated."""
    assert (answer["tests"], answer["judged"]) == (31, 10)


def test_what_is_steady_is_clean():
    rows = [{"tests": 1}, {"begun": "a::b"}, {"test": "a::b", "runs": 100, "counted": 5, "grows": []}, {"end": True}]
    assert suite.summary(rows, "")["verdict"] == "clean"


def test_tests_that_cannot_be_judged_are_not_clean():
    with pytest.raises(Missing, match="no test was repeated"):
        repeated("this is no Python")


def test_a_crash_is_told_with_its_test():
    rows = [
        {"tests": 2},
        {"begun": "a::b"},
        {"test": "a::b", "runs": 100, "counted": 5, "grows": []},
        {"begun": "a::c"},
    ]
    assert suite.summary(rows, "killed by SIGSEGV")["ending"] == "killed by SIGSEGV, in a::c"
    with pytest.raises(Missing, match="SIGABRT"):
        repeated("import os\ndef test_dies(): os.abort()\n")


def test_the_page_says_what_was_not_run():
    text = "".join(page._survey({"markupsafe": {"ledger": {"missing": "no compiler"}}}))
    assert "| 40 | markupsafe 3.0.4 | could not tell: no compiler | not run |" in text
    assert "\n0 of " in text and "clean |" not in text


def test_the_page_counts_what_was_judged():
    clean = {"verdict": "clean", "judged": 1, "tests": 1, "runs": 9, "visible": 0, "grows": [], "ending": "to the end"}
    found = {"yarl": {"leakcheck": clean, "ledger": {"missing": "no compiler"}}, "websockets": {"leakcheck": clean}}
    text = page._counted(survey.packages(), found)
    assert text.startswith("2 of ") and "(0 by ledger, 2 by leakcheck), 1 of them by a few lines" in text


def test_the_page_counts_what_is_true_and_what_is_false():
    found = [finding(f"src/spam.c:{line}") for line in (1, 2, 2, 3)]
    package = survey.Package(
        1, "spam", "1.0", lines="...", looked={"spam.c:1": "true: a report", "spam.c:2": "false: a cache"}
    )
    cell = page._cell(package, "ledger", {**ledger(*found), "tests": {"passed": 1}})
    assert cell.endswith("(1 findings true, 2 false, 1 not looked at)")
