"""Current releases of the packages with extensions that are downloaded most: is there anything new?

Of each, the ledger judges the package's own tests, and leakcheck's meters are read while each test is repeated. The packages are
in `survey.toml`. What is found is looked at by hand; what came of that is written there too, or becomes a case or a report. Results
are kept as those of every campaign are, so that the next run goes on where one was stopped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashtable_lab.campaign import Job
from hashtable_lab.errors import Missing
from hashtable_lab.field import suite
from hashtable_lab.field.tools import depends_on

FILE = Path(__file__).with_name("survey.toml")

#: What is run on each of them, and which tool it is.
SUITES = {"ledger": suite.run_suite_under_ledger, "leakcheck": suite.run_suite_under_census}

#: What repeats a test is part of what an answer of leakcheck depends on.
PLUGIN = hashlib.sha256(Path(__file__).with_name("repeat.py").read_bytes()).hexdigest()

#: Some packages are built in a folder whose name is another one each time.
BUILD_FOLDER = re.compile(r"^/tmp/[^/]+/")

#: Of what was found so much is named, and so long is a reason at most.
MOST_NAMED, LONGEST_REASON = 8, 160


@dataclass(frozen=True)
class Package:
    """A release with its tests; `survey.toml` says what each field is."""

    rank: int
    name: str
    version: str
    instead_of: str = ""
    folder: str = ""
    also: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    lines: str = ""
    why_lines: str = ""
    ini: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    not_run: str = ""
    no_ledger: str = ""
    looked: dict[str, str] = field(default_factory=dict)

    def tests(self) -> dict[str, Any]:
        """Its tests, as `suite` takes them."""
        chosen: dict[str, Any] = {"folder": self.folder, "files": list(self.files), "modules": list(self.modules)}
        chosen |= {"lines": self.lines, "ini": self.ini, "skip": list(self.skip)}
        # What most packages do without is no part of their jobs' names.
        rare = {"also": list(self.also), "environment": self.environment}
        return {**chosen, **{key: value for key, value in rare.items() if value}}

    def jobs(self) -> Iterator[tuple[str, Job]]:
        """What is to be run of it: the tool and the job."""
        for number, (tool, function) in enumerate(SUITES.items()):
            if not (self.not_run or (tool == "ledger" and self.no_ledger)):
                arguments: dict[str, Any] = {"package": self.name, "version": self.version, "needs": list(self.needs)}
                arguments["tests"] = self.tests()
                if self.seconds:
                    arguments["seconds"] = self.seconds[number]
                depends = (*depends_on(tool), PLUGIN) if tool == "leakcheck" else depends_on(tool)
                yield tool, Job(function, arguments, depends, f"{tool} on the tests of {self.name} {self.version}")

    def why_not(self, tool: str) -> str:
        """Why a tool was not run on it, or ""."""
        return self.not_run or (self.no_ledger if tool == "ledger" else "")

    def why(self, words: str) -> str:
        """What came of looking at a finding, or ""."""
        return next((reason for part, reason in self.looked.items() if part in words), "")


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
        text = tomllib.loads(file.read_text(encoding="utf-8"))
        content: list[dict[str, Any]] = text["package"]
        for one in content:
            one["looked"] = {**one.get("looked", {}), **text.get("looked", {})}
            one.update({key: tuple(value) for key, value in one.items() if isinstance(value, list)})
        found = [Package(**one) for one in content]
    except (OSError, tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise Missing(f"{file.name} is no list of packages: {error}.") from None
    for package in found:
        if sum(map(bool, (package.folder, package.modules, package.lines, package.not_run))) != 1:
            raise Missing(f"{file.name}: {package.name} needs one of `folder`, `modules`, `lines` and `not_run`.")
        if bool(package.lines) != bool(package.why_lines):
            raise Missing(f"{file.name}: {package.name} needs `why_lines`, which says why its own tests are not run.")
    return found


def found_by(tool: str, answer: Mapping[str, Any]) -> list[str]:
    """What a tool has found, each in a few words."""
    if "missing" in answer:
        return []
    if tool == "ledger":
        return [
            f"{one['kind']} at {BUILD_FOLDER.sub('', one['place']) or one['function']}, {one['type']}, {one['times']} times"
            for one in answer["findings"]
        ]
    return [
        f"{one['kind']} {one['name']}".rstrip()
        + f" grow by {one['hidden']:g} in each run of {one['test'].rpartition('/')[2]}"
        for one in answer["grows"]
        if one["hidden"] > 0.5
    ]


def judged_by(tool: str, answer: Mapping[str, Any]) -> str:
    """How much a tool has judged."""
    if "missing" in answer:
        return f"could not tell: {answer['missing'][:LONGEST_REASON]}"
    if tool == "ledger":
        tests = ", ".join(f"{number} {word}" for word, number in answer["tests"].items())
        ending = "" if answer["ending"].endswith("end") else f"; {answer['ending']}"
        calls = f"{answer['judged'][0]} calls of {answer['judged'][1]} functions"
        more = answer.get("found", 0) - len(answer["findings"])
        left = f"; {more} more findings were not kept" if more > 0 else ""
        return f"{answer['verdict']}: {calls}, tests: {tests or 'not counted'}{ending}{left}"
    head = f"{answer['verdict']}: {answer['judged']} of {answer['tests']} tests, {answer['runs']} runs"
    held = f", {answer['visible']} counts grow that Python holds" if answer["visible"] else ""
    return f"{head}{held}" + ("" if answer["ending"] == "to the end" else f"; {answer['ending']}")


def words(package: Package, tool: str, answer: Mapping[str, Any]) -> str:
    """What a tool said, with what came of looking at it."""
    found = found_by(tool, answer)
    named = [f"{one} ({package.why(one) or 'not looked at'})" for one in found[:MOST_NAMED]]
    more = [f"and {len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    return "; ".join([judged_by(tool, answer), *named, *more])


def new(package: Package, answers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What tools have found of a package that nobody has looked at."""
    return [one for tool, answer in answers.items() for one in found_by(tool, answer) if not package.why(one)]
