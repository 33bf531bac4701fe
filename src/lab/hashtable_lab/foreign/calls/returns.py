"""Takes out of CPython's own table which functions return a new reference and which a borrowed one: writes returns.tsv.

    python returns.py PATH/TO/Doc/data/refcounts.dat VERSION > returns.tsv

The table is part of CPython's documentation, and of the source package of CPython in Debian (`apt-get source python3.11`).
Of steals it knows nothing, as it says itself: those are in by_hand.tsv.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

EFFECTS = {"+1": "new", "0": "borrowed", "null": "null", "": "none"}


def facts(path: str) -> Iterator[tuple[str, str]]:
    """Yields each function and what its result is. The first row of a function is its result, the others its arguments."""
    seen = set()
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split(":", 4)
            if line.startswith("#") or len(fields) < 4 or fields[0] in seen:
                continue
            seen.add(fields[0])
            yield fields[0], EFFECTS[fields[3].strip()]


def main() -> None:
    path, version = sys.argv[1:]
    print(f"# Source: CPython {version}, Doc/data/refcounts.dat; taken out of it by returns.py.")
    for name, effect in sorted(facts(path)):
        print(name, effect, sep="\t")


main()
