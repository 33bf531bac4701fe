"""A plugin for pytest, for a run under a sanitizer: `pytest -p sanitized`. sanitizers.py uses it.

It makes sure that the module under test is the one in the folder that HASHTABLE_SANITIZED names, and skips what says nothing
there, each with its reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MEMORY = "it measures memory, and a sanitizer needs some of its own"
CARGO = "it builds a module with cargo, which is not of the sanitizer's making"
PROJECT = "it is about the project's files, and runs nothing of the extension"

#: Test files, and tests by the beginning of their names.
LEFT_OUT = {
    "test_docs.py": PROJECT,
    "test_layers.py": PROJECT,
    "test_leakcheck.py": MEMORY,
    "test_makefile.py": PROJECT,
    "test_readme.py": PROJECT,
    "test_specimens.py": PROJECT,
    "test_refcounts.py::test_memory_does_not_grow": MEMORY,
    "test_refcounts.py::test_the_check_fires": MEMORY,
    "test_refcounts.py::test_the_same_check_is_content": MEMORY,
    "test_talk_bugs.py::test_an_error_leaks_nothing": MEMORY,
    "test_talk_bugs.py::test_a_second_init_leaks_nothing": MEMORY,
    "test_talk_bugs.py::test_the_memory_of_a_table_is_given_back": MEMORY,
}


def pytest_configure() -> None:
    """Refuses to test anything but the module that was built for this."""
    import hashtable

    if Path(hashtable.__file__).parent != Path(os.environ["HASHTABLE_SANITIZED"]):
        pytest.exit(f"{hashtable.__file__} is not the module that was built for the sanitizer", returncode=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what is left out."""
    for item in items:
        name = item.path.name + item.nodeid[item.nodeid.find("::") :]
        reasons = [reason for beginning, reason in LEFT_OUT.items() if name.startswith(beginning)]
        if {"cargo", "specimen"} & set(getattr(item, "fixturenames", ())):
            reasons.append(CARGO)
        if reasons:
            item.add_marker(pytest.mark.skip(reason=reasons[0]))
