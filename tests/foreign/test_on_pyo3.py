"""An extension on PyO3, whose types count by themselves: it is built and judged without an edit, and each bug is named by a line of
the extension's own, though it is a line of PyO3's that counts.

It takes a minute to build. Without cargo, or without a network, these are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

build = pytest.importorskip("hashtable_lab.foreign.build", reason="the laboratory is not installed")
report = pytest.importorskip("hashtable_lab.audit.report")
from hashtable_lab.errors import Missing  # noqa: E402
from hashtable_lab.stage import Stage  # noqa: E402

PACKAGE = Path(__file__).parent / "on_pyo3"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo"),
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="there are no trampolines"),
    pytest.mark.xdist_group("on_pyo3"),
]

LINES = (PACKAGE / "lib.rs").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module", params=["every function", "abi3"])
def built(request, tmp_path_factory):
    """The package, built for all of the C API and for the stable ABI."""
    folder = tmp_path_factory.mktemp("on_pyo3")
    package = folder / "counted"
    shutil.copytree(PACKAGE, package)
    if request.param == "abi3":
        manifest = package / "Cargo.toml"
        manifest.write_text(manifest.read_text().replace("[features]\n", '[features]\ndefault = ["abi3"]\n'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        try:
            yield build.build(package, Stage())
        except Missing as missing:
            if re.search(
                r"No matching distribution|Could not find a version|[Cc]onnection|failed to (get|download)",
                str(missing),
            ):
                pytest.skip(f"what it is built with is not there: {missing}")
            raise


@pytest.fixture
def run(built, tmp_path):
    """A function that runs a program against the package, and gives the report."""

    def run(program):
        script = tmp_path / "script.py"
        script.write_text(f"import gc\nimport counted as m\nx = object()\n{program}", encoding="utf-8")
        return report.run(report.Program(str(script)), built.subject())

    return run


def line_of(text):
    """The one line with this text in it."""
    (number,) = (number for number, line in enumerate(LINES, start=1) if text in line)
    return number


RIGHT = """
for _ in range(3):
    assert m.pair(x) == (x, x)
    assert m.by_pointer(x) is x
    assert m.count("abca") == {"a": 2, "b": 1, "c": 1}
    assert m.caught(lambda: int("a")).startswith("invalid") and m.caught(lambda: x) is x
    for wrong in (lambda: m.count(3), lambda: m.caught(lambda: [][1]), lambda: m.fails("a"), lambda: m.fails(3)):
        try:
            wrong()
        except (TypeError, IndexError, ValueError):
            pass
    m.kept_for_good(x).clear()
    k = m.Keeper(x)
    k.keep([1])
    assert k.kept == [1] and repr(k) == "Keeper([1])" and k.me() is k
    m.Keeper().keep(k)
    del k
    s = m.Stack()
    for i in range(9):
        s.push([i])
    assert list(s) == [[i] for i in range(9)]
    assert s.pop() == [8]
    s.push(s.pop())
    assert len(s) == 8
    kept = [s.pop(), s.pop()]
    s.push(kept)
    del s
    gc.collect()
"""


def test_nothing_is_said_of_what_is_right(run):
    ended = run(RIGHT)
    assert [str(finding) for finding in ended.findings] == []
    assert ended.verdict == "balanced", ended.ending
    assert ended.judged[0] > 100 and ended.judged[1] == 19


#: For each bug: what meets it, the kind of what is found, the function, and a text in the line.
BUGS = {
    "a clone": ("m.leak_clone([])", "surplus", "leak_clone", "// BUG leak_clone"),
    "a pointer": ("m.leak_pointer([])", "surplus", "leak_pointer", "// BUG leak_pointer"),
    "a list": ("m.leak_list()", "surplus", "leak_list", "// BUG leak_list"),
    "an argument that was moved": ("m.leak_argument([])", "surplus", "leak_argument", "fn leak_argument"),
    "a helper": ("m.leak_by_helper([])", "surplus", "leak_by_helper", "// BUG helper"),
    "a field": ("k = m.Keeper(); k.keep([1]); k.overwrite([2]); del k", "surplus", "Keeper.keep", "fn keep("),
    "too much": ("y = [x, x]; m.give_too_much(x)", "deficit", "give_too_much", "// BUG give_too_much"),
    "what is in a vector": ("s = m.Stack(); s.push([1]); s.forget(); del s", "surplus", "Stack.tp_dealloc", "fn push("),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_named_by_a_line_of_the_extension(run, bug):
    program, kind, function, text = BUGS[bug]
    ended = run(f"for _ in range(3):\n    {program}\n")
    (finding,) = ended.findings
    place = (finding.kind, finding.function, finding.file, finding.line)
    assert place == (kind, function, "lib.rs", line_of(text))
    assert finding.times == 3
    assert "(through pyo3-0.30.1/src/" in finding.what
    assert not any("registry" in caller or "pyo3" in caller for caller in finding.callers)


def test_who_called_the_helper_is_told(run):
    (finding,) = run("m.leak_by_helper([])").findings
    assert any(f"(lib.rs:{line_of('// CALLER helper')})" in caller for caller in finding.callers)
