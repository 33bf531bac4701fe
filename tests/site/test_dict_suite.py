"""CPython's own tests of `dict`, put to `HashTable` on 32 bits: inside Pyodide, which Node runs.

Pyodide comes without CPython's tests. They are taken from a CPython of the same version on this machine, if one has them
(`make interpreters KINDS=3.14` gets it). What they find on 64 bits is for `make test-cpython`; how they are put to our type is
told in tests/cpython/suite.py.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from in_pyodide import HERE, ROOT
from test_pyodide import in_pyodide

pytestmark = [pytest.mark.site, pytest.mark.timeout(1200)]

PYTHON = "3.14"
SUITE = ROOT / "tests" / "cpython"
# Tests that cannot pass there though they pass on the desktop, by name and reason. Those that pass nowhere are in skips.py.
LEFT_OUT = HERE / "left_out_of_dict_suite.json"

# Where the module lies inside Pyodide.
MODULE = "/modules/hashtable.cpython-314-wasm32-emscripten.so"


@functools.cache
def runner():
    """The module tests/cpython/run.py."""
    if str(SUITE) not in sys.path:
        sys.path.insert(0, str(SUITE))
    import run

    return run


@functools.cache
def copy_of_cpythons_tests():
    """The folder `test` of a CPython of Pyodide's version."""
    ships_the_tests = runner().SHIPS_THE_TESTS
    for kind, python in runner().interpreters(ships_the_tests).items():
        if kind.startswith(PYTHON):
            found = subprocess.run(
                [python, "-c", "import test; print(test.__path__[0])"], capture_output=True, text=True, check=True
            )
            return Path(found.stdout.strip())
    pytest.skip(f"no CPython {PYTHON} here comes with its own tests: `make interpreters KINDS={PYTHON}`")


def outcome(fault=None):
    """Runs all of it, the listed ones too. Returns what run.py makes of it."""
    tests = copy_of_cpythons_tests()

    def suite(*options):
        with tempfile.TemporaryDirectory(prefix="hashtable-cpython-") as folder:
            mounts = {"/cpython/test": tests, "/results": folder}
            path = ["/cpython"]
            if fault is not None:
                Path(folder, "hashtable.py").write_text(runner().FAULTY.format(path=MODULE, fault=fault))
                path = ["/results", *path]
            more = ["--and-list", f"/repo/{LEFT_OUT.relative_to(ROOT)}"]
            command = ["/repo/tests/cpython/suite.py", "/results/results", *more, *options]
            ran = in_pyodide(command, mounts=mounts, path=path)
            end = f"Python ended with exit code {ran.returncode}"
            return runner().ends_of_tests(Path(folder, "results"), end, ran.stdout + ran.stderr)

    return runner().judged(suite, {**runner().SKIPS, **json.loads(LEFT_OUT.read_text())})


def test_the_tests_of_dict():
    ended = outcome()
    print(f"{len(ended.passed)} passed, {len(ended.failed)} failed, {len(ended.skipped)} skipped")
    assert ended.failed == {}
    assert len(ended.passed) > 100
    for name, reason in json.loads(LEFT_OUT.read_text()).items():
        assert ended.skipped[name] == reason


def test_a_wrong_method_fails_its_test():
    """The control: a fault in the type is found, and in its place."""
    failed = outcome("def setdefault(self, key, default=None): return default").failed
    assert {"mapping_tests.HashTable.test_setdefault", "test_dict.DictTest.test_setdefault"} <= set(failed)


def test_an_end_of_the_process_fails_the_test_in_which_it_happens():
    failed = outcome("def setdefault(self, key, default=None): os._exit(3)").failed
    [(name, words)] = failed.items()
    assert "setdefault" in name or "test_write" in name
    assert "exit code 3" in words
