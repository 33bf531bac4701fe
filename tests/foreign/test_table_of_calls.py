"""The table of calls against all functions that pyo3-ffi declares: what returns an object, or hands one out, must be in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

declared = pytest.importorskip("hashtable_lab.foreign.declared", reason="the laboratory is not installed")
from hashtable_lab.foreign import table  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


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
