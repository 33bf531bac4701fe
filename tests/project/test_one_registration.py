"""To add a demo, a detector, a meter or a binding one writes a file, or a function, and enters it in one list.

Each is added here to a copy, in the file and the list that its folder names, and nowhere else; and then it is there for the person
who types the command. Of the bindings it is besides seen that no program but the list knows one by its name.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("hashtable_lab.cli", reason="the laboratory is not installed")

pytestmark = pytest.mark.slow

#: The binding that the others are measured against is known by its name; all others are entries of a list.
YARDSTICK = "extension"


@pytest.fixture
def run(source, tmp_path):
    """A function that runs Python in a process that has the copies below `tmp_path` first, and returns what it printed."""
    ignore = shutil.ignore_patterns("__pycache__", "*.so", "exercises")
    shutil.copytree(source / "src" / "lab" / "hashtable_lab", tmp_path / "lab" / "hashtable_lab", ignore=ignore)
    (tmp_path / "bindings").mkdir()
    for file in (source / "src" / "bindings").glob("*.py"):
        shutil.copyfile(file, tmp_path / "bindings" / file.name)

    def run(*arguments, code=0):
        path = os.pathsep.join([str(tmp_path / "lab"), str(tmp_path / "bindings"), *sys.path])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=240, cwd=tmp_path
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


def enter(file, before, entry):
    """Puts an entry into a list, behind the line that opens it."""
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, file
    file.write_text(text.replace(before, f"{before}{entry}"), encoding="utf-8")


DEMO = '''
"""A demo that was added."""
import click

@click.command("added")
def command():
    """What was added."""
    print("the demo that was added")
'''


def test_a_demo(run, tmp_path):
    demos = tmp_path / "lab" / "hashtable_lab" / "demos"
    assert "added" not in run("-m", "hashtable_lab", "demo", "--help")
    (demos / "added.py").write_text(DEMO, encoding="utf-8")
    enter(demos / "__init__.py", "\nDEMOS = (\n", '    "added",\n')
    assert run("-m", "hashtable_lab", "demo", "added") == "the demo that was added\n"
    assert "What was added." in run("-m", "hashtable_lab", "demo", "--help")


def test_a_detector(run, tmp_path):
    file = tmp_path / "lab" / "hashtable_lab" / "detectors" / "detectors.py"
    assert "added" not in run("-m", "hashtable_lab", "matrix", "--help")
    entry = '        Detector("added", "added", "what was added", observers.plain, _by_any_end),\n'
    enter(file, "    for detector in (\n", entry)
    assert "added" in run("-m", "hashtable_lab", "matrix", "--help")


def test_a_meter(run, tmp_path):
    file = tmp_path / "lab" / "hashtable_lab" / "leakcheck" / "meters.py"
    text = file.read_text(encoding="utf-8")
    (opening,) = (line for line in text.splitlines(keepends=True) if line.startswith("METERS"))
    enter(file, opening, '    "added": ("what was added", lambda names: [("", lambda: len(KEPT))]),\n')
    file.write_text(file.read_text(encoding="utf-8").replace(opening, f"KEPT = []\n{opening}"), encoding="utf-8")
    statement = "from hashtable_lab.leakcheck import meters; meters.KEPT.append(None)"
    found = json.loads(run("-m", "hashtable_lab", "leakcheck", "--json", "--calls", "100", statement, code=1))
    (meter,) = (meter for meter in found["meters"] if meter["kind"] == "added")
    assert (meter["verdict"], meter["per_call"]) == ("leaks", 1)


def test_a_binding(run, tmp_path):
    entry = '    Binding("added", "what was added", nothing_to_build, ("hello.py",), ("table.py",)),\n'
    enter(tmp_path / "bindings" / "builds.py", "\nBINDINGS = [\n", entry)
    assert run("-c", "import compare; print(compare.NAMES[0])") == "added\n"


# ---- nobody else knows a binding by its name -------------------------------------------------------------------------


def names_outside_the_list(folder, names):
    """Where a program of the folder, other than the list, has a binding's name as a string: `file:line: name`."""
    found = []
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if file.name != "builds.py" and isinstance(node, ast.Constant) and node.value in names:
                found.append(f"{file.name}:{node.lineno}: {node.value}")
    return found


@pytest.fixture
def names(run):
    """The names of all bindings but the yardstick."""
    return set(json.loads(run("-c", "import compare, json; print(json.dumps(compare.NAMES))"))) - {YARDSTICK}


def test_no_binding_is_known_by_its_name(source, names):
    assert len(names) >= 10
    assert names_outside_the_list(source / "src" / "bindings", names) == []


def test_a_binding_that_is_known_by_its_name_is_seen(tmp_path, names):
    (tmp_path / "bindings" / "measure.py").write_text('SLOW = {"swig": 3}\n', encoding="utf-8")
    assert names_outside_the_list(tmp_path / "bindings", names) == ["measure.py:1: swig"]
