"""Pictures of calls: through the layers, and what happens to a reference on the way."""

from __future__ import annotations

from drawings.svg import Picture, answer, badge, box, labelled, line, picture, run, words

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
    svg += words(306, 228, "each count + 1:", "small") + badge(322, 244, "+1") + badge(348, 244, "+1")
    svg += step(4, 296, extension, library, "hash, k, v", "k, v: stolen")
    svg += labelled(322, 326, 120, 44, "bucket = hash\nmod size", "soft")
    svg += step(5, 398, library, extension, "done", "")
    svg += labelled(168, 420, 124, 28, "Py_NewRef(h)", "soft") + badge(308, 434, "+1")
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
            if len(lines[-1]) + len(word) > 20 and lines[-1]:
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
with ledger() as book:
    table.set("key", thing); table.get("key"); table.pop("key")
print(json.dumps([(e.function.rpartition(".")[2], e.what, e.count) for e in book.events if e.address == id(thing)]))
"""


@picture
def tokens() -> Picture:
    """Where the references to one value are, in set, get and pop."""
    seen = answer(_EVENTS)
    places = {"caller": (8, 140, "python"), "hand": (160, 140, "extension"), "table": (312, 140, "library")}
    moves = {
        "incref": ("hand", None, "take one: + 1"),
        "stored": ("table", "hand", "put into the table"),
        "taken": ("hand", "table", "take out of the table"),
        "returned": ("caller", "hand", "give to the caller"),
        "borrowed": (None, None, "look at it: borrowed"),
    }
    svg, y, call = "", 34.0, ""
    base = None
    for function, what, count in seen:
        if function != call:
            call = function
            svg += words(14, y + 14, f"{function}:", "code strong")
            y += 22
        to, come_from, said = moves[what]
        base = count if base is None else base
        if to and come_from:
            start, end = (places[come_from][0] + 70, places[to][0] + 70)
            sign = 1 if end > start else -1
            svg += f'<circle class="badge" cx="{start:g}" cy="{y + 8:g}" r="7"/>' + line(
                (start + 10 * sign, y + 8), (end - 10 * sign, y + 8)
            )
            svg += f'<circle class="box" cx="{end:g}" cy="{y + 8:g}" r="7"/>'
        elif to:
            svg += f'<circle class="badge" cx="{places[to][0] + 70:g}" cy="{y + 8:g}" r="7"/>'
        else:
            svg += (
                line((230, y + 8), (368, y + 8), kind="dashed")
                + f'<circle class="badge" cx="382" cy="{y + 8:g}" r="7"/>'
            )
        svg += words(14, y + 28, f"{what}: {said}, count {count}", "small")
        y += 38
    text = (
        "Each disc is one reference to the value; it is in the caller's hands, in the function's, or in the table. "
        "<b>set</b> takes a reference of its own (the count goes up) and moves it into the table (the count stays). "
        "<b>get</b> looks at the table's, which is borrowed, takes one more and gives it to the caller. <b>pop</b> "
        "moves the table's own reference out to the caller: no count changes at all."
    )
    return Picture("Where the references are, in set, get and pop", lanes(y, places) + svg, y, text)


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
    height = 34 + 26 * max(len(rows) for rows, _ in sides.values()) + 34
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
        said.append(len(book.events))
        self.table.clear()
        return True
h = hashtable_traced.HashTable()
h[Meddler(h)] = "first"
address = id(next(iter(h)))
with ledger() as book:
    h.get(1)
print(json.dumps([(e.function.rpartition(".")[2], e.what, e.count) for e in book.events if e.address == address]))
"""


@picture
def meddler() -> Picture:
    """The lookup under which the table is emptied, with the count of the key."""
    owners, rows = 1, [("get", "finds a key with this hash", 1)]
    says = {
        ("get", "incref"): ("get", "take a reference, then compare", 1),
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


@picture
def witness() -> Picture:
    """Overwriting a value: first in order, then let go."""
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
    svg += line((180, 44 + 28 * 2 - 4), (238, 44 + 28 * 3 - 4))
    height = 44 + 28 * len(rows)
    text = (
        "The order of a write. The new value is in its place before the old one is let go, because letting go can "
        "run any Python code, and that code may look at this very table."
    )
    return Picture("Overwriting a value, step by step", lanes(height, columns) + svg, height, text)
