"""The record, docs/since-the-talk.json, as tables: `python table.py counts|immortal|names`."""

import json
import sys
from pathlib import Path

RECORD = Path(__file__).resolve().parents[2] / "since-the-talk.json"


def lines(what, record):
    """The lines of a table, a version a line, or a name a line."""
    if what == "counts":
        header = f"{'CPython':<11} {'one name':>8} {'two names':>10}   {'in calls 1, 2, 3':<17}"
        yield f"{header} {'frames seen in them':<20} one local name"
        for version, found in record.items():
            counts = found["counts"]
            calls, frames = (", ".join(map(str, counts[name])) for name in ("in calls", "frames seen in calls"))
            line = f"{version:<11} {counts['one name']:>8} {counts['two names']:>10}   {calls:<17} {frames:<20}"
            yield f"{line} {counts['a local name']}"
    elif what == "immortal":
        for version, found in record.items():
            yield f"{version:<11} {', '.join(found['immortal']) or 'none of them'}"
    else:
        every = dict.fromkeys(name for found in record.values() for name in found["C API"])
        record = {
            version: found for version, found in record.items() if "-" not in version
        }  # a debug build has the same
        yield f"{'':<26}" + " ".join(f"{version:>5}" for version in record)
        for name in every:
            marks = " ".join(f"{'x' if name in found['C API'] else '':>5}" for found in record.values())
            yield f"{name:<26}{marks}".rstrip()


if __name__ == "__main__":
    print("\n".join(lines(sys.argv[1], json.loads(RECORD.read_text(encoding="utf-8")))))
