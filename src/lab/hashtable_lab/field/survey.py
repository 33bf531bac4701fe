"""Current releases of packages that many people install: is there anything new?

A few lines of each are run with the ledger, and again and again by leakcheck. They are in `survey.toml`; what is found is looked at
by hand, and becomes a case or a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashtable_lab.campaign import Job
from hashtable_lab.errors import Missing
from hashtable_lab.field.tools import TOOLS, depends_on

FILE = Path(__file__).with_name("survey.toml")

#: What is run on each of them.
USED = ("ledger", "leakcheck")


@dataclass(frozen=True)
class Package:
    """A release, and a few lines that use it."""

    name: str
    version: str
    statement: str
    setup: str = ""
    needs: tuple[str, ...] = ()

    @property
    def script(self) -> str:
        """A program for the ledger."""
        body = "\n".join(f"    {line}" for line in self.statement.strip().splitlines())
        return f"{self.setup.strip()}\nfor _ in range(10):\n{body}\n"

    def jobs(self) -> Iterator[tuple[str, Job]]:
        """What is to be run of it: the tool and the job."""
        for tool in USED:
            arguments: dict[str, Any] = {"package": self.name, "version": self.version, "patch": ""}
            arguments |= {"needs": list(self.needs), "constraints": []}
            if tool == "ledger":
                arguments["script"] = self.script
            else:
                arguments |= {"setup": self.setup.strip(), "statement": self.statement.strip()}
            label = f"{tool} on {self.name} {self.version}"
            yield tool, Job(TOOLS[tool][0], arguments, depends_on(tool), label)


def packages(file: Path = FILE) -> list[Package]:
    """All of them.

    Raises:
        Missing: the list cannot be read, or this Python is too old to read TOML.
    """
    try:
        import tomllib
    except ModuleNotFoundError:
        raise Missing("the survey is written in TOML, which CPython reads by itself from 3.11 on.") from None
    try:
        return [Package(**one) for one in tomllib.loads(file.read_text(encoding="utf-8"))["package"]]
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise Missing(f"{file.name} is no list of packages: {error}.") from None


def words(tool: str, answer: Mapping[str, Any]) -> str:
    """What a tool said, in a few words."""
    if "missing" in answer:
        return f"could not tell: {answer['missing'][:120]}"
    if tool == "leakcheck":
        return "; ".join([answer["verdict"], *answer["reasons"][:3]])
    calls = f" ({answer['judged'][0]} calls of {answer['judged'][1]} functions)" if answer["judged"] else ""
    found = [f"{one['kind']} at {one['place'] or one['function']}, {one['type']}" for one in answer["findings"][:4]]
    ending = [] if answer["ending"].endswith("end") else [answer["ending"]]
    return "; ".join([answer["verdict"] + calls, *found, *ending])
