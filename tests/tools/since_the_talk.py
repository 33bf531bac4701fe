"""`make since-the-talk`: what changed between the Python of the talk, 2.7, and today's? Asked of every CPython on this machine.

What is asked is in docs/programs/since_the_talk/measure.py. The record, docs/since-the-talk.json, is what the book shows; without
--record the answers are compared with it, for the versions that it knows. A version that answers otherwise is said to, and the exit
code is 1. The comparison itself is tried on a record that was changed on purpose.
"""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import click
from commands import console, run_command
from hashtable_lab.children.interpreters import every_python

DOCS = Path(__file__).resolve().parents[2] / "docs"
MEASURE = DOCS / "programs" / "since_the_talk" / "measure.py"
RECORD = DOCS / "since-the-talk.json"


def measure(python: str) -> dict[str, Any]:
    """What one Python says."""
    done = subprocess.run([python, MEASURE], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise click.ClickException(f"{python} cannot be asked: {(done.stderr.splitlines() or ['no word'])[-1]}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def differences(record: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is other than in the record, in words. The last number of a version counts for nothing."""
    said = []
    for version in record.keys() & found.keys():
        for what in record[version].keys() - {"version"}:
            if record[version][what] != found[version].get(what):
                said.append(f"{version}: {what}: {found[version].get(what)}; the record says {record[version][what]}")
    return sorted(said)


def altered(record: dict[str, Any], versions: set[str]) -> dict[str, Any]:
    """A record in which one thing is not so."""
    changed = copy.deepcopy(record)
    version = sorted(record.keys() & versions)[0]
    changed[version]["counts"]["two names"] += 1
    return changed


@click.command()
@click.option("--record", "keep", is_flag=True, help="Keep the answers for the book.")
def compare(keep: bool) -> int:
    """Asks every CPython found what changed since the talk, and compares with the book's record."""
    found = {version: measure(python) for version, python in every_python().items()}
    if keep:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        console.print(f"kept in {RECORD.relative_to(DOCS.parent)}")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    common = sorted(record.keys() & found.keys())
    if not common:
        raise click.ClickException(f"none of the CPythons here is in the record: {', '.join(found)}")
    said = differences(record, found)
    for line in said:
        console.print(f"NOT SO: {line}")
    noticed = bool(differences(altered(record, set(found)), found))
    console.print(f"asked {', '.join(found)}: {len(common)} of them are in the record, {len(said)} answers are others")
    console.print(f"a record that is wrong on purpose: {'noticed' if noticed else 'NOT NOTICED'}")
    return 0 if not said and noticed else 1


if __name__ == "__main__":
    run_command(compare)
