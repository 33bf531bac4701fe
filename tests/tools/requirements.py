"""Prints what one group of pyproject.toml's optional dependencies needs, a requirement a line, for pip to read.

    python tests/tools/requirements.py [--groups] GROUP

pip installs a group only together with the package, which means building it. The Makefile installs the tools once and the
package as often as the source changes, so it needs them apart. `hashtable[other]` in a group stands for that other group; with
`--groups` the group and all that it contains are printed instead.
(A few lines of text are read here by hand because CPython has a reader for TOML from 3.11 on only.)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def listed(group: str, text: str) -> list[str]:
    """What stands in `group` in the text of a pyproject.toml. KeyError if there is no such group."""
    section = text.split("[project.optional-dependencies]", 1)[1].split("\n[", 1)[0]
    return re.findall(r'"([^"]+)"', dict(re.findall(r"^(\w+) = \[(.*)\]$", section, re.MULTILINE))[group])


def groups(group: str, text: str) -> list[str]:
    """The group, and all groups that it contains."""
    inside = [other.group(1) for it in listed(group, text) if (other := re.fullmatch(r"hashtable\[(\w+)\]", it))]
    return [group] + [name for other in inside for name in groups(other, text)]


def requirements(group: str, text: str) -> list[str]:
    """The requirements of the group, and of all groups that it contains."""
    return [it for name in groups(group, text) for it in listed(name, text) if not it.startswith("hashtable[")]


if __name__ == "__main__":
    *option, wanted = sys.argv[1:] or [""]
    if not wanted or option not in ([], ["--groups"]):
        sys.exit(__doc__)
    try:
        print("\n".join((groups if option else requirements)(wanted, PYPROJECT.read_text(encoding="utf-8"))))
    except KeyError as missing:
        sys.exit(f"pyproject.toml has no group {missing} of optional dependencies")
