"""The runner of CPython's own tests (tests/cpython, `make test-cpython`) notices when something is wrong.

The suite itself runs with every interpreter by that command. Here the running interpreter gets a `HashTable` with one fault in it,
made in Python, and the runner must blame the right test.
"""

from __future__ import annotations

import sys

import pytest
import subject

pytest.importorskip("test.mapping_tests", reason="this CPython comes without its own tests")
import run

# Each of them runs the whole suite.
pytestmark = pytest.mark.slow


@pytest.fixture
def outcome(tmp_path):
    """A function that runs the suite with a fault in HashTable."""
    if subject.NAME != "hashtable":
        pytest.skip("the suite is for the module `hashtable`")

    def run_with(fault):
        (tmp_path / "hashtable.py").write_text(run.FAULTY.format(path=subject.module.__file__, fault=fault))
        return run.test_with(sys.executable, tmp_path)

    return run_with


def test_without_a_fault_nothing_fails(outcome):
    without = outcome("pass")
    assert without.failed == {}
    assert len(without.passed) > 100
    assert set(without.skipped) <= set(run.SKIPS)


def test_a_wrong_method_fails_its_test(outcome):
    failed = outcome("def setdefault(self, key, default=None): return default").failed
    assert {"mapping_tests.HashTable.test_setdefault", "test_dict.DictTest.test_setdefault"} <= set(failed)


def test_a_crash_fails_the_test_in_which_it_happens(outcome):
    failed = outcome("def setdefault(self, key, default=None): os._exit(3)").failed
    [(name, words)] = failed.items()
    assert "setdefault" in name or "test_write" in name
    assert "exit code 3" in words


def test_a_listed_test_that_passes_is_an_error(outcome):
    failed = outcome("def __repr__(self): return repr(dict(self)) if self else '{}'").failed
    assert "skips.py" in failed["test_userdict.UserDictTest.test_all"]
