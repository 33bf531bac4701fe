"""The mutants: every refcount operation of the source is found, each can be left out, and the atlas fits the source.

`make mutants` builds them and sees them die. Here nothing is built.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tree_sitter_rust", reason="the parser is missing: pip install '.[mutants]'")
pytest.importorskip("hashtable_lab", reason="the laboratory is not installed")

FOLDER = Path(__file__).resolve().parent


@pytest.fixture(scope="module", autouse=True)
def modules():
    """The modules in tests/mutants, by name."""
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("operations", "trial", "atlas", "equivalent", "mutate")}
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def operations(modules):
    return modules["operations"]


SOURCE = b"""\
// Py_DECREF(in_a_comment);
use crate::ffi::{Py_DECREF, Py_NewRef};
mod inner {
    impl Thing {
        /// Gives up `op`, and says Py_DECREF(op) where nobody calls it.
        fn go(op: *mut PyObject, list: Vec<u8>) {
            let text = "Py_DECREF(in_a_string)";
            Py_DECREF(op);
            super::Py_DECREF(op);
            fill_field(&raw mut (*t).f, Py_NewRef(op));
            let first = list.take();
            give(key.take(table))
        }
    }
}
"""


def test_operations_are_found_where_they_are_called_and_nowhere_else(operations):
    found = operations.parse(SOURCE, "a.rs")
    assert [(each.line, each.column, each.name) for each in found] == [
        (8, 13, "Py_DECREF"),
        (9, 13, "Py_DECREF"),
        (10, 13, "fill_field"),
        (10, 41, "Py_NewRef"),
        (12, 13, "give"),
        (12, 18, "take"),
    ]
    assert {each.function for each in found} == {"inner::Thing::go"}
    assert {(each.first, each.last) for each in found} == {(5, 13)}


def test_what_a_mutant_is(operations):
    found = operations.parse(SOURCE, "a.rs")
    lines = {}
    for mutant in operations.mutants(found):
        text = mutant.applied(SOURCE).decode().splitlines()
        [changed] = [now.strip() for was, now in zip(SOURCE.decode().splitlines(), text) if was != now]
        lines[mutant.id] = changed.replace("crate::ffi::", "")
    assert lines == {
        "a.rs:8:13:Py_DECREF:deleted": "{ let _: *mut PyObject = op; };",
        "a.rs:8:13:Py_DECREF:doubled": "{ let op: *mut PyObject = op; Py_DECREF(op); Py_DECREF(op) };",
        "a.rs:9:13:Py_DECREF:deleted": "{ let _: *mut PyObject = op; };",
        "a.rs:9:13:Py_DECREF:doubled": "{ let op: *mut PyObject = op; super::Py_DECREF(op); super::Py_DECREF(op) };",
        "a.rs:10:13:fill_field:deleted": (
            "{ let field: *mut *mut PyObject = &raw mut (*t).f; *field = Py_NewRef(op); };"
        ),
        "a.rs:10:41:Py_NewRef:deleted": "fill_field(&raw mut (*t).f, (op));",
        "a.rs:10:41:Py_NewRef:doubled": "fill_field(&raw mut (*t).f, Py_NewRef(Py_NewRef(op)));",
        "a.rs:12:13:give:deleted": "Ok(core::mem::transmute::<*mut PyObject, Given>(key.take(table)))",
        "a.rs:12:18:take:deleted": "give(key.taken())",
    }


@pytest.mark.parametrize(
    "line",
    ["list.for_each(Py_DECREF);", "announce!({ Py_DECREF(op) });", "let leave = Py_DECREF;", "let Py_NewRef = 1;"],
)
def test_an_operation_that_cannot_be_mutated_is_no_secret(operations, line):
    with pytest.raises(operations.Unreadable, match=r"a\.rs:1: Py_\w+ stands where it cannot be mutated"):
        operations.parse(f"fn f() {{ {line} }}".encode(), "a.rs")


def test_no_operation_of_the_source_is_overlooked(operations, source):
    """Counted another way, line by line: each name with a parenthesis behind it that is no definition and no comment."""
    found = operations.operations(source)
    assert len(found) > 200
    for file in sorted((source / "src" / "extension").rglob("*.rs")):
        name = file.relative_to(source / "src" / "extension").as_posix()
        code = [line.split("//")[0] for line in file.read_text(encoding="utf-8").splitlines()]
        for word in (
            "Py_INCREF",
            "Py_DECREF",
            "Py_XDECREF",
            "Py_NewRef",
            "Py_CLEAR",
            "Py_XSETREF",
            "Py_VISIT",
            "fill_field",
        ):
            calls = sum(line.count(f"{word}(") - line.count(f"fn {word}(") for line in code)
            assert calls == sum(each.file == name and each.name == word for each in found), (name, word)


def test_every_mutant_has_a_name_of_its_own_and_is_still_rust(operations, source):
    every = operations.mutants(operations.operations(source))
    assert len({mutant.id for mutant in every}) == len(every) == len({(*m.operation.key, m.kind) for m in every})
    for mutant in every:
        text = (source / operations.EXTENSION / mutant.operation.file).read_bytes()
        assert mutant.applied(text) != text
        assert not operations._parser().parse(mutant.applied(text)).root_node.has_error, mutant.id


def test_a_filter_is_the_beginning_of_a_name(operations, source):
    every = operations.mutants(operations.operations(source))

    def names(*filters):
        return {mutant.id for mutant in operations.near(filters, every)}

    assert names() == {mutant.id for mutant in every}
    assert {name.partition(":")[0] for name in names("views/view.rs")} == {"views/view.rs"}
    assert {name.partition("/")[0] for name in names("ffi/")} == {"ffi"}
    [first, *_] = sorted(names("slots/methods.rs"))
    line = ":".join(first.split(":")[:2])
    assert names(first) == {first}
    assert first in names(line) and {name.split(":")[1] for name in names(line)} == {line.split(":")[1]}
    assert names("view") == set()


# ---- the record and the atlas ----------------------------------------------------------------------------------------


def test_the_atlas_fits_the_source(modules, operations, source):
    """If not: `make record WHAT=mutants` tries the new ones out and writes them down."""
    found = operations.operations(source)
    assert modules["atlas"].differences(modules["atlas"].read(source), found) == []
    every = operations.mutants(found)
    assert set(modules["equivalent"].EQUIVALENT) <= {(*mutant.operation.key, mutant.kind) for mutant in every}


def test_in_the_atlas_every_mutant_is_killed_or_there_is_a_proof(modules, operations, source):
    record = modules["atlas"].read(source)
    for mutant in operations.mutants(operations.operations(source)):
        seen = modules["atlas"].outcome(record, mutant.operation, mutant.kind)["seen"]
        proof = modules["equivalent"].EQUIVALENT.get((*mutant.operation.key, mutant.kind))
        assert (
            (seen in modules["atlas"].SEEN and proof is None) or (seen == "nothing" and proof) or seen == "not compiled"
        )


def test_every_file_with_an_operation_is_in_the_atlas(operations, source):
    page = (source / "docs" / "atlas.md").read_text(encoding="utf-8")
    for file in {each.file for each in operations.operations(source)}:
        assert f"```{{atlas}} {file}\n" in page


def test_what_does_not_fit_is_reported(modules, operations):
    atlas = modules["atlas"]
    found = operations.parse(SOURCE, "a.rs")
    outcome = {"seen": "ledger"}
    record = {"a.rs": {"inner::Thing::go": {}}}
    for mutant in operations.mutants(found):
        record["a.rs"]["inner::Thing::go"].setdefault(atlas.label(mutant.operation), {})[mutant.kind] = outcome
    assert atlas.differences(record, found) == []
    assert atlas.differences(record, operations.parse(b"\n\n" + SOURCE, "a.rs")) == []
    changed = SOURCE.replace(b"            Py_DECREF(op)", b"            Py_DECREF(other)")
    assert atlas.differences(record, operations.parse(changed, "a.rs")) == [
        "not in the record: a.rs:8:13:Py_DECREF:deleted",
        "not in the record: a.rs:8:13:Py_DECREF:doubled",
        "no longer in the source: a.rs: inner::Thing::go: Py_DECREF(op): deleted",
        "no longer in the source: a.rs: inner::Thing::go: Py_DECREF(op): doubled",
    ]


def test_writing_keeps_what_still_fits_and_drops_the_rest(modules, operations, tmp_path):
    atlas, symptom = modules["atlas"], modules["trial"].Symptom
    (tmp_path / "docs").mkdir()
    (tmp_path / operations.EXTENSION).mkdir(parents=True)
    (tmp_path / operations.EXTENSION / "a.rs").write_bytes(SOURCE)
    found = operations.parse(SOURCE, "a.rs")
    every = operations.mutants(found)
    atlas.write(tmp_path, found, [(mutant, symptom("ledger", "a leak", "a.rs:8", "h.get(1)")) for mutant in every])
    record = atlas.read(tmp_path)
    assert atlas.differences(record, found) == []
    wanted = {"seen": "ledger", "what": "a leak", "by": "h.get(1)", "at": "a.rs: Py_DECREF(op);"}
    assert [atlas.outcome(record, mutant.operation, mutant.kind) for mutant in every] == [wanted] * len(every)

    fewer = operations.parse(SOURCE.replace(b"super::Py_DECREF(op);", b""), "a.rs")
    first, second, *_ = operations.mutants(fewer)
    atlas.write(tmp_path, fewer, [(first, symptom("crash", "SIGSEGV"))])
    record = atlas.read(tmp_path)
    assert atlas.differences(record, fewer) == []
    assert atlas.outcome(record, first.operation, first.kind) == {"seen": "crash", "what": "SIGSEGV"}
    assert atlas.outcome(record, second.operation, second.kind) == wanted
    # Only those that are not in the record:
    assert len(atlas.differences(record, found)) == 2


def test_what_another_python_has_seen_stays(modules, operations, tmp_path):
    atlas, symptom = modules["atlas"], modules["trial"].Symptom
    (tmp_path / "docs").mkdir()
    found = operations.parse(SOURCE, "a.rs")
    here, there, nowhere, *_ = operations.mutants(found)

    def outcomes():
        record = atlas.read(tmp_path)
        return [atlas.outcome(record, mutant.operation, mutant.kind) for mutant in (here, there, nowhere)]

    absent = symptom("not compiled")
    atlas.write(tmp_path, found, [(here, symptom("ledger", "a leak")), (there, absent), (nowhere, absent)])
    chosen = modules["mutate"].choose([here, there, nowhere], (), False, False, None)
    assert chosen == [here, there, nowhere]
    record = atlas.read(tmp_path)
    assert [atlas.is_elsewhere(record, each.operation, each.kind) for each in chosen] == [False, True, True]
    atlas.write(tmp_path, found, [(there, symptom("crash", "SIGSEGV")), (nowhere, absent)], "3.14t")
    kept = [
        {"seen": "ledger", "what": "a leak"},
        {"seen": "crash", "what": "SIGSEGV", "python": "3.14t"},
        {"seen": "not compiled"},
    ]
    assert outcomes() == kept
    # The one that makes the record has nothing to say of it.
    atlas.write(tmp_path, found, [(there, absent), (nowhere, absent)])
    assert outcomes() == kept
    assert atlas.is_elsewhere(atlas.read(tmp_path), there.operation, there.kind)
    # But what was a part of its module, and is none any more, is not what it was.
    atlas.write(tmp_path, found, [(here, absent)])
    assert outcomes()[0] == {"seen": "not compiled"}


# ---- symptoms and verdicts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "output", "symptom"),
    [
        (0, "> a\n", ("nothing", "", "")),
        (1, "> a\nE  AssertionError: assert 1 == 2\n", ("test", "assert 1 == 2", "")),
        (
            -11,
            "> a\nrefcount ledger: src/extension/x.rs:7: in f: <T object at 0x7f>: given back without being owned\n",
            ("crash", "SIGSEGV; deficit: f: <T object>: given back without being owned", "x.rs:7"),
        ),
        (
            1,
            "> a\nUnbalanced: the ledger does not balance:\n  src/extension/x.rs:7: surplus: 'k': never given back, in f\n",
            ("ledger", "surplus: 'k': never given back, in f", "x.rs:7"),
        ),
    ],
)
def test_what_a_child_says_is_understood(modules, code, output, symptom):
    ending = modules["trial"].children.Ending(output, code)
    read = modules["trial"]._symptom(ending, 1, "a")
    assert (read.seen, read.what, read.place) == symptom
    assert read.killed == (code != 0)


def test_verdicts(modules, operations, monkeypatch):
    verdict, symptom = modules["mutate"].verdict, modules["trial"].Symptom
    mutant, other = operations.mutants(operations.parse(SOURCE, "a.rs"))[:2]
    monkeypatch.setitem(modules["equivalent"].EQUIVALENT, modules["mutate"].mutant_key(other), "a proof")
    assert verdict(mutant, symptom("crash")) == "killed"
    assert verdict(mutant, symptom("nothing")) == "survived"
    assert verdict(other, symptom("nothing")) == "equivalent"
    assert verdict(other, symptom("ledger")) == "not equivalent"
    assert verdict(other, symptom("not compiled")) == "elsewhere"
    assert modules["mutate"].summary([(mutant, symptom("crash"))]) == 0
    assert modules["mutate"].summary([(mutant, symptom("nothing"))]) == 1
    assert modules["mutate"].summary([(other, symptom("nothing"))]) == 0
    assert modules["mutate"].summary([(other, symptom("ledger"))]) == 1


@pytest.mark.slow
def test_the_command_lists_and_shows(source):
    def command(*arguments):
        environment = {**os.environ, "HASHTABLE_MODULE": "hashtable"}
        call = [sys.executable, str(FOLDER / "mutate.py"), *arguments]
        return subprocess.run(call, capture_output=True, text=True, env=environment, timeout=60)

    [name] = command("--list", "--sample", "1").stdout.split()
    assert command("--list", "--sample", "1").stdout.split() == [name]
    diff = command("--show", name).stdout.splitlines()
    assert diff[0].startswith("--- a/src/extension/") and sum(line.startswith("+") for line in diff) == 2
    wrong = command("--show", "no such")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "there is no mutant no such" in wrong.stderr
    assert command("nofile.rs").returncode == 2


def test_the_record_is_json_in_the_order_of_the_source(modules, source):
    text = (source / modules["atlas"].RECORD).read_text(encoding="utf-8")
    assert json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n" == text
