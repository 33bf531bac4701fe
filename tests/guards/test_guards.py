"""Every guard against hostile code is needed: taken out of the source, a test fails.

tests/guards/NAME.diff takes one guard out. Its header says which, and names the tests that must fail then:

    Guard: NAME
    What: what the guard does, and what happens without it
    Tests: pytest's names of the tests, without their folder, a line each
    Features: trace, if the traced module is what is built (optional)
    Python: the versions on which it shows, such as `< 3.12` (optional)

`make guards` builds each variant as the laboratory builds a specimen, and runs the tests in a child that finds the broken module,
with memory that shows when it is used after it was freed. A crash counts as a failure; tests that cannot be found do not. As a
control the same tests run against the module as it is, and must pass. Without `make guards`, it is only seen to that
every diff still fits the source, and that every test it names is there.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

children = pytest.importorskip("hashtable_lab.children", reason="the laboratory is not installed")
specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")
unidiff = pytest.importorskip("unidiff", reason="the laboratory is not installed")

HERE = Path(__file__).resolve().parent
GUARDS = {file.stem: file for file in sorted(HERE.glob("*.diff"))}
TESTS = {file.name: file for file in HERE.parent.rglob("test_*.py")}
each_guard = pytest.mark.parametrize("name", GUARDS)


def read(name):
    """A guard's header, as a dict of fields, and its diff."""
    header, _, diff = GUARDS[name].read_text(encoding="utf-8").partition("\n--- ")
    fields = {match[1]: match[2].strip() for match in re.finditer(r"^(\w+):((?:.*\n?)(?:[ \t]+.*\n?)*)", header, re.M)}
    assert fields["Guard"] == name
    return fields, "--- " + diff


def named_tests(fields):
    return [line.strip() for line in fields["Tests"].splitlines()]


@each_guard
@pytest.mark.slow
def test_a_guard_fits_the_source(name, source, tmp_path):
    fields, diff = read(name)
    assert fields["What"]
    assert named_tests(fields)
    for test in named_tests(fields):
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}(" in TESTS[file].read_text(encoding="utf-8")
    shutil.copytree(source / "src", tmp_path / "src", ignore=shutil.ignore_patterns("lab", "target"))
    specimens.apply(unidiff.PatchSet(diff), tmp_path, name)


def with_folder(test):
    file, _, rest = test.partition("::")
    return f"{TESTS[file]}::{rest}"


def run_tests(tests, folder=None, *options):
    """Runs tests in a child, with the modules in `folder` before all others."""
    # Whatever they are marked with, these are to run.
    arguments = ["-q", "-m", "", "-p", "no:cacheprovider", "--tb=line", *options, *map(with_folder, tests)]
    program = f"import pytest, sys\nsys.exit(pytest.main({arguments!r}))\n"
    return children.run_program(program, module_folder=folder, environment=children.FREED_MEMORY_SHOWS, time_limit=200)


@pytest.mark.slow
def test_pytest_finds_every_test_that_is_named():
    """With its parameters: pytest refuses a name that it does not find."""
    tests = sorted({test for name in GUARDS for test in named_tests(read(name)[0])})
    collected = run_tests(tests, None, "--collect-only")
    assert collected.well, collected.output
    missing = run_tests([*tests, "test_table.py::test_that_is_not_there"], None, "--collect-only")
    assert missing.code == 4 and "not found" in missing.output


@pytest.mark.guards
@each_guard
def test_without_the_guard_its_tests_fail(name, source, cargo, capsys):
    from hashtable_lab.stage import Stage

    fields, diff = read(name)
    below = re.fullmatch(r"< 3\.(\d+)", fields.get("Python", "< 3.999"))
    if sys.version_info >= (3, int(below[1])):
        pytest.skip(f"shows on Python {fields['Python']} only")
    os.environ["HASHTABLE_SOURCE"] = str(source)
    folder = specimens.build(
        specimens.variant(f"guard-{name}", diff), Stage(), specimens.Form(traced="trace" in fields.get("Features", ""))
    )
    right = run_tests(named_tests(fields))
    assert right.well and "skipped" not in right.output, f"the control: {right}\n{right.output}"
    for test in named_tests(fields):
        wrong = run_tests([test], folder)
        # 1 says that a test failed; other codes, that none was run. A negative one is a signal.
        failed = wrong.timed_out or wrong.crashed or wrong.code == 1
        with capsys.disabled():
            print(f"\n{name:32} {test:90} {wrong if failed else 'NOTHING HAPPENED'}")
        assert failed, wrong.output
