"""Mutants that cannot be killed, since they do the same as the source: each with the proof.

A key is (file, function, operation as it is written, how many of the same text come before it in the function, kind).
If the tests kill one of them after all, the proof is wrong, and `make mutants` says so.
"""

from __future__ import annotations

_UNTOLD = (
    "The traced build never comes here: in it hash_at_hand returns None, and so no pair of a batch is looked at. "
    "And in the normal build, which has no ledger to tell, this only passes the pointer on, which is what is left."
)

EQUIVALENT: dict[tuple[str, str, str, int, str], str] = {
    ("fast/filling.rs", "fill_from_dict", "Stored::store(Py_NewRef(key), op)", 0, "deleted"): _UNTOLD,
    ("fast/filling.rs", "fill_from_dict", "Stored::store(Py_NewRef(value), op)", 0, "deleted"): _UNTOLD,
    ("fast/filling.rs", "set_all", "Stored::store(Py_NewRef(value), op)", 0, "deleted"): _UNTOLD,
    (
        "fast/filling.rs",
        "set_all",
        "(*table).pairs.replace_value(at, Stored::store(Py_NewRef(value), op)).take(op)",
        0,
        "deleted",
    ): _UNTOLD,
}
