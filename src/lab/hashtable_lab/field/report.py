"""A bug that nobody had reported when the tools found it, with the text of a report: a file below `reports`.

package = "multidict"
version = "7.2.1"
title = "..."               as the report's title
script = "..."              some five lines that anybody can run, and that print what is wrong
text = "..."                the report: versions, what happens, the line, what would mend it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.errors import Missing

FOLDER = Path(__file__).with_name("reports")


@dataclass(frozen=True)
class Report:
    """A report that is ready to be filed; see above."""

    name: str
    package: str
    version: str
    title: str
    script: str
    text: str


def reports(folder: Path = FOLDER) -> list[Report]:
    """All of them, in the order of their files' names.

    Raises:
        Missing: one cannot be read, or this Python is too old to read TOML.
    """
    try:
        import tomllib
    except ModuleNotFoundError:
        raise Missing("the reports are written in TOML, which CPython reads by itself from 3.11 on.") from None
    found = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(Report(name=file.stem, **tomllib.loads(file.read_text(encoding="utf-8"))))
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise Missing(f"{file.name} is no report: {error}.") from None
    return found
