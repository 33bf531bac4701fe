"""Mutants that cannot be killed, since they do the same as the source: each with the proof.

A key is (file, function, operation as it is written, how many of the same text come before it in the function, kind).
If the tests kill one of them after all, the proof is wrong, and `make mutants` says so.
"""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str, str, int, str], str] = {}
