"""`make faults` finds what it is for. The run itself is `make faults`; here are its controls.

tests/faults/NAME.diff breaks the source in a way that nothing shows as long as nothing fails. Its header says how, and what the
run must say then:

    Fault: NAME
    What: what was done
    Call: a call of injection.py in which it shows
    Fails: a part of the line where something has to fail for it
    Complaint: what the run complains of, its beginning

All of them are put into one copy of the source, which is built once. That is done on the traced build only, so that it happens once
in `make test`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
import subject

children = pytest.importorskip("hashtable_lab.children", reason="the laboratory is not installed")
specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")

import fallible  # noqa: E402
import faults  # noqa: E402

HERE = Path(__file__).resolve().parent
CONTROLS = sorted(file.stem for file in HERE.glob("*.diff"))


def read(name):
    """A control's header, as a dict of fields, and its diff."""
    header, _, diff = (HERE / f"{name}.diff").read_text(encoding="utf-8").partition("\n--- ")
    fields = {match[1]: match[2].strip() for match in re.finditer(r"^(\w+):((?:.*\n?)(?:[ \t]+.*\n?)*)", header, re.M)}
    assert fields["Fault"] == name
    return fields, "--- " + diff


def run(child, *arguments):
    """Runs the command. Returns its exit code and its report."""
    pytest.importorskip("hashtable_traced", reason="the traced module is not installed")
    ending = child(str(HERE / "faults.py"), "--json", *map(str, arguments))
    assert ending.returncode in (0, 1), ending.stderr
    return ending.returncode, json.loads(ending.stdout)


# ---- driving ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(subject.module, "ledger_position"), reason="is for the traced build, and takes a build")
@pytest.mark.slow
def test_each_mistake_is_named(source, cargo, child, tmp_path):
    from hashtable_lab.stage import Stage

    os.environ["HASHTABLE_SOURCE"] = str(source)
    diff = "".join(read(name)[1] for name in CONTROLS)
    broken = specimens.variant("faults-controls", diff)
    folder = specimens.build(broken, Stage(), specimens.Form(traced=True))
    for crate in ("extension", "ledger"):
        shutil.copytree(source / "src" / crate, tmp_path / "src" / crate)
    specimens.apply(broken.patch, tmp_path, broken.name)
    calls = [read(name)[0]["Call"] for name in CONTROLS]
    assert len(CONTROLS) >= 3
    right, report = run(child, *calls)
    assert (right, report["wrong"]) == (0, []), "the control: the source as it is"
    wrong, report = run(child, "--folder", folder, "--source", tmp_path, *calls)
    assert wrong == 1
    for name in CONTROLS:
        fields, _ = read(name)
        found = [
            complaint
            for complaint in report["wrong"]
            if complaint["call"] == fields["Call"]
            and complaint["complaint"].startswith(fields["Complaint"])
            and fields["Fails"] in line_of(tmp_path, complaint["place"])
        ]
        assert found, f"{name} is not named: {report['wrong']}"


def line_of(source, place):
    """The line of the source that a place, `file:line: call`, is on."""
    file, line, _ = place.split(":")
    return (source / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]


def test_a_call_fails_at_every_place_and_then_succeeds(child):
    code, report = run(child, "library_hash(1e300)")
    assert (code, report["well"], report["calls"]) == (0, True, 1)
    # Two places, five exceptions at each, and one run more for each kind of fault in which nothing was left to fail.
    assert report["runs"] == 2 * 5 + 6
    failed = {site["call"]: site["failed"] for site in report["sites"] if site["failed"]}
    assert failed == {"PyLong_FromDouble": 5, "PyLong_FromLongLong": 5}


@pytest.mark.slow
def test_the_import_fails_at_every_place_and_then_succeeds(child):
    code, report = run(child, "import")
    assert (code, report["well"]) == (0, True)
    failed = {(Path(site["file"]).name, site["call"]) for site in report["sites"] if site["failed"]}
    assert {
        ("lib.rs", "PyModule_Create"),
        ("module.rs", "PyType_Ready"),
        ("contents.rs", "PyObject_CallOneArg"),
    } < failed


def test_a_child_that_dies_is_named(tmp_path, monkeypatch, capsys):
    """And the calls after it are made all the same."""
    pytest.importorskip("hashtable_traced", reason="the traced module is not installed")
    (tmp_path / "injection.py").write_text(
        "import json, os, sys\n"
        "for call in json.loads(sys.argv[1]):\n"
        "    print(json.dumps(['call', call]), json.dumps(['run', 'KeyError', 3]), sep='\\n', flush=True)\n"
        "    if call == 'dies': os.abort()\n"
        "    print(json.dumps(['done', call, 1, [], []]), flush=True)\n"
    )
    monkeypatch.setattr(faults, "HERE", tmp_path)
    outcome = faults.Outcome()
    assert list(faults.drive("hashtable_traced", ["lives", "dies", "lives too"], None, HERE.parent, outcome)) == [
        "lives",
        "dies",
        "lives too",
    ]
    assert (outcome.calls, outcome.runs) == (3, 3)
    [wrong] = outcome.wrong
    assert (wrong.call, wrong.fault, wrong.nth) == ("dies", "KeyError", 3)
    assert "SIGABRT" in wrong.complaint


@pytest.mark.parametrize(
    ("arguments", "complaint"), [(["no such call"], "no call contains no such call"), (["--folder", "/nowhere"], "/nowhere")]
)  # fmt: skip
def test_wrong_use_is_answered_in_a_line(child, arguments, complaint):
    pytest.importorskip("hashtable_traced", reason="the traced module is not installed")
    ending = child(str(HERE / "faults.py"), *arguments)
    assert ending.returncode == 2
    assert complaint in ending.stderr
    assert ending.stderr.count("Error: ") == 1 and "Traceback" not in ending.stderr


def test_every_method_and_slot_is_driven(child):
    """By name, or by the operator or builtin that calls it."""
    traced = pytest.importorskip("hashtable_traced", reason="the traced module is not installed")
    calls = child(str(HERE / "faults.py"), "--list").stdout
    assert len(calls.splitlines()) > 200
    by_another_name = {
        "__init__": "HashTable(4, 0.5, hash_func)", "__new__": "HashTable.__new__", "__class_getitem__": "HashTable[",
        "__contains__": "key in table", "__delitem__": "del table[", "__getitem__": "table[key]", "__setitem__": "] = other",
        "__len__": "len(table", "__iter__": "iter(table)", "__next__": "next(", "__reversed__": "reversed(",
        "__repr__": "repr(table", "__format__": "format(table", "__hash__": "hash(table)", "__or__": "table | ",
        "__ror__": "{number: other} | table", "__eq__": " == ", "__ne__": " != ", "__lt__": "table < ", "__le__": " <= ",
        "__gt__": " > ", "__ge__": " >= ", "__and__": ".keys() & ", "__rand__": "] & ", "__sub__": ".keys() - ",
        "__xor__": ".keys() ^ ", "__rsub__": ".keys() - ", "__rxor__": ".keys() ^ ",
    }  # fmt: skip
    table = traced.HashTable()
    for owner in (table, table.keys(), table.values(), table.items(), iter(table)):
        for name in set(vars(type(owner))) - {"__doc__", "__module__", "__dict__", "__weakref__"}:
            assert by_another_name.get(name, f".{name}") in calls, f"{type(owner).__name__}.{name} is not driven"


# ---- finding the places ----------------------------------------------------------------------------------------------


@pytest.fixture
def copy(source, tmp_path):
    """A copy of the source, to be changed."""
    shutil.copytree(source / "src", tmp_path / "src", ignore=shutil.ignore_patterns("lab", "target"))
    return tmp_path


def all_failed(sites):
    """What came of a run in which each of these places failed."""
    return faults.Outcome(
        failed=Counter((site.file, site.line, site.call) for site in sites if not faults.excused(site))
    )


def append(copy, text):
    with open(copy / "src" / "extension" / "table" / "hashing.rs", "a", encoding="utf-8") as file:
        file.write(text)


def test_the_places_of_another_form(source):
    """It has the files of the classic form, less those that it has of its own."""
    sites = {name: fallible.scan(source, *form) for name, (_, *form) in faults.FORMS.items()}
    classic, heap, abi3, abi3t = ({site.file for site in found} for found in sites.values())
    assert "src/forms/limited.rs" in abi3 - heap - classic and abi3 == abi3t
    # What this form has otherwise is a place of the others only.
    assert {"PyObject_CallOneArg", "PyDict_GetItemRef"} <= {site.call for site in sites["classic"]}
    assert "PyObject_CallOneArg" not in {site.call for site in sites["abi3"]}
    assert "src/extension/module.rs" in classic - heap
    assert {"src/forms/module.rs", "src/forms/type_object.rs"} <= heap - classic
    assert "src/extension/table/hashing.rs" in classic & heap
    assert {path for path in (source / "src" / "extension").rglob("*.rs") if path.name != "build.rs"} == set(
        fallible.files_of(source.resolve() / "src" / "extension" / "lib.rs")
    )
    assert faults.normal(["src/forms/../extension/object.rs", 1, "x"]) == ("src/extension/object.rs", 1, "x")


def test_a_place_of_another_form_that_never_fails_is_reported(copy):
    _, crate, _ = faults.FORMS["heap"]
    failed = all_failed(fallible.scan(copy, crate))
    with open(copy / "src" / "forms" / "module.rs", "a", encoding="utf-8") as file:
        file.write("\nunsafe fn never_called() -> *mut PyObject {\n    unsafe { PyList_New(0) }\n}\n")
    [missing] = faults.judged(fallible.scan(copy, crate), failed, True)["never failed"]
    assert missing.startswith("src/forms/module.rs:")


def test_a_place_that_never_fails_is_reported(copy):
    before = fallible.scan(copy)
    assert len(before) > 100
    assert faults.judged(before, all_failed(before), True)["well"]
    append(copy, "\nunsafe fn never_called() -> *mut PyObject {\n    unsafe { PyList_New(0) }\n}\n")
    report = faults.judged(fallible.scan(copy), all_failed(before), True)
    assert not report["well"]
    [missing] = report["never failed"]
    assert missing.startswith("src/extension/table/hashing.rs:") and missing.endswith(": PyList_New")


def test_a_place_out_of_reach_that_is_reached_is_an_error(copy):
    sites = fallible.scan(copy)
    out_of_reach = [site for site in sites if faults.excused(site)]
    assert out_of_reach
    for site in out_of_reach:
        outcome = all_failed(sites)
        outcome.failed[site.file, site.line, site.call] += 1
        assert "is said to be out of reach" in faults.judged(sites, outcome, True)["errors"][0]


def test_the_short_way_is_out_of_reach_in_the_limited_form_only(copy):
    [site] = [site for site in fallible.scan(copy) if site.file.endswith("/at_once.rs")]
    assert "long way" in faults.excused(site, limited=True)
    assert (faults.excused(site) is None) == bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def test_a_place_that_only_the_ledger_knows_is_an_error(copy):
    sites = fallible.scan(copy)
    outcome = all_failed(sites)
    outcome.failed["src/extension/table/hashing.rs", 1, "PyList_New"] += 1
    assert "fallible.py has not found it" in faults.judged(sites, outcome, True)["errors"][0]


def test_an_excuse_for_nothing_is_an_error(copy):
    sites = [site for site in fallible.scan(copy) if not faults.excused(site)]
    report = faults.judged(sites, all_failed(sites), True)
    assert "take it out of CANNOT_BE_REACHED" in report["errors"][0]


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("fn f() { PyList_New(0); }", ["PyList_New"]),
        ("fn f() { // PyList_New(0)\n /* */ }", []),
        ('fn f() { g(c"PyList_New(0)"); }', []),
        ("fn f() { received(PyTuple_Pack(1, op)) }", ["received"]),
        ("fn f() { x.map_err(|_| no_memory())?; }", ["memory for Rust"]),
        ("fn f() { pyo3_ffi::PyList_New(0) }", []),
        ("fn f() { PyList_New(PyObject_Size(op)); }", ["PyList_New", "PyObject_Size"]),
        # Who speaks for its callers is no place, and each of its callers is one.
        ("#[track_caller]\npub(crate) unsafe fn speaks<const N: usize>(a: [T; N]) -> O { PyList_New(0) }", []),
        ("#[track_caller]\nfn speaks() -> O { PyList_New(0) }\nfn f() { speaks() }", ["PyList_New"]),
        ("#[track_caller]\nfn one() { PyList_New(0) }\n#[track_caller]\nfn two() { one() }\nfn f() { two() }", ["PyList_New"]),
    ],
)  # fmt: skip
def test_what_is_a_place(copy, text, calls):
    before = {(site.file, site.line) for site in fallible.scan(copy)}
    append(copy, f"\n{text}\n")
    after = [site for site in fallible.scan(copy) if (site.file, site.line) not in before]
    assert [site.call for site in after] == calls


def test_what_may_fail_is_made_to_fail(copy):
    assert fallible.overlooked(copy) == []
    listed = copy / "src" / "extension" / "ffi" / "calls.rs"
    text = listed.read_text(encoding="utf-8")
    assert text.count("PyBool_FromLong, ") == 1
    listed.write_text(
        text.replace("PyBool_FromLong, ", "PyBool_FromLong, PyMarshal_ReadObjectFromString, "), encoding="utf-8"
    )
    assert fallible.overlooked(copy) == [
        "calls.rs: PyMarshal_ReadObjectFromString may fail, and the ledger never makes it"
    ]
    listed.write_text(text.replace("PyTuple_Pack, ", ""), encoding="utf-8")
    assert fallible.overlooked(copy) == ["fallible.py: PyTuple_Pack is excused for no reason"]


def test_the_version_of_python_decides_what_is_out_of_reach(copy, monkeypatch):
    sites = {site.call: site for site in fallible.scan(copy) if site.call.startswith("PyModule_AddObject")}
    for version, excused in (((3, 9, 18), "PyModule_AddObjectRef"), ((3, 10, 0), "PyModule_AddObject")):
        monkeypatch.setattr(sys, "version_info", version)
        assert [call for call, site in sites.items() if faults.excused(site)] == [excused]
