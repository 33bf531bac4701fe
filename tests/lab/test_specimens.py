"""The specimens: each fits the source and says all that it must; a few are met, and the matrix tells right from wrong.

`make matrix` puts all of them to all detectors. Here, what needs no building is seen to for each of them, and three are put to
two detectors when the traced build is tested (that is once in a run of all tests). `pytest -m specimens` shows the symptom of
each by its own script.
"""

from __future__ import annotations

import ast
import dataclasses
import json

import pytest
import subject

children = pytest.importorskip("hashtable_lab.children", reason="the laboratory is not installed")
specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")
detectors = pytest.importorskip("hashtable_lab.detectors", reason="the laboratory is not installed")
matrix = pytest.importorskip("hashtable_lab.detectors.matrix", reason="the laboratory is not installed")
specimen_pages = pytest.importorskip("hashtable_lab.specimens.pages", reason="the laboratory is not installed")

from conftest import ROOT  # noqa: E402
from hashtable_lab import cli  # noqa: E402
from hashtable_lab.detectors import ABSENT, CRASHED, DETECTORS, FOUND, SILENT, Outcome  # noqa: E402
from hashtable_lab.errors import Missing  # noqa: E402
from hashtable_lab.specimens import explain  # noqa: E402
from hashtable_lab.stage import Stage  # noqa: E402

NAMES = sorted(file.stem for file in (ROOT / "src" / "lab" / "specimens").glob("*.diff"))
each_specimen = pytest.mark.parametrize("name", NAMES)

# A surplus, a deficit, and a reference that the garbage collector is not shown.
SLICE = ["leak-on-error", "missing-incref", "missing-traverse"]


@pytest.fixture(autouse=True)
def of_this_source(source, monkeypatch):
    monkeypatch.setenv("HASHTABLE_SOURCE", str(source))


# ---- each of them, on paper ------------------------------------------------------------------------------------------


def test_there_are_enough():
    assert specimens.names() == NAMES
    assert len(NAMES) >= 16
    assert len({specimens.load(name).kind for name in NAMES}) == len(NAMES)


@each_specimen
def test_it_fits_and_says_all(name, source):
    specimen = specimens.load(name)
    changed = specimens.patched(specimen.patch, source, name)
    assert changed
    for file, text in changed.items():
        assert text != (source / file).read_text(encoding="utf-8")
    assert specimens.touched_places(specimen)
    assert specimen.lesson and specimen.mend and specimen.detectors
    assert set(specimen.detectors) <= set(specimens.THREAD_DETECTORS if specimen.threads else DETECTORS)
    # What is wrong with references, the ledger catches; what is not, has no line for it to name.
    if specimen.line:
        assert "ledger" in specimen.detectors
        file, line = specimens.named_place(specimen)
        text = changed.get(file) or (source / file).read_text(encoding="utf-8")
        assert text.splitlines()[line - 1].strip() == specimen.line.partition(": ")[2]


@each_specimen
def test_its_script_has_an_act_and_a_show(name):
    program = ast.parse(specimens.load(name).script)
    assert "act" in {node.name for node in program.body if isinstance(node, ast.FunctionDef)}
    assert isinstance(program.body[-1], ast.If)


@each_specimen
def test_its_script_is_content_with_the_right_module(name):
    pytest.importorskip("hashtable", reason="the normal build is not installed")
    ending = children.run_program(specimens.load(name).script)
    assert ending.well, ending.output


def header(**changes):
    """The text of a specimen's file, with other values for some fields; None leaves one out."""
    fields = {
        **dict.fromkeys(specimens.FIELDS, "text"),
        "Specimen": "some",
        "Symptom-Release": "crash: it does",
        "Symptom-Debug": "complaint: it does",
        "Line": "none",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\n".join(lines) + "\n\n--- a/some.rs\n+++ b/some.rs\n@@ -1 +1 @@\n-one\n+two\n"


def test_a_header_that_is_complete():
    assert specimens.parse(header(), "some").line == ""
    assert specimens.parse(header(Threads="without the GIL"), "some").threads == "without the GIL"
    assert specimens.parse(header(Line="src/extension/slots/methods.rs: give(op)"), "some").line.endswith("give(op)")


@pytest.mark.parametrize(
    "changes",
    [
        {"Line": None},
        {"Line": "give(op)"},
        {"Mend": None},
        {"Specimen": "another"},
        {"Symptom_Debug": "nothing"},
        {"Unknown": "field"},
        {"Threads": "many"},
    ],
)
def test_a_header_that_is_not(changes):
    with pytest.raises(Missing):
        specimens.parse(header(**changes), "some")


def test_a_line_that_is_not_there():
    specimen = specimens.load("missing-incref")
    with pytest.raises(Missing, match="0 times, not once"):
        specimens.named_place(dataclasses.replace(specimen, line="src/extension/slots/methods.rs: no such line"))


# ---- the matrix: what it makes of outcomes ---------------------------------------------------------------------------


def cells(name, **states):
    """A row: a detector's name, and its outcome or only its state."""
    outcomes = {
        key.replace("_", "-"): Outcome(state) if isinstance(state, str) else state for key, state in states.items()
    }
    return {detector: matrix.Cell(outcome, False) for detector, outcome in outcomes.items()}


def problems(name, **states):
    row = cells(name, **states)
    return matrix.Matrix([DETECTORS[detector] for detector in row], {name: row}).problems()


def at_the_line(name):
    file, line = specimens.named_place(specimens.load(name))
    return Outcome(FOUND, "found", [(file.rpartition("/")[2], line)])


def test_what_is_caught_as_promised():
    name = "missing-incref"
    assert problems(name, plain=SILENT, getrefcount=FOUND, ledger=at_the_line(name)) == []
    assert problems(name, plain=CRASHED, valgrind=ABSENT) == []
    assert problems("control", plain=SILENT, ledger=SILENT, valgrind=ABSENT) == []


def test_what_is_not():
    name = "missing-incref"
    right = at_the_line(name)
    assert "getrefcount is said to catch it" in problems(name, getrefcount=SILENT)[0]
    assert "getrefcount is said to catch it" in problems(name, getrefcount=CRASHED)[0]
    elsewhere = Outcome(FOUND, "found", [("methods.rs", right.places[0][1] + 1), *right.places])
    assert "the ledger names methods.rs" in problems(name, ledger=elsewhere)[0]
    assert "the ledger names no line" in problems(name, ledger=FOUND)[0]
    assert any("the ledger must catch it" in problem for problem in problems(name, ledger=SILENT))
    assert "plain complains of the source as it is" in problems("control", plain=FOUND)[0]
    assert "plain complains of the source as it is" in problems("control", plain=CRASHED)[0]


def test_places_are_the_extensions_own():
    said = "at 0x1 (methods.rs:28) by (/somewhere/registry/pyo3-ffi/methods.rs:1) by (table.rs:2) by src/extension/object.rs:3:1"
    assert detectors.places_in(said) == [("methods.rs", 28), ("object.rs", 3)]


def test_a_detector_that_is_not_there(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("shutil.which", lambda name, *_: None)
    outcome = DETECTORS["valgrind"].run(tmp_path, [])
    assert (outcome.state, "apt install valgrind" in outcome.words) == (ABSENT, True)
    matrix.show(matrix.Matrix([DETECTORS["valgrind"]], {"control": cells("control", valgrind=outcome)}), Stage())
    shown = capsys.readouterr().out
    assert "n/a" in shown and "valgrind is not on this machine" in shown


def test_wrong_usage_is_told_in_a_line(capsys):
    assert cli.main(["matrix", "--specimen", "lock-across-python"]) == 2
    assert "`make threads`" in capsys.readouterr().err
    assert cli.main(["matrix", "--specimen", "no-such"]) == 2
    assert cli.main(["matrix", "--detector", "no-such"]) == 2
    assert cli.main(["matrix", "--record", "--detector", "plain"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 3


# ---- the record and its pages ----------------------------------------------------------------------------------------


def test_record_diffs_and_pages_agree(source):
    record = json.loads((source / "docs" / "matrix.json").read_text(encoding="utf-8"))
    assert record["problems"] == []
    threads = json.loads((source / "docs" / "threads.json").read_text(encoding="utf-8"))
    assert sorted([*record["rows"], *threads["rows"]]) == sorted([*NAMES, "control", "control"])
    assert matrix.rows() == [name for name in NAMES if name in record["rows"]]
    for name, row in threads["rows"].items():
        caught = set(specimens.load(name).detectors) if name != "control" else set()
        assert {detector for detector, cell in row.items() if cell["state"] == FOUND} >= caught
        assert name != "control" or {cell["state"] for cell in row.values()} == {SILENT}
    assert list(record["detectors"]) == list(DETECTORS)
    for row in record["rows"].values():
        assert ABSENT not in {cell["state"] for cell in row.values()}
    for name, text in specimen_pages.pages().items():
        assert (source / "docs" / name).read_text(encoding="utf-8") == text, "run `make pages`"


def test_a_record_of_other_specimens_is_refused(monkeypatch, tmp_path, source):
    record = json.loads((source / "docs" / "matrix.json").read_text(encoding="utf-8"))
    record["specimens"]["missing-incref"] = "0" * 16
    (tmp_path / "matrix.json").write_text(json.dumps(record))
    monkeypatch.setattr(matrix, "record_file", lambda: tmp_path / "matrix.json")
    with pytest.raises(Missing, match="missing-incref"):
        specimen_pages.pages()


def test_some_rows_of_the_record_are_seen_anew(monkeypatch, tmp_path, source):
    record = json.loads((source / "docs" / "matrix.json").read_text(encoding="utf-8"))
    (tmp_path / "matrix.json").write_text(json.dumps(record))
    monkeypatch.setattr(matrix, "record_file", lambda: tmp_path / "matrix.json")
    rows = {"missing-incref": {"ledger": "another"}, "control": {"ledger": "of fewer scripts"}}
    found = {**record, "specimens": {"missing-incref": "another"}, "rows": rows}
    merged = matrix._with_new_rows(found)
    assert merged["rows"] == {**record["rows"], "missing-incref": {"ledger": "another"}}
    assert merged["specimens"] == {**record["specimens"], "missing-incref": "another"}
    for part, other in (("machine", "another"), ("detectors", {"plain": "none"})):
        with pytest.raises(Missing, match=f"of other {part}"):
            matrix._with_new_rows({**found, part: other})
    (tmp_path / "matrix.json").unlink()
    with pytest.raises(Missing, match="no record yet"):
        matrix._with_new_rows(found)


# ---- a few of them, met ----------------------------------------------------------------------------------------------

on_the_traced_build = pytest.mark.skipif(
    subject.NAME != "hashtable_traced", reason="they are built and run when the traced build is tested"
)


@on_the_traced_build
def test_a_slice_of_the_matrix(cargo):
    found = matrix.run(SLICE, ["getrefcount", "ledger"], False, Stage())
    assert found.problems() == []
    assert {name: [str(cell) for cell in row.values()] for name, row in found.rows.items()} == {
        "leak-on-error": [".", "LINE"],
        "missing-incref": ["found", "LINE"],
        "missing-traverse": [".", "LINE"],
        "control": [".", "."],
    }


@on_the_traced_build
def test_a_control_that_is_broken_is_noticed(cargo, monkeypatch):
    """The control of the control: if the source itself had the bug, the last row says so."""
    broken = dataclasses.replace(specimens.load("leak-on-error"), name="control")
    monkeypatch.setattr(specimens, "control", lambda: broken)
    [problem] = matrix.run(["leak-on-error"], ["ledger"], True, Stage()).problems()
    assert problem.startswith("ledger complains of the source as it is: src/extension/slots/methods.rs:")


@on_the_traced_build
@pytest.mark.parametrize("name", ["missing-incref", "missing-traverse"])
def test_meeting_one(name, cargo, capsys):
    pytest.importorskip("hashtable", reason="the normal build is not installed")
    stage = Stage()
    explain.perform(specimens.load(name), stage)
    assert stage.succeeded() and len(stage.checks) == 3
    shown = capsys.readouterr().out
    file, line = specimens.named_place(specimens.load(name))
    assert f"Line {line} of the broken {file}:" in shown
    assert specimens.load(name).line.partition(": ")[2] in shown


def test_without_a_free_threaded_cpython_a_line_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(specimens.building, "interpreters", lambda: {"3.11": "/usr/bin/python3.11"})
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: None)
    assert cli.main(["specimens", "run", "missing-critical-section"]) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "`make interpreters KINDS=3.14t` gets one" in line


def test_what_is_a_hang():
    hang = specimens.ENDINGS["hang"]
    assert hang(children.Ending("", -9, timed_out=True))
    assert hang(children.Ending("Timeout (0:00:05)!\nThread 0x1", 1))
    assert not hang(children.Ending("", 1)) and not hang(children.Ending("Timeout (0:00:05)!", 0))


@on_the_traced_build
def test_a_deadlock_is_ended_by_its_time_limit(cargo, capsys):
    pytest.importorskip("hashtable", reason="the normal build is not installed")
    stage = Stage()
    explain.perform(specimens.load("lock-across-python"), stage)
    assert stage.succeeded() and len(stage.checks) == 2
    assert "Only the time limit ended it" in capsys.readouterr().out


def test_what_an_end_means():
    assert "byte 0xDD" in explain.meaning(children.Ending("", -11))
    assert "The script itself checked" in explain.meaning(children.Ending("", specimens.COMPLAINT))
    assert "Nothing of what was expected" in explain.meaning(children.Ending("", 0))


@pytest.mark.specimens
@each_specimen
def test_its_script_shows_the_symptom(name, cargo):
    specimen = specimens.load(name)
    try:
        python = specimens.python_for(specimen)
    except Missing as missing:
        pytest.skip(str(missing))
    folder = specimens.build(specimen, Stage(), specimens.Form(python=python))
    wrong = children.run_program(
        specimen.script, module_folder=folder, environment=children.FREED_MEMORY_SHOWS, python=python
    )
    ending, words = specimen.expected
    assert specimens.ENDINGS[ending](wrong), f"not seen: {words}; {wrong}\n{wrong.output}"
