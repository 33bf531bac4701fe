"""Prints what one group of pyproject.toml's optional dependencies needs, a requirement a line, for pip to read.

    python tests/tools/requirements.py GROUP

pip installs a group only together with the package, which means building it. The Makefile installs the tools once and the
package as often as the source changes, so it needs them apart. `hashtable[other]` in a group stands for that other group.
(A few lines of text are read here by hand because CPython has a reader for TOML from 3.11 on only.)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def requirements(group: str, text: str) -> list[str]:
    """The requirements of `group` in the text of a pyproject.toml. KeyError if there is no such group."""
    section = text.split("[project.optional-dependencies]", 1)[1].split("\n[", 1)[0]
    groups = dict(re.findall(r"^(\w+) = \[(.*)\]$", section, re.MULTILINE))
    found: list[str] = []
    for requirement in re.findall(r'"([^"]+)"', groups[group]):
        other = re.fullmatch(r"hashtable\[(\w+)\]", requirement)
        found += requirements(other.group(1), text) if other else [requirement]
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print("\n".join(requirements(sys.argv[1], PYPROJECT.read_text(encoding="utf-8"))))
    except KeyError as missing:
        sys.exit(f"pyproject.toml has no group {missing} of optional dependencies")
