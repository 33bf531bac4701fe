"""`python -m hashtable_lab leakcheck`: does running a statement leak, on an ordinary interpreter?

A child runs the statement again and again and reads meters; a second child runs it without CPython's own allocator and
has psleak look at the heap. `measuring` explains how, by what rule, and with which thresholds. Here the
answers of the two are put together:

* one meter leaks: it leaks (exit code 1);
* the children could not do their work, a meter grows without any rule, a count falls, or the two contradict each
  other (at least one block more with every call, each of which takes memory, and yet no growth of the heap): could
  not tell (2);
* otherwise clean (0).
"""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from dataclasses import dataclass, field
from typing import Any

from hashtable_lab.children.questions import CannotAnswer, Tell, ask
from hashtable_lab.errors import Missing
from hashtable_lab.leakcheck.meters import WORDS
from hashtable_lab.stage import Stage

CLEAN, LEAKS, UNKNOWN = "clean", "leaks", "could not tell"
EXIT_CODES = {CLEAN: 0, LEAKS: 1, UNKNOWN: 2}

# `package.module:name.name`, which calls the function of that name.
_CALLABLE = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)")

#: Of the objects that the census has found to move, so many are shown, those that move most first. JSON has all.
MOST_SHOWN = 10

_HEAP = "bytes of the heap"

_WORDS = {
    "steady": "steady",
    "leaks": "LEAKS",
    "fades": "steady (its growth fades)",
    "falls": "FALLS: used up, or given back without being owned",
    "unclear": "unclear: it grows, but not in proportion to the calls",
}


@dataclass(frozen=True)
class Report:
    """What a leak check found.

    Attributes:
        verdict: `CLEAN`, `LEAKS` or `UNKNOWN`.
        reasons: why that is the verdict, in short statements.
        found: the answer of the child that read the meters, as `measuring.measure` describes it.
        heap: the answer of the child that looked at the heap, as `measuring.measure_heap` describes it.
    """

    verdict: str
    reasons: list[str]
    found: dict[str, Any] = field(default_factory=dict)
    heap: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 clean, 1 it leaks, 2 could not tell."""
        return EXIT_CODES[self.verdict]

    def as_json(self, setup: str, statement: str) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "statement": statement,
            "setup": setup,
            "python": platform.python_version(),
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "reasons": self.reasons,
            "total_calls": self.found.get("total_calls", 0),
            "calls_per_round": self.found.get("calls", []),
            "meters": self.found.get("meters", []),
            "counted": self.found.get("counted", 0),
            "types": self.found.get("types", []),
            "lines": self.found.get("lines", []),
            "heap": self.heap,
        }


def check(setup: str, statement: str, calls: int | None, tell: Tell) -> Report:
    """Runs a leak check.

    Args:
        setup: Python code that is run once; what it names are the statement's arguments.
        statement: Python code, or `module:callable`.
        calls: the number of calls in one of the first rounds; None leaves it to the time that they take.
        tell: is called with the progress.

    Returns:
        What was found; that something could not be found out is a finding too, and never an exception.
    """
    target = _CALLABLE.fullmatch(statement.strip())
    question: dict[str, Any] = {
        "heap": False,
        "setup": setup,
        "statement": statement,
        "function": list(target.groups()) if target else None,
        "calls": calls,
    }
    try:
        # The same hashes each time: the same dict sees the same collisions, and a verdict can be repeated.
        found = ask("leakcheck.measuring", question, tell, {"PYTHONHASHSEED": "0"})
        question.update(heap=True, calls=found["calls"][0], warm_up=found["total_calls"])
        if sysconfig.get_config_var("Py_GIL_DISABLED"):
            heap = {"not_measured": "a free-threaded CPython cannot do without its own allocator"}
        else:
            heap = ask("leakcheck.measuring", question, tell, {"PYTHONHASHSEED": "0", "PYTHONMALLOC": "malloc"})
    except CannotAnswer as error:
        return Report(UNKNOWN, [str(error)])
    return conclude(found, heap)


def conclude(found: dict[str, Any], heap: dict[str, Any]) -> Report:
    """Makes a verdict of what the two children measured."""
    verdicts: dict[str, list[str]] = {}
    # What has a name says more than a total does.
    for meter in sorted(found["meters"], key=lambda meter: (not meter["name"], meter["kind"] == "reachable")):
        sentence = _sentence(meter)
        if meter["kind"] == "objects" and found["types"]:
            sentence += f" ({', '.join(row['type'] for row in found['types'])})"
        verdicts.setdefault(meter["verdict"], []).append(sentence)
    if heap.get("verdict") == "leaks":
        verdicts.setdefault("leaks", []).append(f"the heap grows by {_number(heap['bytes_per_call'])} bytes per call")
    blocks = next(meter for meter in found["meters"] if meter["kind"] == "blocks")
    if blocks["verdict"] == "leaks" and blocks["per_call"] >= 1 and heap.get("verdict") == "steady":
        contradiction = f"{_sentence(blocks)}, but the heap does not grow: the two measurements contradict each other"
        return Report(UNKNOWN, [contradiction], found, heap)
    if "leaks" in verdicts:
        return Report(LEAKS, verdicts["leaks"], found, heap)
    doubts = verdicts.get("unclear", []) + verdicts.get("falls", [])
    if doubts:
        return Report(UNKNOWN, doubts, found, heap)
    return Report(CLEAN, [], found, heap)


def _what(meter: dict[str, Any]) -> str:
    return WORDS[meter["kind"]].format(name=meter["name"])


def _sentence(meter: dict[str, Any]) -> str:
    moves = "fall" if meter["per_call"] < 0 else "grow"
    moves += "s" if meter["kind"] == "length" else ""
    how = " without any rule" if meter["verdict"] == "unclear" else ""
    return f"{_what(meter)} {moves} by {_number(abs(meter['per_call']))} per call{how}"


def _in_short(reasons: list[str]) -> str:
    more = len(reasons) - MOST_SHOWN
    return "; ".join(reasons[:MOST_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _number(figure: float) -> str:
    """A figure per call: `1`, `0.1`, `32.4`. What is within two per cent of a whole number is one."""
    if abs(figure) >= 0.5 and abs(figure - round(figure)) <= 0.02 * abs(figure):
        return str(round(figure))
    return f"{figure:.3f}" if abs(figure) < 0.1 else f"{figure:.2f}".rstrip("0").rstrip(".")


# ---- for people ------------------------------------------------------------------------------------------------------


def show(report: Report, statement: str, stage: Stage) -> None:
    """Prints a report as a table, and the verdict below it."""
    if report.found:
        stage.say("The statement:")
        stage.show_text(statement.strip(), "python")
        stage.say(f"It ran {report.found['total_calls']} times, and again for the heap. What grew:")
        stage.table(["what", "per call", ""], _rows(report))
    if report.found.get("types"):
        stage.say("The objects, by type:")
        rows = [(row["type"], _number(row["per_call"])) for row in report.found["types"]]
        stage.table(["type", "per call"], rows)
    if report.found.get("lines"):
        stage.say("The blocks, by the line of Python code that ran when they were allocated:")
        columns = ("per_call", "bytes_per_call")
        lines = [(row["place"], *(_number(row[column]) for column in columns)) for row in report.found["lines"]]
        stage.table(["line", "blocks per call", "bytes per call"], lines)
        if not report.found["types"]:
            stage.say("The garbage collector does not track them, so their type is not known.")
    if report.verdict == CLEAN:
        stage.say("Clean: nothing grows with the number of calls.")
    elif report.verdict == LEAKS:
        stage.say(f"It leaks: {_in_short(report.reasons)}.")


def _rows(report: Report) -> list[tuple[str, str, str]]:
    """The totals, each object that is not steady, and one line for all those that are."""
    rows = []
    steady = moving = 0
    for meter in report.found["meters"]:
        quiet = meter["verdict"] in ("steady", "fades")
        if meter["kind"] in ("count", "length", "reachable") and quiet:
            steady += meter["kind"] == "count"
            continue
        if meter["kind"] == "reachable":
            moving += 1
            if moving > MOST_SHOWN:
                continue
        per_call = "0" if quiet else _number(meter["per_call"])
        rows.append((_what(meter), per_call, _WORDS[meter["verdict"]]))
    if moving > MOST_SHOWN:
        rows.append((f"references to {moving - MOST_SHOWN} more objects", "", "not steady either"))
    if "not_measured" in report.heap:
        rows.append((_HEAP, "", f"not measured: {report.heap['not_measured']}"))
    else:
        found = report.heap["verdict"]
        per_call = _number(report.heap["bytes_per_call"]) if found == "leaks" else "0"
        rows.append((_HEAP, per_call, _WORDS[found]))
    other = "other " if any(row[0].startswith("references to") for row in rows) else ""
    if steady:
        rows.append((f"references to {steady} {other}argument{'s' if steady > 1 else ''}", "0", "steady"))
    counted = report.found["counted"] - moving
    rows.append((f"references to {counted} other objects that can be reached", "0", "steady"))
    return rows


def perform(setup: str, statement: str, calls: int | None, as_json: bool, stage: Stage) -> int:
    """Runs a leak check and reports, for people or for machines.

    Returns:
        The exit code: 0 clean, 1 it leaks.

    Raises:
        Missing: could not tell (and not for machines, which read it in the JSON); the message says why.
    """
    with stage.progress("leakcheck", 200) as advance:
        parts = {"the heap": 100}

        def tell(done: float, what: str) -> None:
            advance(parts.get(what, 0) + int(100 * done))

        report = check(setup, statement, calls, tell)
    if as_json:
        import json

        stage.out.file.write(json.dumps(report.as_json(setup, statement), indent=2) + "\n")
        return report.exit_code
    show(report, statement, stage)
    if report.verdict == UNKNOWN:
        sys.stdout.flush()
        raise Missing(f"could not tell: {_in_short(report.reasons)}.")
    return report.exit_code
