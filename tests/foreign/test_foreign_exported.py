"""A module that CPython makes of slots for which it asks the extension's file, as from 3.15 on: it is judged as others are."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest
import test_foreign
from test_foreign import built, run  # noqa: F401

pytestmark = [
    *test_foreign.pytestmark,
    pytest.mark.skipif(sys.version_info < (3, 15), reason="CPython asks a file for slots from 3.15 on"),
]

PACKAGE = Path(__file__).parent / "exported"

PROGRAM = """
import gc, importlib.util
import kept_exported as m

def load(**attributes):
    spec = importlib.util.spec_from_file_location("kept_exported", m.__file__)
    vars(spec).update(attributes)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""


@pytest.fixture(autouse=True, scope="module")
def of_slots():
    """The package is this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_foreign, "PACKAGE", PACKAGE)
        yield


def test_nothing_is_said_of_what_is_right(run):  # noqa: F811
    ended = run(
        PROGRAM
        + """
for m in (m, load(), load()):
    x = object()
    assert m.pair(x) == (x, x)
    assert m.keep(x) is None and m.keep([x]) is x and m.keep([m]) == [x]
    assert m.Called()(1) == 1
    assert m.is_known()
    del m
    gc.collect()
"""
    )
    assert [str(finding) for finding in ended.findings] == []
    assert ended.verdict == "balanced", ended.ending
    assert ended.judged == (3 * 9, 7)


#: For each bug: what meets it, and the function in which it is found.
BUGS = {
    "leak_pair": ("m.leak_pair([])", "leak_pair"),
    "overwrite": ("other = load(); other.overwrite([]); other.overwrite([])", "overwrite"),
    "fill": ("load(lose=True)", "exec"),
    "called": ("m.Called()()", "Called.tp_call"),
    "called_leak": ("m.Called(1).leak([])", "Called.leak"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_named_by_its_line(run, bug):  # noqa: F811
    program, function = BUGS[bug]
    ended = run(PROGRAM + f"for _ in range(3):\n    {program}\n")
    assert [
        (finding.kind, finding.function, finding.file, finding.line, finding.times) for finding in ended.findings
    ] == [("surplus", function, "kept_exported.c", test_foreign.line_of("kept_exported.c", bug), 3)]


def test_in_cpp(run):  # noqa: F811
    ended = run("import kept_exported_cpp as m\nassert m.pair(1) == (1, 1)")
    assert (ended.verdict, ended.judged) == ("balanced", (1, 1))
    ended = run("import kept_exported_cpp as m\nm.leak_pair([])")
    (finding,) = ended.findings
    line = test_foreign.line_of("kept_exported_cpp.cpp", "leak_pair")
    assert (finding.kind, finding.file, finding.line) == ("surplus", "kept_exported_cpp.cpp", line)


def test_slots_that_are_not_always_the_same_are_listed(tmp_path):
    """They cannot be changed before CPython reads them, so nothing is said to have been judged."""
    package = tmp_path / "fickle"
    package.mkdir()
    (package / "setup.py").write_text(
        "from setuptools import *\nsetup(name='fickle', py_modules=[], ext_modules=[Extension('fickle', ['fickle.c'])])"
    )
    text = (PACKAGE / "kept_exported.c").read_text().replace("kept_exported", "fickle")
    at = text.index("PyMODEXPORT_FUNC")
    fickle = """
PyMODEXPORT_FUNC PyModExport_fickle(void)
{
    PySlot *copy = PyMem_RawMalloc(sizeof(exported));
    memcpy(copy, exported, sizeof(exported));
    return copy;
}
"""
    (package / "fickle.c").write_text(text[:at] + fickle)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        made = test_foreign.build.build(package, test_foreign.Stage())
        (tmp_path / "script.py").write_text("import fickle\nfickle.leak_pair(1)\n")
        ended = test_foreign.report.run(test_foreign.report.Program(str(tmp_path / "script.py")), made.subject())
    assert ended.verdict == "could not tell"
    assert ("PyModExport_fickle", "its slots are made anew each time that it is called") in ended.unjudged


MANIFEST = """
[package]
name = "ledger-example"
version = "1.0.0"
edition = "2024"
[lib]
name = "ledger_example"
path = "lib.rs"
crate-type = ["cdylib"]
[features]
ledger = []
[dependencies]
pyo3-ffi = "{version}"
[build-dependencies]
pyo3-build-config = "{version}"
"""
SETUP = """
from setuptools import setup
from setuptools_rust import Binding, RustExtension
setup(name="ledger-example", version="1", py_modules=[],
      rust_extensions=[RustExtension("ledger_example", binding=Binding.NoBinding)])
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo")
@pytest.mark.skipif(importlib.util.find_spec("setuptools_rust") is None, reason="there is no setuptools-rust")
def test_a_package_in_rust_is_judged_without_an_edit(source, tmp_path):
    """The ledger's example, as its author wrote it, and built as anybody's package."""
    package = tmp_path / "example"
    shutil.copytree(source / "src" / "ledger" / "example", package)
    crates = (source / "Cargo.toml").read_text()
    version = crates.partition('pyo3-ffi = "')[2].partition('"')[0]
    (package / "Cargo.toml").write_text(MANIFEST.format(version=version))
    shutil.copy(source / "Cargo.lock", package)
    (package / "setup.py").write_text(SETUP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        made = test_foreign.build.build(package, test_foreign.Stage())
        script = "import ledger_example as m\nm.echo(3); m.remember([1]); m.remembered(); m.leak_new()\n"
        (tmp_path / "script.py").write_text(script)
        ended = test_foreign.report.run(test_foreign.report.Program(str(tmp_path / "script.py")), made.subject())
    (finding,) = ended.findings
    lines = (package / "wrong.rs").read_text().splitlines()
    assert (finding.kind, finding.function) == ("surplus", "leak_new")
    assert lines[finding.line - 1].endswith("// BUG leak_new")
    assert ended.judged == (5, 5)
