"""What each call of the C API does with references: the facts in `src/lab/hashtable_lab/foreign/calls`, read and put together.

Which functions return a new reference and which a borrowed one is CPython's own table (`returns.tsv`). What that does not know,
steals above all, is kept by hand (`by_hand.tsv`), with a source for each row.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

FACTS = "hashtable_lab.foreign.calls"


@dataclass(frozen=True)
class Call:
    """One function of the C API.

    Attributes:
        name: its name.
        result: "new", "lends" (what lends it keeps it), "lends!" (what lends it can release it) or "" (no object).
        steals: the numbers of the arguments that it steals, from 0.
        steals_if_well: those that it steals only if it succeeds.
        out: the arguments through which it hands out a new reference.
        in_out: the arguments through which it takes one and hands out another.
        fails: the result that says that it failed, or "".
        runs: it may run Python code before it has taken references to its arguments.
        special: it is written by hand wherever it is needed.
        source: where the facts are from.
    """

    name: str
    result: str = ""
    steals: tuple[int, ...] = ()
    steals_if_well: tuple[int, ...] = ()
    out: tuple[int, ...] = ()
    in_out: tuple[int, ...] = ()
    fails: str = ""
    runs: bool = False
    special: bool = False
    source: str = field(default="", compare=False)

    @property
    def is_entered(self) -> bool:
        """Is there anything to enter?"""
        return bool(self.result or self.steals or self.steals_if_well or self.out or self.in_out or self.fails)


def read_fact(name: str) -> str:
    """A file of `src/lab/hashtable_lab/foreign/calls`."""
    return (importlib.resources.files(FACTS) / name).read_text(encoding="utf-8")


def _rows(name: str) -> Iterator[list[str]]:
    for line in read_fact(name).splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _by_hand(name: str, effects: str, source: str) -> Call:
    values: dict[str, object] = {}
    for effect in effects.split():
        word, _, detail = effect.partition("=")
        if word in ("new", "lends", "lends!"):
            values["result"] = word
        elif word in ("runs", "special"):
            values[word] = True
        elif word == "fails":
            values["fails"] = detail
        elif word in ("steals", "steals-if-well", "out", "in-out"):
            values[word.replace("-", "_")] = tuple(map(int, detail.split(",")))
        elif word != "-":
            raise ValueError(f"by_hand.tsv: {name}: {effect!r} is no effect")
    if values.get("result") == "new":
        values["runs"] = True
    return Call(name, source=source, **values)  # type: ignore[arg-type]


@cache
def calls() -> dict[str, Call]:
    """Every function of which something is known, by its name."""
    source = read_fact("returns.tsv").splitlines()[0].removeprefix("# Source: ")
    known = {}
    for name, effect in _rows("returns.tsv"):
        result = {"new": "new", "borrowed": "lends!"}.get(effect, "")
        known[name] = Call(name, result, runs=result == "new", source=source)
    for name, effects, by_hand in _rows("by_hand.tsv"):
        known[name] = _by_hand(name, effects, by_hand)
    return known
