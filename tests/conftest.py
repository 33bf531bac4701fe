"""What the tests share: the project's source, specimens built from it, children, quiet, and Hypothesis's settings.

The suite needs nothing but an installed `hashtable` and the packages of the extra `test`. A test that looks at the
source, or builds a broken variant of it, is skipped with a word where there is no source, or no cargo.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
import subject

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is no failure, and nothing is written beside the source.
hypothesis.settings.register_profile("here", deadline=None, database=None)
hypothesis.settings.load_profile("here")


@pytest.fixture(autouse=True)
def balanced(request):
    """On a build that keeps a ledger, every test ends balanced: whatever it did, no reference was lost or made up."""
    if not hasattr(subject.module, "ledger_position"):
        yield
        return
    book = pytest.importorskip("hashtable_lab.book", reason="the laboratory is not installed")
    with book.ledger(subject.module, record=False) as opened:
        yield
    if "unbalanced" not in request.keywords:
        opened.assert_balanced()


@pytest.fixture
def module():
    """The module under test."""
    return subject.module


@pytest.fixture(scope="session")
def source():
    """The project's folder with its source."""
    if not (ROOT / "src" / "core" / "Cargo.toml").is_file():
        pytest.skip("these tests lie without the project's source")
    return ROOT


@pytest.fixture(scope="session")
def cargo(source):
    """The path of cargo."""
    path = shutil.which("cargo")
    if path is None:
        pytest.skip("cargo is not on PATH")
    return path


@pytest.fixture(scope="session")
def specimen(source, cargo):
    """A function that builds a specimen by name, and returns the folder with the broken module in it."""
    specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")
    from hashtable_lab.stage import Stage

    def build(name):
        os.environ["HASHTABLE_SOURCE"] = str(source)
        features = ["trace"] if subject.NAME == "hashtable_traced" else []
        return specimens.build(specimens.load(name), Stage(), features)

    return build


@pytest.fixture(scope="session")
def child():
    """A function that runs Python in a process of its own, where a crash is only an exit code.

    It takes the interpreter's arguments, and a folder in which to look for modules first. It returns what
    `subprocess.run` does.
    """

    def run(*arguments, folder=None, time_limit=240):
        path = [str(folder)] if folder else []
        path += [os.path.abspath(place) for place in sys.path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONFAULTHANDLER": ""}
        return subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=time_limit
        )

    return run


@pytest.fixture(scope="module")
def quiet_collector():
    """The garbage collector comes when it is called, and need not go through all that was there before these tests."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()
