"""Pictures of calls: through the layers, and what happens to a reference on the way."""

from __future__ import annotations

import json
from html import escape

from drawings.svg import STEPPING, Picture, answer, badge, box, labelled, line, picture, run, words

LANES = {"Python": (8, 140, "python"), "extension": (160, 140, "extension"), "library": (312, 140, "library")}


def lanes(height: float, names: dict[str, tuple[float, float, str]] = LANES) -> str:
    """Lanes from top to bottom, with their names."""
    return "".join(
        box(x, 0, width, height, kind, bare=True) + words(x + width / 2, 18, name, "strong mid")
        for name, (x, width, kind) in names.items()
    )


@picture
def six_steps() -> Picture:
    """One call of set, with the counts."""
    centre = {name: x + width / 2 for name, (x, width, _) in LANES.items()}
    python, extension, library = centre.values()
    height = 505
    svg = lanes(height)

    def step(number: int, y: float, start: float, end: float, above: str, below: str) -> str:
        left, right = sorted((start, end))
        middle = (left + right) / 2
        circle = f'<circle class="box soft" cx="{left - 16:g}" cy="{y:g}" r="10"/>' + words(
            left - 16, y + 4.5, str(number), "mid"
        )
        return (
            circle
            + line((start, y), (end, y))
            + words(middle, y - 7, above, "code mid")
            + words(middle, y + 16, below, "small mid")
        )

    svg += labelled(20, 30, 116, 28, "h.set(k, v)", "soft")
    svg += step(1, 84, python, extension, "set", "k, v: borrowed")
    svg += step(2, 132, extension, python, "hash_func(k)", "k: lent again")
    svg += step(3, 180, python, extension, "an int", "a new reference")
    svg += labelled(168, 212, 124, 44, "Py_NewRef(k)\nPy_NewRef(v)", "soft")
    svg += words(306, 228, "each count + 1:", "small") + badge(322, 246, "+1") + badge(352, 246, "+1")
    svg += step(4, 296, extension, library, "hash, k, v", "k, v: stolen")
    svg += labelled(322, 326, 120, 44, "bucket = hash\nmod size", "soft")
    svg += step(5, 398, library, extension, "done", "")
    svg += labelled(168, 420, 124, 28, "Py_NewRef(h)", "soft") + badge(310, 434, "+1")
    svg += step(6, 478, extension, python, "h", "a new reference")
    text = (
        "One call of <code>h.set(k, v)</code>, from top to bottom. <b>1</b> Python lends key and value to the "
        "extension. <b>2</b> The extension lends the key to the hash function, up in Python. <b>3</b> An int comes "
        "back, a new reference, which the extension gives back once it has read the number. Now it takes a "
        "reference of its own to the key, and one to the value: two INCREFs, each count one higher. <b>4</b> The "
        "library takes over these two references: stolen. A borrowed reference cannot be stolen; that is why the "
        "two INCREFs come before. <b>5</b> The pair is in its bucket. <b>6</b> The result is the table itself, so "
        "one more INCREF: what a method returns must be a new reference."
    )
    return Picture("How h.set(k, v) travels through the three layers", svg, height, text)


@picture
def swim_lanes() -> Picture:
    """A short transcript, each line in its layer's lane."""
    said = run(
        "from hashtable_traced import HashTable, announce\n"
        "announce(False)\n"
        "def digits(key):\n"
        "    number = int(''.join(str(ord(letter)) for letter in key))\n"
        "    print(f'Python: digits({key!r}) is {number}')\n"
        "    return number\n"
        "h = HashTable(hash_func=digits)\n"
        "announce(True)\n"
        "h.set('pi', 3.14)\n"
        "announce(False)\n"
    ).splitlines()
    svg, y = "", 34.0
    for row in said:
        lane, _, text = row.partition(": ")
        x, width, _ = LANES[lane]
        lines: list[str] = [""]
        for word in text.split():
            if len(lines[-1]) + len(word) > 18 and lines[-1]:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        high = 14 * len(lines) + 8
        svg += box(x + 4, y, width - 8, high, "soft")
        for number, part in enumerate(lines):
            svg += words(x + 10, y + 15 + 14 * number, part, "small")
        y += high + 8
    text = (
        "The same call as the traced build tells it: each line of the transcript stands in the lane of the layer "
        "that says it. The call goes down into the extension, <em>up again</em> into Python for the hash, and then "
        "down to the library."
    )
    return Picture("The transcript of one set, in three lanes", lanes(y + 4) + svg, y + 4, text)


#: Runs some calls with a ledger, and prints what was entered about one object: (call, event, count).
_EVENTS = """
import json
import hashtable_traced
from hashtable_lab import ledger
hashtable_traced.announce(False)
class Thing: pass
thing = Thing()
table = hashtable_traced.HashTable()
with ledger() as kept:
    table.set("key", thing); table.get("key"); table.pop("key")
print(json.dumps([(e.function.rpartition(".")[2], e.what, e.count) for e in kept.events if e.address == id(thing)]))
"""


#: What each event does: where a reference moves to, where it comes from, and what it is called in the picture.
_MOVES = {
    "incref": ("hand", "", "take a reference: Py_INCREF"),
    "stored": ("table", "hand", "put it into the table"),
    "borrowed": ("", "", "look at the table's reference: borrowed"),
    "taken": ("hand", "table", "take it out of the table"),
    "returned": ("caller", "hand", "give it to the caller"),
}


def _steps(events: list[tuple[str, str, int]]) -> list[dict[str, object]]:
    """For each event: which call it is in, what it is called, by how much the count moves, and who owns what after it.

    The references that are followed are those of the caller's own name ("a"), of the table ("b"), and of the result of `get` ("c").
    """
    at, steps, call, before = {"a": "caller"}, [], "", 0
    for function, what, count in events:
        if function != call:
            # What the last call returned was dropped by its caller.
            at.pop("c", None)
            call, before = function, count - (what == "incref")
        to, come_from, said = _MOVES[what]
        if what == "incref":
            at["c" if "b" in at else "b"] = to
        elif to:
            [moving] = [token for token, place in at.items() if place == come_from and token != "a"]
            at[moving] = to
        lent = what == "borrowed"
        steps.append({"call": function, "said": said, "change": count - before, "at": dict(at), "lent": lent})
        before = count
    return steps


@picture
def tokens() -> Picture:
    """References as discs that move between the caller, the function's hand and the table, in set, get and pop."""
    places = {"caller": (8, 140, "python"), "hand": (160, 140, "extension"), "table": (312, 140, "library")}
    steps = _steps(answer(_EVENTS))
    seats = {"a": 0, "b": 1, "c": 2}

    def seat(token: str, place: str) -> tuple[float, float]:
        return places[place][0] + 30 + 40 * seats[token], 56

    shown = next(number for number, step in enumerate(steps) if "put it" in str(step["said"]))
    svg = lanes(86, places)
    svg += line((seat("b", "table")[0] - 14, 56), (270, 56), kind="dashed token-lent away")
    for token in seats:
        # Where the disc is if nothing moves it.
        place = steps[shown]["at"].get(token)
        x, y = seat(token, place or "hand")
        style = f'style="transform: translate({x:g}px, {y:g}px)"'
        svg += f'<g class="token{"" if place else " away"}" data-token="{token}" {style}><circle class="badge" r="11"/></g>'
    y, call = 96.0, ""
    for number, step in enumerate(steps):
        if step["call"] != call:
            call = str(step["call"])
            y += 22
            svg += words(10, y - 8, f"{call}:", "code strong")
        seen = {token: seat(token, str(place)) for token, place in step["at"].items()}
        state = escape(json.dumps({"at": seen, "lent": step["lent"], "said": f"{call}: {step['said']}"}))
        change = f"count + {step['change']}" if step["change"] else "count stays"
        svg += f'<g class="token-step" data-state="{state}"{" data-first" if number == shown else ""}>'
        svg += (
            box(24, y, 428, 26, "soft") + words(34, y + 17, str(step["said"])) + words(442, y + 17, change, "small end")
        )
        svg += "</g>"
        y += 31
    text = (
        "Each disc is one reference to the value. It is with the caller, in the hand of the function that runs, or in "
        "the table. The first one is the caller's own. <b>set</b> takes a reference (the count goes up) and puts it "
        "into the table (the count stays). <b>get</b> looks at the table's reference, which is borrowed, takes another "
        "one, and gives that to the caller. <b>pop</b> takes the table's own reference out and gives it to the caller: "
        "no count changes at all. Press <em>play</em>, or a step."
    )
    return Picture("Where the references are, in set, get and pop", svg, y + 4, text, STEPPING)


@picture
def right_and_broken() -> Picture:
    """The same prompt with the right module and the broken one."""
    from hashtable_lab import children, specimens
    from hashtable_lab.demos.missing_incref import DEATH, SESSION, type_at_the_prompt
    from hashtable_lab.stage import Stage

    sides = {}
    folder = specimens.build(specimens.load("missing-incref"), Stage())
    for side, where in (("right", None), ("broken", folder)):
        ending = children.run_function(
            type_at_the_prompt, SESSION, module_folder=where, environment=children.FREED_MEMORY_SHOWS
        )
        rows: list[tuple[str, str]] = []
        for row in ending.output.splitlines():
            if row.startswith(">>> "):
                rows.append((row[4:], ""))
            elif "references to the table: " in row and rows:
                rows[-1] = (rows[-1][0], row.rpartition(" ")[2])
            elif row == DEATH and rows:
                rows[-1] = (rows[-1][0], "0")
        sides[side] = (rows, "well" if ending.well else str(ending.signal_name))
    columns = {"right": (8, 218, "library"), "broken": (234, 218, "wrong")}
    height = 34 + 26 * max(len(rows) for rows, _ in sides.values()) + 8
    svg = lanes(height, columns)
    counts_of_the_right = [count for _, count in sides["right"][0][1:]]
    for side, (rows, end) in sides.items():
        x = columns[side][0]
        for number, (typed, count) in enumerate(rows[1:]):
            y = 40 + 26 * number
            short = typed if len(typed) < 24 else f"{typed[:19]} ..."
            svg += words(x + 8, y + 5, short, "code")
            if count:
                svg += badge(x + 202, y, count, side == "broken" and count != counts_of_the_right[number])
        y = 40 + 26 * (len(rows) - 1)
        svg += words(x + 8, y + 6, "ended well" if end == "well" else f"killed: {end}", "strong")
    text = (
        "The same lines, with the right module and the broken one. The badge is the number of references to the "
        "table, or 0 when it goes. On the right side of the picture, each <code>set</code> costs the table one "
        "reference that belongs to somebody else, until none is left while two names still stand for it. Then the "
        f"process is killed by {sides['broken'][1]}."
    )
    return Picture("The same session, right and broken", svg, height, text)


#: Runs the lookup that is meddled with, and prints what the ledger entered about the Meddler.
_MEDDLER = """
import json
import hashtable_traced
from hashtable_lab import ledger
hashtable_traced.announce(False)
said = []
class Meddler:
    def __init__(self, table): self.table = table
    def __hash__(self): return 1
    def __eq__(self, other):
        said.append(len(kept.events))
        self.table.clear()
        return True
h = hashtable_traced.HashTable()
h[Meddler(h)] = "first"
address = id(next(iter(h)))
with ledger() as kept:
    h.get(1)
print(json.dumps([(e.function.rpartition(".")[2], e.what, e.count) for e in kept.events if e.address == address]))
"""


@picture
def meddler() -> Picture:
    """The lookup under which the table is emptied, with the count of the key."""
    owners, rows = 1, [("get", "finds a key with this hash", 1)]
    says = {
        ("get", "incref"): ("get", "take a reference, compare", 1),
        ("clear", "decref"): ("clear", "the table gives back its own", -1),
        ("get", "decref"): ("get", "compared: give back", -1),
    }
    for function, what, _ in answer(_MEDDLER):
        if (function, what) in says:
            lane, text, change = says[function, what]
            owners += change
            rows.append((lane, text, owners))
    rows.append(("get", "the table has changed: start again", 0))
    columns = {"the lookup": (8, 218, "extension"), "__eq__, in Python": (234, 218, "python")}
    svg, y = "", 40.0
    for lane, text, count in rows:
        x = 8 if lane == "get" else 234
        svg += words(x + 10, y + 4, text, "small") + (
            badge(x + 200, y, count, count == 0) if count or "again" not in text else ""
        )
        y += 30
    counts = ", ".join(str(count) for _, text, count in rows if "again" not in text)
    words_below = (
        f"The owners of the key, step by step: {counts}. The table owns one reference. The lookup takes a second one "
        "before it compares. The comparison is Python code and clears the table, which gives back the first. The "
        "key lives on, because the lookup still owns its own; when that goes, the key goes. Without the second "
        "reference the key would be dead while it is being compared."
    )
    return Picture("A lookup, and a comparison that clears the table", lanes(y, columns) + svg, y, words_below)


#: A comparison takes out the key that is compared, and puts another one in: how many pairs the table had at each step.
_SAME_LENGTH = """
import json
from hashtable import HashTable
lengths = []
class Changeling:
    def __init__(self, table): self.table = table
    def __hash__(self): return 1
    def __eq__(self, other):
        if not lengths[1:]:
            for change in (lambda: self.table.pop(self), lambda: self.table.set("another", None)):
                change()
                lengths.append(len(self.table))
        return False
h = HashTable(typed=False)
h[Changeling(h)] = "first"
lengths.append(len(h))
h.get(1)
print(json.dumps([*lengths, len(h)]))
"""


@picture
def same_length() -> Picture:
    """Why the number of pairs does not tell whether the table has changed."""
    before, removed, added, after = answer(_SAME_LENGTH)
    assert before == added == after != removed
    columns = {"the lookup": (8, 160, "extension"), "__eq__, in Python": (172, 160, "python")}
    rows = [
        (8, "compares A", before, 7),
        (172, "del h[A]", removed, 8),
        (172, "h[B] = ...", added, 9),
        (8, "looks again", after, 9),
    ]
    height = 48 + 30 * len(rows)
    svg = lanes(height - 16, columns) + words(366, 18, "pairs", "strong mid") + words(428, 18, "changes", "strong mid")
    for number, (x, text, pairs, changes) in enumerate(rows):
        y = 48 + 30 * number
        svg += words(x + 10, y + 4, text, "small") + words(366, y + 4, str(pairs), "code mid")
        svg += words(428, y + 4, str(changes), "code mid")
    svg += line((90, 50), (178, 74)) + line((178, 112), (100, 128))
    svg += words(8, height + 4, f"pairs: {before} = {after}, as if nothing had happened", "small")
    svg += words(8, height + 24, "changes: 7 is not 9, so begin again", "small strong")
    text = (
        f"A lookup compares the key A, and the comparison takes A out and puts B in. The table had {before} pair before, "
        f"and has {after} afterwards. But it is another pair, and a lookup that went on with A would use a key that is gone. "
        "The number of changes only goes up: it was 7, and is 9. (Seven changes before are an example; the numbers of "
        "pairs were read while such a lookup ran.)"
    )
    return Picture("The same number of pairs, and another table", svg, height + 32, text)


@picture
def witness() -> Picture:
    """Overwriting a value: first in order, then give back."""
    columns = {"h[key] = new": (8, 218, "extension"), "__del__, in Python": (234, 218, "python")}
    rows = [
        (8, "take a reference to the new value"),
        (8, "put it into the entry"),
        (8, "Py_DECREF(old value)"),
        (234, "the old value looks at the table:"),
        (234, "it sees the new value"),
        (8, "return"),
    ]
    svg = "".join(words(x + 10, 44 + 28 * number, text, "small") for number, (x, text) in enumerate(rows))
    svg += line((150, 44 + 28 * 2 - 4), (238, 44 + 28 * 3 - 4)) + line((238, 44 + 28 * 4 - 4), (70, 44 + 28 * 5 - 4))
    height = 44 + 28 * len(rows)
    text = (
        "The order of a write. The new value is in its place before the old one is given back, because giving back can "
        "run any Python code, and that code may look at this very table."
    )
    return Picture("Overwriting a value, step by step", lanes(height, columns) + svg, height, text)
