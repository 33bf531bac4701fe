"""The refcount ledger, read from Python: what was taken and never given back, what was given away without being owned.

An extension that takes the C API through the crate in src/ledger (the traced build does; any extension on pyo3-ffi can)
enters every change of ownership with its file and line. `ledger()` reads what was entered while its block ran:

    >>> import hashtable_lab, hashtable_traced
    >>> hashtable_traced.announce(False)
    >>> with hashtable_lab.ledger() as kept:
    ...     hashtable_traced.HashTable().set("a", 1).get("a")
    1
    >>> kept.open
    []
"""

from __future__ import annotations

import collections
import dataclasses
import importlib
import re
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hashtable_lab.audit import symbols

__all__ = ["Event", "Finding", "Ledger", "Unbalanced", "has_a_ledger", "ledger"]


class Unbalanced(AssertionError):
    """Something was taken and not given back, or given away without being owned, or nobody can tell. The message is the report."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that did not balance, as often as it happened at this place with objects of this type.

    Attributes:
        kind: "surplus" (taken, never given back), "deficit" (given back or away without being owned), "borrowed" (a
            borrowed object was passed to what may run any code) or "exception" (a result and the exception that is
            set contradict each other).
        what: what happened, in words.
        file, line: where a surplus was taken, or where a deficit was given away. Line 0: only the function is known.
        function: the method or slot that was running.
        type: the name of the object's type.
        repr: the first such object in a few characters, made without running any code of its own.
        address: the address of the first such object.
        times: how often.
        callers: who called the function in which the line stands, the innermost first; empty where that is not known.
    """

    kind: str
    what: str
    file: str
    line: int
    function: str
    type: str
    repr: str
    address: int
    times: int
    callers: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`file:line`, or the function where the line is not known."""
        return f"{self.file}:{self.line}" if self.line else self.function

    def __str__(self) -> str:
        times = "" if self.times == 1 else f" ({self.times} times)"
        return f"{self.place}: {self.kind}: {self.repr or self.type}: {self.what}, in {self.function}{times}"


@dataclasses.dataclass(frozen=True)
class Event:
    """One entry of the raw record.

    Attributes:
        what: "incref", "decref", "new" (received from a call), "returned" (to the caller), "stolen" (by a call),
            "borrowed", "stored" or "taken" (into or out of a field or an entry).
        file, line: where.
        function: the method or slot that was running.
        address, type: the object.
        count: its reference count afterwards. Of an immortal object it says nothing.
    """

    what: str
    file: str
    line: int
    function: str
    address: int
    type: str
    count: int


class Ledger:
    """What was entered in a ledger during a `with` block. Made by `ledger()`.

    After the block the content stands still; inside it, it is what there is so far.
    """

    def __init__(self, module: types.ModuleType, record: bool = True) -> None:
        self._module = module
        self._record = record
        self._first_finding = self._first_event = self._first_call = 0
        self._closed: tuple[list[Finding], list[Event], str, int] | None = None

    def __enter__(self) -> Ledger:
        if self._record:
            self._module.ledger_record(True)
        self._first_finding, self._first_event = self._module.ledger_position()
        self._first_call = self._calls()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = self._findings(), list(self._events()), self._module.ledger_blind(), self.judged
        if self._record:
            self._module.ledger_record(False)

    def _findings(self) -> list[Finding]:
        return together(self._module.ledger_findings(self._first_finding))

    def _events(self) -> Iterator[Event]:
        if self._record:
            for event in self._module.ledger_events(self._first_event):
                yield Event(*event)

    def _calls(self) -> int:
        return sum(calls for _, calls in self._module.ledger_judged())

    @property
    def open(self) -> list[Finding]:
        """What did not balance, alike findings together, in the order in which they came."""
        return self._findings() if self._closed is None else self._closed[0]

    @property
    def events(self) -> list[Event]:
        """The raw record, in order. Empty if the book was opened with `record=False`."""
        return list(self._events()) if self._closed is None else self._closed[1]

    @property
    def blind(self) -> str:
        """Why nothing was judged any more from some call on, in the block or before it; "" if all was."""
        return str(self._module.ledger_blind()) if self._closed is None else self._closed[2]

    @property
    def judged(self) -> int:
        """How many calls of the module's functions were judged in the block."""
        return self._calls() - self._first_call if self._closed is None else self._closed[3]

    @property
    def balanced(self) -> bool | None:
        """Is nothing open? None: nothing was found, but no call was judged, or not everything, so nobody can tell."""
        if self.open:
            return False
        return None if self.blind or not self.judged else True

    def __str__(self) -> str:
        if found := self.open:
            return "the ledger does not balance:\n" + "\n".join(f"  {finding}" for finding in found)
        if why := self.blind:
            return f"could not tell: from some call on nothing was judged: {why}"
        return "balanced" if self.judged else "could not tell: no call was judged"

    def assert_balanced(self) -> None:
        """Nothing may be open, and no call may have been left unjudged. A block without any calls passes: a fixture stands around
        tests that make none, too.

        Raises:
            Unbalanced: with one line for each finding; or it says why nobody can tell.
        """
        if self.open or self.blind:
            raise Unbalanced(str(self))


#: Between a chain of callers and the place where the function begins in which something happened whose line is not known.
BEGINS = "||"

#: Headers that many extensions copy, of which a line stands for its caller.
COPIED = ("pythoncapi_compat.h", "refcount_ledger.h")


def together(rows: Iterable[tuple[Any, ...]], roots: Sequence[str] = ()) -> list[Finding]:
    """Findings as the extension tells them, alike ones together, in the order in which they came first.

    Args:
        rows: tuples (kind, what, file, line, function, address, type, repr, callers).
        roots: folders of source: files that lie in them are named relative to them.
    """
    rows = list(rows)
    known = symbols.resolve(part for row in rows for part in row[8].split(BEGINS))
    alike: dict[tuple[Any, ...], list[tuple[int, str]]] = collections.defaultdict(list)
    for kind, what, file, line, function, address, type_name, text, chain in rows:
        chain, _, begins = chain.partition(BEGINS)
        frames = tuple(frame._replace(file=relative(frame.file, roots)) for frame in known.get(chain, ()))
        file, line, callers, through = _blamed(relative(file, roots), line, frames)
        what = _of_a_crate(what) + through
        if not line and known.get(begins):
            place, line, where = symbols.in_function(known[begins][0], text)
            file, what = relative(place, roots), f"{what} ({where})"
        alike[kind, what, file, line, function, type_name, callers].append((address, text))
    return [
        Finding(kind, what, file, line, function, type_name, found[0][1], found[0][0], len(found), callers)
        for (kind, what, file, line, function, type_name, callers), found in alike.items()
    ]


def relative(file: str, roots: Sequence[str]) -> str:
    """A file that lies in one of these folders, named relative to it. One that is named relative to the folder in which it was
    compiled is looked for in these."""
    if file.startswith("."):
        inside = re.sub(r"^(\.{1,2}/)+", "", file)
        return inside if any(Path(root, inside).is_file() for root in roots) else file
    for root in roots:
        if file.startswith(root + "/"):
            return file[len(root) + 1 :]
    return file


def _blamed(file: str, line: int, frames: tuple[symbols.Frame, ...]) -> tuple[str, int, tuple[str, ...], str]:
    """The line to be named and its callers: where only an address is known, or a line of a header that was copied, the next
    one outwards. For a line of a crate that others wrote, such as PyO3, it is the extension's that came there; the last of what
    is returned says then through which."""
    callers = list(frames)
    while callers and (not line or file.rpartition("/")[2] in COPIED) and callers[0].line:
        frame = callers.pop(0)
        file, line = frame.file, frame.line
    through = ""
    own = [number for number, frame in enumerate(callers) if frame.line and not _IN_A_CRATE.match(frame.file)]
    if _IN_A_CRATE.match(file) and own:
        through = f" (through {_of_a_crate(file)}:{line})"
        file, line = callers[own[0]].file, callers[own[0]].line
        callers = [frame for frame in callers[own[0] + 1 :] if not _IN_A_CRATE.match(frame.file)]
    # The function in which the line stands may be the first of its own callers, where others were made a part of it.
    return file, line, tuple(map(str, callers)), through


#: Where cargo keeps the crates that a package is built with.
_IN_A_CRATE = re.compile(r"(?:/|[A-Z]:)[^ ]*?/(?:registry/src|git/checkouts/[^/ ]+)/[^/ ]+/")


def _of_a_crate(text: str) -> str:
    """A text in which files of crates are named relative to where cargo keeps them."""
    return _IN_A_CRATE.sub("", text)


def has_a_ledger(module: types.ModuleType) -> bool:
    """Does this extension module keep a ledger?"""
    return hasattr(module, "ledger_position")


def ledger(module: types.ModuleType | str = "hashtable_traced", *, record: bool = True) -> Ledger:
    """What an extension takes and gives, for a `with` block.

    Args:
        module: an extension module that keeps a ledger, or its name.
        record: keep every event, not only what does not balance. That takes memory, about 100 bytes for each event.

    Returns:
        The ledger; what is open is known when the block has ended.

    Raises:
        ImportError: there is no such module.
        TypeError: the module keeps no ledger.
    """
    if isinstance(module, str):
        module = importlib.import_module(module)
    if not has_a_ledger(module):
        raise TypeError(f"{module.__name__} keeps no ledger: it must be built with the crate in src/ledger.")
    return Ledger(module, record)
