"""What the tests share: the project's source, specimens built from it, children, quiet, and Hypothesis's settings.

The suite needs nothing but an installed `hashtable` and the packages of the extra `test`. A test that looks at the
source, or builds a broken variant of it, is skipped with a word where there is no source, or no cargo.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import hypothesis
import pytest
import subject

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is no failure, and nothing is written beside the source.
hypothesis.settings.register_profile("here", deadline=None, database=None)
hypothesis.settings.load_profile("here")


#: A test that uses one of these has something compiled, or reads a copy of the project.
TAKE_LONG = {"specimen", "example", "copy"}
#: These have make targets of their own.
ASKED_FOR = {"browser", "dask", "foreign", "guards", "look", "packages", "same_code", "site", "specimens", "ways_in"}


def pytest_collection_modifyitems(items):
    """What takes long is slow without saying so each time; so are deep nests, where each reference is entered."""
    for item in items:
        markers = {marker.name for marker in item.iter_markers()}
        if TAKE_LONG & set(getattr(item, "fixturenames", ())) and not ASKED_FOR & markers:
            item.add_marker("slow")
        if "deep" in markers and hasattr(subject.module, "ledger_position"):
            item.add_marker("slow")


def pytest_collection_finish():
    """What pytest collected is left alone by the garbage collector, which many tests call."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def balanced(request):
    """On a build that keeps a ledger, every test ends balanced: whatever it did, no reference was lost or made up."""
    if not hasattr(subject.module, "ledger_position"):
        yield
        return
    audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")
    with audit.ledger(subject.module, record=False) as opened:
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
        form = specimens.Form(traced=subject.NAME == "hashtable_traced")
        return specimens.build(specimens.load(name), Stage(), form)

    return build


@pytest.fixture(scope="session")
def example(source, cargo):
    """A function that builds src/ledger/example, with the feature "ledger" or without (""), and returns the module's folder."""
    filelock = pytest.importorskip("filelock")
    base = source / "target" / "ledger-example" / (sysconfig.get_config_var("SOABI") or "python")
    base.mkdir(parents=True, exist_ok=True)

    def build(feature):
        command = [cargo, "build", "--quiet", "--locked", "--package", "ledger-example", "--features", feature]
        chosen = {"CARGO_TARGET_DIR": str(base / "cargo"), "PYO3_PYTHON": sys.executable}
        chosen["PYO3_BUILD_EXTENSION_MODULE"] = "1"
        with filelock.FileLock(base / "lock"):
            ending = subprocess.run(
                [*command, "--message-format", "json-render-diagnostics"],
                cwd=source,
                env={**os.environ, **chosen},
                capture_output=True,
                text=True,
            )
            assert ending.returncode == 0, ending.stderr
            messages = [json.loads(line) for line in ending.stdout.splitlines()]
            (library,) = (
                file
                for message in messages
                if message["reason"] == "compiler-artifact" and message["target"]["name"] == "ledger_example"
                for file in message["filenames"]
                if file.endswith((".so", ".dylib"))
            )
            folder = base / (feature or "plain")
            folder.mkdir(exist_ok=True)
            # Not into the old file: another process may have it loaded.
            shutil.copyfile(library, folder / "new")
            os.replace(folder / "new", folder / f"ledger_example{sysconfig.get_config_var('EXT_SUFFIX')}")
        return folder

    return build


@pytest.fixture(scope="session")
def child():
    """A function that runs Python in a process of its own, where a crash is only an exit code.

    It takes the interpreter's arguments, and a folder in which to look for modules first. It returns what
    `subprocess.run` does.
    """
    if sys.platform == "emscripten":
        pytest.skip("needs a process of its own, which WebAssembly has not")

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
