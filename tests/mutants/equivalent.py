"""Mutants that cannot be killed, since they do the same as the source: each with the proof.

A key is (file, function, operation as it is written, how many of the same text come before it in the function, kind).
If the tests kill one of them after all, the proof is wrong, and `make mutants` says so.
"""

from __future__ import annotations

_UNTOLD = (
    "The traced build never comes here: in it look_up_without_asking returns None, and so set_all leaves the loop before. "
    "And in the normal build, which has no ledger to tell, this only passes the pointer on, which is what is left."
)

EQUIVALENT: dict[tuple[str, str, str, int, str], str] = {
    ("update.rs", "set_all", "Stored::store(Py_NewRef(value), op)", 0, "deleted"): _UNTOLD,
    ("update.rs", "set_all", "old_value.take(op)", 0, "deleted"): _UNTOLD,
}
