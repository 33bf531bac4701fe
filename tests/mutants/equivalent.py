"""Mutants that cannot be killed, since they do the same as the source: each with the proof.

A key is (file, function, operation as it is written, how many of the same text come before it in the function, kind).
If the tests kill one of them after all, the proof is wrong, and `make mutants` says so.
"""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str, str, int, str], str] = {
    ("module.rs", "leave_the_collector", "PyObject_GC_UnTrack(subclasses.cast())", 0, "deleted"): (
        "It is there for CPython 3.12, where test_interpreters.py crashes without it. With the CPython that makes this record, "
        "3.11, nothing is left in the lists of an interpreter that has ended, so there is nothing to take out of them."
    ),
}
