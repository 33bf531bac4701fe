"""Every call of somebody else's extension fails once: what is wrong with its error paths is named by kind and line.

`fallible/` is a package in C with one mistake of each kind, and a function without any.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

build = pytest.importorskip("hashtable_lab.foreign.build", reason="the laboratory is not installed")

PACKAGE = Path(__file__).parent / "fallible"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler"),
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="there are no trampolines"),
    pytest.mark.xdist_group("foreign-faults"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Where the package is kept once it is built."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def faults(cache, tmp_path):
    """A function that makes each call of a program fail once. Returns the exit code, and the outcomes or what was said."""

    def run(program, *options):
        (tmp_path / "script.py").write_text(f"import fallible as m\n{program}\n", encoding="utf-8")
        command = [sys.executable, "-m", "hashtable_lab", "faults", "--build", str(PACKAGE), *options]
        ended = subprocess.run(
            [*command, "--", "script.py"],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return ended, json.loads(ended.stdout)["outcomes"] if "--json" in options and ended.stdout else ended.stdout

    return run


def line_of(mark):
    """The line that is marked so."""
    lines = (PACKAGE / "fallible.c").read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, start=1) if re.search(rf"{mark} \*/", line))
    return number


#: The function that has the mistake, and the call that fails.
MISTAKES = {
    "crash": ("crashes", "PyTuple_New"),
    "swallowed": ("swallows", "PyObject_Str"),
    "no exception": ("says_nothing", "PyObject_Repr"),
    "unbalanced": ("loses", "PyList_Append"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named(faults, kind):
    function, call = MISTAKES[kind]
    ended, outcomes = faults(f"m.{function}([])", "--json")
    found = {(row["place"]["line"], row["place"]["call"]): row for row in outcomes if row["kind"] == kind}
    assert list(found) == [(line_of(f"BUG {kind}"), call)], outcomes
    # That an error is swallowed can be meant.
    assert ended.returncode == (0 if kind == "swallowed" else 1), ended.stderr
    if kind == "unbalanced":
        (finding,) = found[line_of("BUG unbalanced"), call]["findings"]
        assert (finding["kind"], finding["line"], finding["type"]) == ("surplus", line_of("LINE lost"), "list")
    if kind == "crash":
        assert "SIGSEGV" in found[line_of("BUG crash"), call]["words"]


def test_what_is_right_is_not_blamed(faults):
    ended, outcomes = faults("m.right([])", "--json")
    # Two calls of the same function on one line are one place.
    assert [row["kind"] for row in outcomes] == ["raised"] * 2
    assert {row["place"]["call"] for row in outcomes} == {"PyList_New", "PyList_Append"}
    assert ended.returncode == 0


def test_for_people(faults):
    ended, said = faults("m.crashes([])\nm.right([])")
    assert ended.returncode == 1
    assert f"fallible.c:{line_of('BUG crash')}: PyTuple_New" in said
    assert "PyObject *tuple = PyTuple_New(1);" in said
    assert "Of 3 places at which a call was made to fail: 2 raised, 1 crash." in " ".join(said.split())


def test_nothing_that_can_fail(faults):
    ended, _ = faults("pass")
    assert ended.returncode == 2
    assert "could not tell" in ended.stderr and "no call" in ended.stderr


def test_a_program_that_fails_by_itself(faults):
    ended, _ = faults("1 / 0")
    assert ended.returncode == 2
    assert "could not tell: with no call failing" in ended.stderr
