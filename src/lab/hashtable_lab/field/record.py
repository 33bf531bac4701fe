"""What the answers of the tools amount to, counted against the goals."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashtable_lab.errors import Missing
from hashtable_lab.field.case import Case
from hashtable_lab.field.tools import TOOLS
from hashtable_lab.source import source_folder

#: What a tool can say of a release that has a bug.
LINE, FOUND, NOT, DIED, ABSENT = "line", "found", "not", "died", "n/a"

#: Of a tool its answers for both releases: {"bad": ..., "good": ...}.
Answers = Mapping[str, Mapping[str, Any]]

#: So many cases of so many packages are wanted, and these shares of them.
WANTED_CASES, WANTED_PACKAGES, WANTED_LINES, WANTED_LEAKS = 20, 12, 0.9, 0.9


@dataclass(frozen=True)
class Row:
    """What the tools said of one case.

    Attributes:
        case: the case.
        cells: for each tool, what it said of the bad release: one of the words above.
        false: what tools said of the good release, and is not known to be true: "tool: what".
        paths: what fault injection said of the good release: "kind at place, call". It judges other paths than the case is about.
        judged: the tools that have an answer for the good release.
        seconds: for each tool, how long it took with the bad release.
        missing: why there is no answer: "tool, release: reason".
    """

    case: Case
    cells: dict[str, str]
    false: list[str]
    paths: list[str]
    judged: list[str]
    seconds: dict[str, float]
    missing: list[str]

    @property
    def is_seen(self) -> bool:
        """At least one tool saw the bug: only then does the case count."""
        return any(cell in (LINE, FOUND, DIED) for cell in self.cells.values())

    @property
    def names_the_line(self) -> bool:
        """The ledger, or fault injection, named it."""
        return LINE in self._of_the_line

    @property
    def could_name_the_line(self) -> bool:
        """The ledger, or fault injection, has an answer."""
        return any(cell != ABSENT for cell in self._of_the_line)

    @property
    def _of_the_line(self) -> tuple[str, str]:
        return self.cells.get("ledger", ABSENT), self.cells.get("faults", ABSENT)


def judge(case: Case, answers: Answers) -> Row:
    """Makes a row of answers."""
    row = Row(case, {}, [], [], [], {}, [])
    for tool, both in answers.items():
        bad, good = both.get("bad", {}), both.get("good", {})
        for role, answer in (("bad", bad), ("good", good)):
            if "missing" in answer:
                row.missing.append(f"{tool}, {case.release(role)[0]}: {answer['missing']}")
        row.cells[tool] = ABSENT if "missing" in bad or not bad else _cell(case, tool, bad)
        if good and "missing" not in good:
            row.judged.append(tool)
            said = _said_of_the_good(case, tool, good)
            if tool == "faults":
                row.paths.extend(said)
            else:
                row.false.extend(f"{tool}: {words}" for words in said)
        if "seconds" in bad:
            row.seconds[tool] = bad["seconds"]
    return row


def _cell(case: Case, tool: str, bad: Mapping[str, Any]) -> str:
    if tool == "ledger":
        if any(_names(case.lines, finding) for finding in bad["findings"]):
            return LINE
        if re.search("killed by", bad["ending"]):
            return DIED
        return FOUND if bad["findings"] else NOT
    if tool == "faults":
        for outcome in bad["outcomes"]:
            # What is lost whether a call fails or not, is not what failing calls have shown.
            if _has(case.lines, outcome["place"]) or any(_names(case.lines, one) for one in outcome["findings"]):
                return LINE
        return NOT
    if bad.get("verdict") == "crashed" or "killed by" in " ".join(bad.get("reasons", [])):
        return DIED
    if tool == "total":
        total = bad["total"]
        return FOUND if total and total["verdict"] in ("leaks", "falls") else NOT
    return FOUND if bad["verdict"] == "leaks" else NOT


def _has(lines: Sequence[str], place: str) -> bool:
    """Is a place one of these lines? A build may name files from another folder on."""
    place = place.removeprefix("./")
    return any(place == line or place.endswith(f"/{line}") or line.endswith(f"/{place}") for line in lines)


def _names(lines: Sequence[str], finding: Mapping[str, Any]) -> bool:
    """Does a finding name one of these lines, by itself or as the caller of a helper?"""
    places = [finding["place"], *(caller.rpartition("(")[2].rstrip(")") for caller in finding["callers"])]
    return any(_has(lines, place) for place in places)


def _said_of_the_good(case: Case, tool: str, good: Mapping[str, Any]) -> Iterator[str]:
    known = tuple(case.also)
    if tool == "ledger":
        for finding in good["findings"]:
            if not _names(known, finding) and finding["function"] not in known:
                yield f"{finding['kind']} at {finding['place'] or finding['function']}, {finding['type']}"
    elif tool == "faults":
        for outcome in good["outcomes"]:
            if not _has(known, outcome["place"]) and not any(_names(known, one) for one in outcome["findings"]):
                yield f"{outcome['kind']} at {outcome['place']}, {outcome['call']}"
    elif tool == "total":
        if good["total"] and good["total"]["verdict"] == "leaks" and "leaks" not in known:
            yield f"{good['total']['per_call']:.2g} references per call"
    elif good["verdict"] in ("leaks", "crashed") and "leaks" not in known:
        yield "; ".join(good.get("reasons", [])[:2]) or good.get("words", good["verdict"])


@dataclass(frozen=True)
class Goal:
    """A goal, and what was reached: `reached` of `of`, where `wanted` were to be. Of none it is neither reached nor missed."""

    what: str
    reached: int
    of: int
    wanted: int

    @property
    def verdict(self) -> str:
        """Enough is enough; of what must not be, nothing may be. What no tool was asked about is not judged."""
        if self.of == 0:
            return "not judged"
        enough = self.reached >= self.wanted if self.wanted else self.reached == 0
        return "reached" if enough else "not reached"


def goals(rows: Sequence[Row], whole: bool) -> list[Goal]:
    """Counts.

    Args:
        rows: what was seen.
        whole: these are all cases, so their number is a goal, too.
    """
    seen = [row for row in rows if row.is_seen]
    leaking = [row for row in seen if row.case.leaks and row.cells.get("leakcheck", ABSENT) != ABSENT]
    asked = [row for row in seen if row.could_name_the_line]
    named = sum(row.names_the_line for row in asked)
    # Fault injection has a column of its own.
    judged = [row for row in rows if set(row.judged) - {"faults"}]
    caught = sum(row.cells["leakcheck"] == FOUND for row in leaking)
    packages = len({row.case.package for row in seen})
    counted = [
        Goal("real bugs that were seen", len(seen), len(rows), WANTED_CASES),
        Goal("packages that they are in", packages, len({row.case.package for row in rows}), WANTED_PACKAGES),
    ]
    # Three quarters of a bug are no bug: rounded up.
    return [
        *(counted if whole else []),
        Goal(
            "lines named by the ledger or by fault injection", named, len(asked), -int(-WANTED_LINES * len(asked) // 1)
        ),
        Goal("leaks caught by leakcheck", caught, len(leaking), -int(-WANTED_LEAKS * len(leaking) // 1)),
        Goal("false reports on good releases", sum(len(row.false) for row in rows), len(judged), 0),
    ]


def as_json(cases: Sequence[Case], answers: Mapping[str, Answers]) -> dict[str, Any]:
    """The record."""
    machine = f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}"
    return {"machine": machine, "cases": {case.name: answers[case.name] for case in cases}}


def file() -> Path:
    """Where the record of the last full run is kept."""
    return source_folder() / "docs" / "field.json"


def load() -> dict[str, Any]:
    """The record.

    Raises:
        Missing: there is none.
    """
    try:
        record: dict[str, Any] = json.loads(file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Missing("there is no record of the field yet: `make record WHAT=field` makes one.") from None
    return record


def answers_of(tools: Sequence[str]) -> dict[str, dict[str, Any]]:
    """An empty set of answers."""
    return {tool: {} for tool in TOOLS if tool in tools}
