"""The table of calls against all functions that pyo3-ffi declares: what returns an object, or hands one out, must be in it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

declared = pytest.importorskip("hashtable_lab.foreign.declared", reason="the laboratory is not installed")
from hashtable_lab.foreign import header, rust, table  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "tools"))
import not_entered  # noqa: E402


@pytest.fixture(scope="module")
def functions():
    """What the pyo3-ffi of this workspace declares."""
    cargo = shutil.which("cargo")
    if cargo is None or not (ROOT / "Cargo.toml").is_file():
        pytest.skip("there is no cargo, or no source")
    command = [cargo, "metadata", "--format-version", "1", "--locked", "--manifest-path", str(ROOT / "Cargo.toml")]
    packages = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["packages"]
    (package,) = (package for package in packages if package["name"] == "pyo3-ffi")
    return declared.functions(Path(package["manifest_path"]).parent / "src")


def missing(functions, known):
    """What returns an object, or hands one out through an argument, and is not in the table."""
    return sorted(
        name
        for name, function in functions.items()
        if name not in known
        and (function.returns_object or any("*mut *mut Py" in type_ for _, type_ in function.arguments))
        # A converter takes any pointers at all.
        and not name.startswith(("PyArg_", "PyInit", "PyConfig", "PyMem_"))
    )


def test_each_function_that_gives_an_object_is_in_the_table(functions):
    assert sum(function.returns_object for function in functions.values()) > 400
    assert missing(functions, table.calls()) == []


def test_one_that_is_left_out_is_missed(functions):
    known = {name: call for name, call in table.calls().items() if name not in ("PyList_New", "PyDict_GetItemRef")}
    assert missing(functions, known) == ["PyDict_GetItemRef", "PyList_New"]


def test_a_function_of_two_versions_is_there_in_both(tmp_path):
    """For older versions pyo3-ffi declares it, for newer ones it writes it itself."""
    (tmp_path / "a.rs").write_text(
        "#[cfg(not(Py_3_9))]\nextern_libpython! {\n    pub fn PyA(op: *mut PyObject) -> *mut PyObject;\n}\n"
        "#[cfg(Py_3_9)]\npub unsafe fn PyA(it: *mut PyObject) -> *mut PyObject { it }\n"
        "#[cfg(Py_3_9)]\npub unsafe fn PyB() {}\npub unsafe fn PyB() {}\n",
        encoding="utf-8",
    )
    found = declared.functions(tmp_path)
    assert found["PyA"].conditions == ("any(all(not(Py_3_9)), all(Py_3_9))",)
    assert found["PyB"].conditions == ()


def test_what_is_kept_by_hand_has_a_source():
    by_hand = [call for call in table.calls().values() if "refcounts.dat" not in call.source]
    assert len(by_hand) > 100
    assert all(call.source for call in by_hand)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("PyTuple_SetItem", {"steals": (2,)}),
        ("PyModule_AddObject", {"steals_if_well": (2,), "fails": "-1"}),
        ("PyDict_GetItemRef", {"out": (2,)}),
        ("PyErr_NormalizeException", {"in_out": (0, 1, 2)}),
        ("PyErr_Restore", {"steals": (0, 1, 2)}),
        ("PyUnicode_AppendAndDel", {"in_out": (0,), "steals": (1,)}),
        ("PyObject_GetAttr", {"result": "new", "runs": True}),
        ("PyList_GetItem", {"result": "lends!"}),
        ("PyTuple_GetItem", {"result": "lends"}),
    ],
)
def test_what_the_table_says(name, facts):
    call = table.calls()[name]
    assert {fact: getattr(call, fact) for fact in facts} == facts


def test_what_is_handed_out_is_an_object_to_a_compiler_of_cpp_too():
    """From CPython 3.14 on, one is handed out as a type."""
    declared_in_c = header.Declared("int", ("PyTypeObject *", "void *", "PyTypeObject **"))
    written = header._function(table.calls()["PyType_GetBaseByToken"], declared_in_c)
    assert "rl_new((PyObject *)*a2, " in written


# ---- the pyo3-ffi that is put in the place of the real one -----------------------------------------------------------


def test_no_wrapper_in_rust_has_a_name_of_its_own_that_an_argument_has(functions):
    """Some arguments are called `result`, of functions that only newer CPythons have."""
    assert any(name == "result" for name, _ in functions["PyDict_GetItemRef"].arguments)
    for call in rust._wrapped(functions):
        own = set(re.findall(r"let (?:mut )?(\w+) =", rust._wrapper(call, functions[call.name])))
        assert not own & {name for name, _ in functions[call.name].arguments}, call.name
        assert own == {"_", "rl_result"}


# ---- the way in by one `use` -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def door():
    """`src/ledger/ffi.rs`."""
    return not_entered.DOOR.read_text(encoding="utf-8")


def test_what_the_ledger_does_not_know_is_written_down(functions, door):
    with_objects = {name: function for name, function in functions.items() if function.has_objects}
    written = not_entered.RECORD.read_text(encoding="utf-8")
    assert written == not_entered.text(with_objects, door), "run: python tests/tools/not_entered.py"


def test_each_function_with_objects_is_entered_or_has_a_reason(functions, door):
    known, has = table.calls(), not_entered.entered(door)
    left_out = {name for names in not_entered.left_out(functions, door).values() for name in names}
    for name, function in functions.items():
        if function.has_objects and name not in has | left_out:
            assert not known[name].is_entered, f"{name} does something with references"
    assert {"PyObject_GetAttr", "PyUnicode_DecodeLatin1", "Py_None", "PyList_SetItem"} <= has


def test_one_that_is_taken_out_of_the_door_is_missed(functions, door):
    without = door.replace("    PyDict_Copy(dict: Object);\n", "")
    assert without != door
    assert "PyDict_Copy" not in not_entered.left_out(functions, door)["new"]
    assert "PyDict_Copy" in not_entered.left_out(functions, without)["new"]
    with_objects = {name: function for name, function in functions.items() if function.has_objects}
    assert not_entered.text(with_objects, without) != not_entered.text(with_objects, door)
