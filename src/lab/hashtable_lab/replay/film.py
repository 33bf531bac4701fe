"""Makes a film of a recording: steps, and at each step what has changed.

The format is described in docs/replay-format.md, and has a version. The log of the child (see `recording`) is in the words of those
who wrote it: addresses, and lines that belong together without saying so. Here addresses become objects (memory is used again, so
one address can be several objects, one after another), and lines become steps, of three kinds: Python's, the extension's, and what
one of the layers says or does in the table.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hashtable_lab.audit.report import Report
from hashtable_lab.replay.recording import Recording

FORMAT, VERSION = "hashtable-replay", 1

#: Of native source, so many lines around each that is named are quoted.
_AROUND = 8
#: After such a row the log has every count that has changed (see src/ledger/account/follow.rs).
_LOOKED = ("event", "call", "return", "note", "said", "table", "freed")

#: From here on a count says only that the object is never freed: CPython gives such objects 2**29, 10**9 or more.
_LEAST_IMMORTAL = 2**28
#: Before CPython 3.12 these were counted like others; but they are never freed either, and everybody has a reference to them, the
#: recorder too.
_ALWAYS_THERE = ("NoneType", "bool", "NotImplementedType", "ellipsis")

# Changes that tell nothing but that an object is there, and how often it is referred to.
_COUNTS = ("born", "count")

Change = list[Any]


class Maker:
    """Reads a log row by row.

    Attributes:
        steps: what is there of the film.
        objects: the objects in it.
        findings: what did not balance.
        most: so many steps are made at most.
        full: there would be more.
    """

    def __init__(self, most: int) -> None:
        self.steps: list[dict[str, Any]] = []
        self.objects: list[dict[str, Any]] = []
        self.findings: list[dict[str, Any]] = []
        self.notes: list[str] = []
        self.most, self.full = most, False
        self._now: dict[int, int] = {}  # address: the object that is there now
        self._dead: set[int] = set()  # addresses where it has no owner any more
        self._immortal: set[int] = set()
        self._coming: list[Change] = []  # what belongs to the next step
        self._born: set[int] = set()  # objects born since the last step
        self._places: list[tuple[int, int, int]] = []  # memory of objects: start, end, object
        self._tables: dict[int, int] = {}
        self._calls: dict[str, list[int]] = {}  # by thread
        self._frames: dict[str, list[int]] = {}
        self._call = 0
        self._field: dict[int, int] = {}
        self._between = self._merged = False

    def read(self, rows: Iterable[list[str]]) -> None:
        """Reads rows. What is cut short, as the last line of a process that was killed may be, is passed over."""
        for row in rows:
            kind, thread = row[0], row[-1]
            act = getattr(self, "row_" + kind.replace(" ", "_"), None)
            if act is None or not thread.isdigit():
                continue
            before = len(self.steps)
            try:
                act(thread, *row[1:-1])
            except (ValueError, TypeError, KeyError, IndexError):
                continue
            if kind in _LOOKED:
                # The counts that come now are of a moment for which there is no step, and belong to the next one.
                self._between = len(self.steps) == before and not self._merged
                self._merged = False

    # ---- steps -------------------------------------------------------------------------------------------------------

    def _step(self, kind: str, thread: str, changes: Sequence[Change] = (), **fields: Any) -> None:
        if len(self.steps) >= self.most:
            self.full = True
        if self.full:
            self._coming.clear()
            return
        step: dict[str, Any] = {"kind": kind}
        if thread != "1":
            step["thread"] = int(thread)
        step.update((name, value) for name, value in fields.items() if value not in (None, ""))
        step["changes"] = [*self._coming, *changes]
        self._coming = []
        self._born.clear()
        self.steps.append(step)

    def _after(self, *changes: Change) -> None:
        """These belong to the step that has just been made."""
        if self.full:
            return
        (self.steps[-1]["changes"] if self.steps else self._coming).extend(changes)

    def _place(self, file: str, line: str) -> list[Any] | None:
        return [file, int(line)] if file and int(line) else None

    # ---- objects -----------------------------------------------------------------------------------------------------

    def _object_at(self, address: int, type_name: str = "", shown: str = "") -> int:
        """The object at an address, which is a new one if nothing was there."""
        if address not in self._now:
            self._now[address] = len(self.objects)
            self._born.add(len(self.objects))
            self.objects.append({"type": type_name.rpartition(".")[2], "shown": shown, "address": hex(address)})
            self._coming.append(["born", self._now[address]])
        return self._now[address]

    def row_object(self, thread: str, address: str, type_name: str, shown: str) -> None:
        at = int(address)
        short = type_name.rpartition(".")[2]
        look = short if shown.startswith("<") else shown
        if at in self._now:
            known = self.objects[self._now[at]]
            same = known["type"] in ("", short) and (shown.startswith("<") or known["shown"] in ("", look))
            if same and at not in self._dead:
                known["type"], known["shown"] = short, known["shown"] or look
                return
            self._gone(at)
        self._object_at(at, type_name, look)

    def _gone(self, address: int) -> None:
        """What was at this address is there no more."""
        self._dead.discard(address)
        number = self._now.pop(address)
        if number in self._born and not any(
            number in change[1:] for change in self._coming if change[0] not in _COUNTS
        ):
            # It has come and gone between two steps: then it never was.
            self._coming = [change for change in self._coming if change[0] not in _COUNTS or change[1] != number]
        else:
            self._coming.append(["gone", number])

    def row_count(self, thread: str, address: str, count: str) -> None:
        at = int(address)
        number = self._now.get(at)
        if number is None or self.full:
            return
        if int(count) == 0 and self._between and number in self._born:
            self._gone(at)
            return
        if int(count) == 0:
            # It is being taken apart, and who does that may still name it.
            self._dead.add(at)
        always = int(count) >= _LEAST_IMMORTAL or self.objects[number]["type"] in _ALWAYS_THERE
        counted: int | str = "immortal" if always else int(count)
        later = number in self._born or self._between or not self.steps
        where = self._coming if later else self.steps[-1]["changes"]
        if counted == "immortal":
            if number in self._immortal:
                return
            self._immortal.add(number)
        where[:] = [change for change in where if change[:2] != ["count", number]]
        where.append(["count", number, counted])

    def row_unfollowed(self, thread: str, address: str) -> None:
        number = self._now.get(int(address))
        if number is not None:
            self._coming.append(["unfollowed", number])

    # ---- Python ------------------------------------------------------------------------------------------------------

    def row_note(self, thread: str, text: str) -> None:
        news = json.loads(text)
        kind = news["kind"]
        if kind == "fork":
            self.notes.append("the script forked; what its forks did is not in the film")
            return
        if kind == "blind":
            self.notes.append(f"from some step on, lines of the script are missing: {news['why']}")
            return
        changes: list[Change] = []
        frame, stack = news["frame"], self._frames.setdefault(thread, [])
        if kind == "call" or frame not in stack:
            name = news.get("function", "")
            stack.append(frame)
            changes.append(["push", frame, int(thread), "the script" if name in ("<module>", "") else name])
        for address, (shown, type_name, items, more) in news.get("held", {}).items():
            number = self._object_at(int(address), type_name, shown)
            if shown:
                self.objects[number].update(shown=shown, type=type_name)
            held = [[label, self._object_at(item)] for label, item in items]
            changes.append(["items", number, held, more])
        for of, names in news.get("names", {}).items():
            for name, address in names.items():
                changes.append(["name", int(of), name, None if address is None else self._object_at(address)])
        value = news.get("value")
        returned = self._now.get(value) if value else None
        if kind != "call" or news["line"] > 0:
            self._step(kind, thread, changes, line=news["line"], frame=frame, function=news.get("function"), object=returned,
                       raised=news.get("raised"), output=news.get("output"))  # fmt: skip
        else:
            self._coming += changes
        if kind == "return":
            self._coming.append(["pop", frame])
            if frame in stack:
                stack.remove(frame)

    # ---- calls -------------------------------------------------------------------------------------------------------

    def row_fields(self, thread: str, of: str, start: str, end: str) -> None:
        if int(of) in self._now:
            place = (int(start), int(end), self._now[int(of)])
            if place not in self._places[-50:]:
                self._places = [it for it in self._places if it[0] != place[0]] + [place]

    def _owner(self, address: int) -> int | None:
        """The object in whose memory an address lies."""
        return next((of for start, end, of in reversed(self._places) if start <= address < end), None)

    def _called(self, thread: str) -> int:
        return self._calls.get(thread, [0])[-1] if self._calls.get(thread) else 0

    def row_call(self, thread: str, function: str, of: str, arguments: str) -> None:
        self._call += 1
        passed = [self._object_at(int(address)) for address in arguments.split()]
        self._calls.setdefault(thread, []).append(self._call)
        first = self._now.get(int(of))
        self._step("enter", thread, [["enter", self._call, int(thread), function, passed]], function=function,
                   object=first, arguments=passed or None)  # fmt: skip

    def row_return(self, thread: str, function: str, result: str, raised: str) -> None:
        calls = self._calls.get(thread) or [0]
        self._step("leave", thread, [], function=function, object=self._now.get(int(result)), raised=raised)
        if calls[-1]:
            self._coming.append(["leave", calls.pop()])

    def row_event(
        self, thread: str, what: str, file: str, line: str, function: str, address: str, type_name: str, count: str
    ) -> None:
        number = self._object_at(int(address), type_name)
        call = self._called(thread)
        hand = {"incref": 1, "new": 1, "taken": 1, "decref": -1, "returned": -1, "stolen": -1, "stored": -1}
        changes: list[Change] = []
        if what == "borrowed":
            changes.append(["lend", call, number])
        elif what in hand:
            changes.append(["hand", call, number, hand[what], self._place(file, line)])
        self._step(
            "event", thread, changes, event=what, place=self._place(file, line), function=function, object=number
        )

    def row_finding(self, thread: str, kind: str, what: str, file: str, line: str, function: str, address: str,
                 type_name: str, shown: str, *_: str) -> None:  # fmt: skip
        number = self._now.get(int(address))
        finding: dict[str, Any] = {"kind": kind, "what": what, "function": function, "type": type_name, "shown": shown}
        finding |= {"place": self._place(file, line), "object": number, "step": len(self.steps)}
        self.findings.append(finding)
        mark = "lost" if kind == "surplus" else "owed"
        changes = [] if number is None else [[mark, number, len(self.findings) - 1, self._called(thread)]]
        self._step("finding", thread, changes, finding=len(self.findings) - 1, place=finding["place"],
                   function=function, object=number)  # fmt: skip
        if self.full:
            finding["step"] = None

    # ---- what is stored ----------------------------------------------------------------------------------------------

    def _field_name(self, field: int) -> int:
        return self._field.setdefault(field, len(self._field))

    def row_field(self, thread: str, field: str, address: str) -> None:
        number = self._now.get(int(address))
        self._after(["field", self._field_name(int(field)), self._owner(int(field)), number])

    def row_from_field(self, thread: str, field: str, address: str) -> None:
        self._coming.append(["field", self._field_name(int(field)), None, None])

    def row_fields_exchanged(self, thread: str, one: str, other: str) -> None:
        self._coming.append(["exchange fields", self._field_name(int(one)), self._field_name(int(other))])

    def row_entry(self, thread: str, container: str, address: str) -> None:
        self._after(["entry", self._object_at(int(container)), self._object_at(int(address)), 1])

    def row_from_entry(self, thread: str, container: str, address: str) -> None:
        self._coming.append(["entry", self._object_at(int(container)), self._object_at(int(address)), -1])

    def row_entries_exchanged(self, thread: str, one: str, other: str) -> None:
        self._coming.append(["exchange entries", self._object_at(int(one)), self._object_at(int(other))])

    def row_freed(self, thread: str, address: str) -> None:
        number = self._now.get(int(address))
        if number is not None:
            self._coming.append(["freed", number])
            self._gone(int(address))

    # ---- the layers, and the table -----------------------------------------------------------------------------------

    def row_said(self, thread: str, layer: str, message: str) -> None:
        self._step("said", thread, layer=layer, said=message)

    def row_table(self, thread: str, address: str, text: str) -> None:
        owner = self._owner(int(address))
        if owner is None:
            return  # made only to be exchanged for another one
        table = self._tables.setdefault(int(address), len(self._tables))
        head, *entries = text.split(";")
        what, *numbers = head.split()
        change: Change
        if what == "walk":
            change = ["walk", table, owner, numbers[0], int(numbers[1])]
        elif what in ("passed", "candidate"):
            change = [what, table, int(numbers[0])]
        elif what == "end":
            change = ["end", table]
        elif what == "added":
            change = ["entry at", table, int(numbers[0]), self._pair(numbers[2:], numbers[1]), True]
        elif what == "replaced":
            change = ["entry at", table, int(numbers[0]), self._pair(numbers[1:]), False]
        elif what == "removed":
            change = ["hole", table, int(numbers[0]), int(numbers[1])]
        elif what == "rebuilt":
            change = ["rebuilt", table, owner, int(numbers[0]), [self._pair(entry.split()) for entry in entries]]
        else:
            change = ["no table", table]
        last = self.steps[-1] if self.steps else {}
        if last.get("kind") == "said" and last.get("layer") == "library" and "table" not in last and not self.full:
            last["table"] = what
            last["changes"] += [*self._coming, change]
            self._coming = []
            self._merged = True
        else:
            self._step("table", thread, [change], table=what)

    def _pair(self, words: list[str], hash_: str = "-") -> Change | None:
        """An entry: bucket, hash (as text: it may have 64 bits), key, value. None is a hole."""
        if not words:
            return None
        bucket, known, key, value = words
        hash_ = known if known != "-" else hash_
        return [int(bucket), None if hash_ == "-" else hash_, self._object_at(int(key)), self._object_at(int(value))]

    def row_full(self, thread: str) -> None:
        self.full = True


# ---- the whole of it -------------------------------------------------------------------------------------------------


def make(
    recording: Recording,
    title: str,
    script: str,
    text: str,
    module: str | None,
    report: Report,
    source: Callable[[str], Sequence[str]],
    most: int,
) -> dict[str, Any]:
    """Makes a film.

    Args:
        recording: what the child wrote.
        title: what the page is called.
        script: the script's name, for people.
        text: its text.
        module: the extension that kept the ledger.
        report: what the ledger found, all in all.
        source: gives the lines of a file of the extension's source, or none.
        most: so many steps at most.

    Returns:
        All of it, for JSON.
    """
    maker = Maker(most)
    maker.read(recording.rows)
    reached = maker.full
    maker.full, maker.most = False, most + 1
    ending = recording.ending
    words = report.ending
    last = "crash" if ending.crashed else "end"
    maker._step(last, "1", said=words)
    names = {place[0] for step in maker.steps if (place := step.get("place"))}
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "script": script,
        "module": module or "",
        "python": platform.python_version(),
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "ending": {"words": words, "crashed": ending.crashed, "timed_out": ending.timed_out, "well": report.well},
        "limit": {"steps": most, "reached": reached},
        "notes": maker.notes,
        "files": [
            {"name": script, "language": "python", "parts": [[1, text.splitlines()]]},
            *(_quoted(name, source(name), maker.steps) for name in sorted(names)),
        ],
        "output": recording.output.decode("utf-8", "replace"),
        "objects": maker.objects,
        "findings": maker.findings,
        "steps": maker.steps,
    }


def _quoted(name: str, lines: Sequence[str], steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What of a file is named by a step, with the lines around it."""
    wanted = {step["place"][1] for step in steps if step.get("place") and step["place"][0] == name}
    near = {at for line in wanted for at in range(max(line - _AROUND, 1), min(line + _AROUND, len(lines)) + 1)}
    parts: list[list[Any]] = []
    for at in sorted(near):
        if not parts or parts[-1][0] + len(parts[-1][1]) != at:
            parts.append([at, []])
        parts[-1][1].append(lines[at - 1])
    return {"name": name, "language": "rust" if name.endswith(".rs") else "c", "parts": parts}
