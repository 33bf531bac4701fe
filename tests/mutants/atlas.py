"""The record of what was seen when each operation was missing: docs/atlas.json, from which the book's atlas is made.

It is written by `make record WHAT=mutants`, and kept with the source. It knows an operation by its file, function and text, and
not by its line, so that it still fits when lines move; when an operation is changed, added or removed, it no longer does, and a
test says which.
"""

from __future__ import annotations

import json
from pathlib import Path

from operations import EXTENSION, Mutant, Operation, mutants

RECORD = Path("docs", "atlas.json")

#: How a mutant was found out, and in which words that is counted.
SEEN = {
    "ledger": "by the ledger",
    "crash": "by a crash",
    "test": "by a test",
    "time limit": "by the time limit",
}

#: file -> function -> "operation as written" (with " #2" for a second one of the same text) -> kind -> outcome
Record = dict[str, dict[str, dict[str, dict[str, dict[str, str]]]]]


def label(operation: Operation) -> str:
    """The operation's name inside its function."""
    return operation.code if operation.nth == 0 else f"{operation.code} #{operation.nth + 1}"


def read(root: Path) -> Record:
    """The record of a project's folder; empty if there is none."""
    try:
        record: Record = json.loads((root / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return record


def outcome(record: Record, operation: Operation, kind: str) -> dict[str, str] | None:
    """What the record says of a mutant, if anything."""
    functions = record.get(operation.file, {})
    return functions.get(operation.function, {}).get(label(operation), {}).get(kind)


def is_elsewhere(record: Record, operation: Operation, kind: str) -> bool:
    """Is a mutant no part of the module for the Python that makes the record?"""
    seen = outcome(record, operation, kind) or {}
    return seen.get("seen") == "not compiled" or "python" in seen


def differences(record: Record, operations: list[Operation]) -> list[str]:
    """In which the record and the source do not agree: a line for each mutant that only one of them knows."""
    present = {(m.operation.file, m.operation.function, label(m.operation), m.kind): m.id for m in mutants(operations)}
    recorded = {
        (file, function, code, kind)
        for file, functions in record.items()
        for function, codes in functions.items()
        for code, kinds in codes.items()
        for kind in kinds
    }
    unknown = [f"not in the record: {name}" for key, name in present.items() if key not in recorded]
    return unknown + [f"no longer in the source: {': '.join(key)}" for key in sorted(recorded - set(present))]


def write(root: Path, operations: list[Operation], found: list[tuple[Mutant, object]], python: str = "") -> None:
    """Writes outcomes into the record, leaves there what still fits the source, and drops the rest.

    What another Python has seen of a mutant stays when this one says that it is not compiled.

    Args:
        root: the project's folder.
        operations: all that there are.
        found: mutants and their symptoms.
        python: which CPython saw them, such as `3.14t`; empty for the one that makes the record.
    """
    from trial import Symptom

    old, new = read(root), dict(found)
    record: Record = {}
    for mutant in mutants(operations):
        at, symptom = mutant.operation, new.get(mutant)
        known = outcome(old, at, mutant.kind) or {}
        # A form that is no Rust there says nothing, and neither does another Python of what is not compiled for it.
        silent = {"no build"} | ({"not compiled"} if python or "python" in known else set())
        if not isinstance(symptom, Symptom) or symptom.seen in silent:
            entry = known
        else:
            entry = {"seen": symptom.seen, "what": symptom.what, "by": symptom.by, "at": _at(root, symptom.place)}
            entry["python"] = python
        entry = {field: text for field, text in entry.items() if text}
        if entry:
            record.setdefault(at.file, {}).setdefault(at.function, {}).setdefault(label(at), {})[mutant.kind] = entry
    (root / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _at(root: Path, place: str) -> str:
    """`file: the text of the line`, for a `file:line` below src/extension: lines move."""
    file, _, line = place.rpartition(":")
    if not file or not (root / EXTENSION / file).is_file():
        return place
    return f"{file}: {(root / EXTENSION / file).read_text(encoding='utf-8').splitlines()[int(line) - 1].strip()}"
