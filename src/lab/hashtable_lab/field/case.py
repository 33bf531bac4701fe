"""A case: a bug that is known, in a file of a few lines below `cases`.

    package = "multidict"                     as the package index calls it
    bad = "6.7.0"                             a release that has the bug
    good = "6.8.0"                            one that has not; or "patched": `bad` with the case's `patch` applied
    kind = "leak"                             one of KINDS
    what = "..."                              one sentence
    source = "https://..."                    where upstream says so, or the page that lists it
    lines = ["multidict/_multilib/views.h:673"]     any of which is the right one to name
    setup = "..."                             Python code, run once
    statement = "..."                         Python code, run again and again. It raises nothing.

Besides these a case may have: `needs` (packages to install too, with their versions), `build_with` (constraints on what
builds it, as "cython<3"), `python` (the versions of CPython on which `bad` builds, as "3.9 3.10"), `patch` (a unified diff), `by`
("faults" where the bug shows only when a call of the C API fails), `also` (what is wrong in the good release as well, and was
looked at: place, and why it is no false report), `leaks` (false where nothing is lost, as with a missing INCREF).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashtable_lab.errors import Missing

KINDS = ("leak", "leak on an error path", "missing INCREF", "borrowed reference", "heap type")

FOLDER = Path(__file__).with_name("cases")

PATCHED = "patched"


@dataclass(frozen=True)
class Case:
    """A known bug; see above for what each field is."""

    name: str
    package: str
    bad: str
    good: str
    kind: str
    what: str
    source: str
    lines: tuple[str, ...]
    statement: str
    setup: str = ""
    needs: tuple[str, ...] = ()
    build_with: tuple[str, ...] = ()
    python: str = ""
    patch: str = ""
    by: str = "ledger"
    also: dict[str, str] = field(default_factory=dict)
    leaks: bool = True

    def release(self, role: str) -> tuple[str, str]:
        """The version and the patch of one of its two releases.

        Args:
            role: "bad" or "good".
        """
        if role == "good" and self.good == PATCHED:
            return self.bad, self.patch
        return (self.bad if role == "bad" else self.good), ""

    @property
    def script(self) -> str:
        """A program for the ledger: the setup, and the statement some times."""
        body = "\n".join(f"    {line}" for line in self.statement.strip().splitlines())
        return f"{self.setup.strip()}\nfor _ in range(10):\n{body}\n"


def read(file: Path) -> Case:
    """Reads a case.

    Raises:
        Missing: it is not as it should be, or this Python is too old to read TOML.
    """
    try:
        import tomllib
    except ModuleNotFoundError:
        raise Missing("the cases are written in TOML, which CPython reads by itself from 3.11 on.") from None
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        content = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
        case = Case(name=file.stem, **content)
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise Missing(f"{file.name} is no case: {error}.") from None
    if case.kind not in KINDS:
        raise Missing(f"{file.name}: kind is {case.kind!r}, and should be one of {', '.join(KINDS)}.")
    if (case.good == PATCHED) != bool(case.patch):
        raise Missing(f"{file.name}: a patch is what makes a {PATCHED!r} release.")
    return case


def cases(names: tuple[str, ...] = (), folder: Path = FOLDER) -> list[Case]:
    """The cases whose names begin with one of the words; all of them if there are none.

    Raises:
        Missing: there is none of that name, or one that cannot be read.
    """
    files = sorted(folder.glob("*.toml"))
    for name in names:
        if not any(file.stem.startswith(name) for file in files):
            raise Missing(f"there is no case {name!r}; there are: {', '.join(file.stem for file in files)}.")
    return [read(file) for file in files if not names or file.stem.startswith(tuple(names))]
