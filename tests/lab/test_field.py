"""The field: real bugs in real packages. Here its cases are read and its answers judged; `make field` runs it."""

import pytest

pytest.importorskip("tomllib", reason="it came with CPython 3.11")
pytest.importorskip("hashtable_lab.field.command", reason="the laboratory is not installed")
from hashtable_lab.cli import main
from hashtable_lab.errors import Missing
from hashtable_lab.field import command, record
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
