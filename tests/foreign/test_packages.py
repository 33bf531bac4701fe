"""Packages from the index, each pinned: a release of which it is known that it loses references, and at which line. And build
backends from there: an extension of a few lines is built by each.

Without a network, these are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

build = pytest.importorskip("hashtable_lab.foreign.build", reason="the laboratory is not installed")
report = pytest.importorskip("hashtable_lab.audit.report")
from hashtable_lab.errors import Missing  # noqa: E402
from hashtable_lab.stage import Stage  # noqa: E402

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler"),
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="there are no trampolines"),
    pytest.mark.timeout(900),
]


#: Where the same extension lies, to be built in other ways.
BACKENDS = Path(__file__).parent / "backends"


@pytest.mark.parametrize("backend", ["meson-python", "scikit-build-core"])
def test_another_build_backend(backend, tmp_path):
    package, source = tmp_path / "lost", (BACKENDS / "lost.c").read_text(encoding="utf-8")
    shutil.copytree(BACKENDS / backend, package)
    (package / "lost.c").write_text(source, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        try:
            built = build.build(package, Stage())
        except Missing as missing:
            if re.search(
                r"No matching distribution|Could not find a version|Connection|Temporary failure", str(missing)
            ):
                pytest.skip(f"{backend} is not there: {missing}")
            raise
        ended = run(built, tmp_path, "import lost\nlost.lose(object())\n")
    (finding,) = ended.findings
    line = 1 + [bool("BUG lose" in text) for text in source.splitlines()].index(True)
    assert (finding.kind, finding.file, finding.line, finding.function) == ("surplus", "lost.c", line, "lose")


@pytest.fixture(scope="module")
def multidict(tmp_path_factory):
    """multidict 6.7.0, downloaded and built with the ledger."""
    folder = tmp_path_factory.mktemp("multidict")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "multidict==6.7.0",
    ]
    done = subprocess.run([*command, "--dest", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"multidict 6.7.0 cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield build.build(next(folder.glob("multidict-6.7.0.*")), Stage())


def run(package, tmp_path, program):
    script = tmp_path / "script.py"
    script.write_text(program, encoding="utf-8")
    return report.run(report.Program(str(script)), package.subject())


SUBTRACT = (Path(__file__).parent / "subtract.py").read_text(encoding="utf-8")


def test_the_line_is_named(multidict, tmp_path):
    ended = run(multidict, tmp_path, SUBTRACT)
    lines = {(finding.file, finding.line): finding for finding in ended.findings}
    found = lines["multidict/_multilib/views.h", 673]
    assert (found.kind, found.type, found.times) == ("surplus", "tuple", 10)
    assert found.callers[0].startswith("multidict_itemsview_sub ")


def test_what_is_right_in_it_is_not_blamed(multidict, tmp_path):
    """But for its heap types, which its views and iterators do not give back."""
    program = """
from multidict import CIMultiDict, MultiDict, istr
for kind in (MultiDict, CIMultiDict):
    d = kind([("a", 1)], b=object())
    d.add("a", 2); d["a"] = 3; d.extend({"c": [4]}); d.update({"b": 5})
    d.getall("a"); d.getone("b"); d.get("z"); d.pop("b"); d.popall("a"); d.popitem() if d else None
    copy = d.copy(); copy["x"] = "y"; del copy["x"]; copy.clear()
    repr(d), d == copy, istr("a")
"""
    ended = run(multidict, tmp_path, program)
    assert ended.judged[0] > 30
    assert [str(found) for found in ended.findings if "its type, to which" not in found.what] == []
