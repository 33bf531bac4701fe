"""What a file of the extension offers and needs, whatever system it is for, in a few lines.

python extension.py FILE...
"""

import sys
from collections import Counter
from pathlib import Path

from show import elf, macho, pe


def read(path):
    """What a file says: its kind, machine, sections, what it offers, what it needs, what is filled in."""
    start = path.read_bytes()[:4]
    return (elf if start == b"\x7fELF" else pe if start[:2] == b"MZ" else macho)(str(path))


def described(path):
    """The lines that describe a file."""
    kind, machine, _, offers, needs, filled = read(path)
    entry = [name for name in offers if name.lstrip("_").startswith("PyInit")]
    of_python = [name.lstrip("_").startswith("Py") for name in needs]
    places = Counter(name.partition(", from ")[2] for name, ours in zip(needs, of_python) if ours)
    others = Counter(name.partition(", from ")[2] for name, ours in zip(needs, of_python) if not ours)
    return [
        f"  {path.name}: {kind}, {machine}, {path.stat().st_size} bytes; {len(filled)} places to fill in",
        f"  offers {', '.join(entry)} and {len(offers) - len(entry)} other names",
        *(f"  needs {number} names of the C API from {place}" for place, number in places.items()),
        *(f"  needs {number} other names from {place}" for place, number in sorted(others.items())),
    ]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print("\n".join(described(Path(argument))))
