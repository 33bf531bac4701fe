"""Pictures of an object: its memory, its slots, and the garbage collector's sum."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from pathlib import Path

from hashtable import HashTable

from drawings.svg import Picture, box, labelled, line, picture, words


@picture
def memory() -> Picture:
    """The object in memory."""
    fields = [
        ("reference count", "", "python"),
        ("type", "", "python"),
        ("table", "", "library"),
        ("hash_func", "owned", "extension"),
        ("weak references", "", "extension"),
    ]
    svg = words(10, 18, "a HashTable", "strong")
    for number, (name, note, kind) in enumerate(fields):
        y = 28 + 36 * number
        svg += box(10, y, 190, 36, kind) + words(20, y + 22, name, "code") + words(192, y + 22, note, "small end")
    svg += labelled(290, 28, 160, 54, "type object\nHashTable", "python")
    svg += labelled(290, 100, 160, 54, "buckets, entries:\nevery key and value", "library")
    svg += labelled(290, 176, 160, 54, "function\ndigits", "extension")
    svg += line((200, 82), (288, 55)) + line((200, 118), (288, 127)) + line((200, 154), (288, 203))
    text = (
        "A <code>HashTable</code> in memory. The first two fields are all that Python knows of any object: a count, "
        "and a pointer to its type. The rest is the extension's own: the library's table, with a reference to every "
        "key and value, and a pointer to the hash function, which the object owns. Its size, as "
        f"<code>HashTable.__basicsize__</code> says, is {HashTable.__basicsize__} bytes."
    )
    return Picture("A HashTable in memory", svg, 236, text)


@picture
def slots() -> Picture:
    """Which slot a line of Python lands in."""
    rows = [
        ("len(h)", "mp_length"),
        ("h[k]", "mp_subscript"),
        ("h[k] = v", "mp_ass_subscript"),
        ("del h[k]", "mp_ass_subscript"),
        ("k in h", "sq_contains"),
        ("for k in h", "tp_iter"),
        ("repr(h)", "tp_repr"),
        ("h == other", "tp_richcompare"),
        ("h | other", "nb_or"),
        ("hash(h)", "tp_hash"),
    ]
    names = list(dict.fromkeys(slot for _, slot in rows))
    svg = words(10, 18, "in Python", "strong") + words(270, 18, "the slot of the type", "strong")
    step = 31
    at = {name: 30 + step * number for number, name in enumerate(names)}
    for number, (typed, slot) in enumerate(rows):
        y = 30 + step * number * len(names) / len(rows)
        shape = box(10, y, 140, 24, "python") + words(20, y + 16, typed, "code")
        svg += f'<g data-key="{number}" data-on="{number}" tabindex="0">{shape}</g>'
        svg += f'<g data-line="{number}" class="dim">{line((150, y + 12), (268, at[slot] + 12))}</g>'
    for name in names:
        lit = " ".join(str(number) for number, (_, slot) in enumerate(rows) if slot == name)
        svg += f'<g data-on="{lit}">{box(270, at[name], 180, 24, "extension")}</g>' + words(
            280, at[name] + 16, name, "code"
        )
    text = (
        "Point at a line of Python, and the slot that it lands in lights up: "
        + ", ".join(f"<code>{typed}</code> in <code>{slot}</code>" for typed, slot in rows)
        + "."
    )
    return Picture("Lines of Python and the slots they land in", svg, 30 + step * len(names) + 4, text)


#: What the collector makes of each case: whether a variable owns the function, and how often the table shows it.
_ENDS = {
    (0, 1): "0 and 0: nobody outside owns either of them. Both are garbage, and go.",
    (1, 1): "1 is left: somebody outside owns the function, and the function shows the table. Both live.",
    (0, 0): "1 is left, though nobody outside owns the function. Both stay for ever: a leak.",
    (1, 0): "2 are left, and both live, as they should. But try it without the variable.",
    (0, 2): "-1 is left, which cannot be. It is not 0, so both stay for ever: a leak.",
    (1, 2): "0 and 0, though a variable owns the function: a live object is taken for garbage, and destroyed.",
}


def _sums() -> dict[str, dict[str, object]]:
    """The collector's sum in each case, step by step, and what came of it when it was tried."""
    program = Path(__file__).resolve().parents[1] / "programs" / "visited_twice.py"
    cases: dict[str, dict[str, object]] = {}
    for named, shown, end in json.loads(subprocess.check_output([sys.executable, program, "--all"], text=True)):
        counts, visits = [1, 1 + named], [1, shown]
        left = [count - visit for count, visit in zip(counts, visits)]
        # What is not 0 is reached from outside, and so is what it shows: the function shows the table.
        expected = "kept" if left[1] else "destroyed" if named else "gone"
        assert end == expected, (named, shown, end)
        times = ("not at all", "once", "twice")[shown]
        steps = [
            {"visits": [0, 0], "said": "The collector copies the counts."},
            {"visits": [0, shown], "said": f"It calls the table's tp_traverse, which shows the function {times}."},
            {"visits": visits, "said": "It calls the function's tp_traverse, which shows the table once."},
            {"visits": visits, "said": _ENDS[named, shown], "end": end},
        ]
        cases[f"{named}{shown}"] = {"counts": counts, "named": bool(named), "steps": steps}
    return cases


@picture
def subtraction() -> Picture:
    """The garbage collector's subtraction, as the reader chooses what owns and what is shown."""
    data = html.escape(json.dumps(_sums()), quote=True)
    svg = f'<g data-sums="{data}"></g><g data-part="variable" class="away">'
    svg += labelled(310, 8, 130, 26, "a variable", "soft") + line((375, 34), (375, 58)) + "</g>"
    for name, x, kind in (("table", 20, "extension"), ("function", 310, "python")):
        svg += f'<g data-part="{name}">{labelled(x, 60, 130, 44, name, kind)}</g>'
        for number, (title, value) in enumerate((("count", "1"), ("visits", "- 1"), ("left", "= 0"))):
            y = 130 + 20 * number
            svg += words(x, y, title, "small")
            svg += f'<text class="code end" data-number="{name}-{title}" x="{x + 130}" y="{y}">{value}</text>'
    svg += f'<g data-part="table-shows">{line((150, 74), (308, 74))}</g>'
    svg += f'<g data-part="function-shows">{line((310, 92), (152, 92))}</g>'
    svg += words(230, 68, "owns", "small mid") + words(230, 108, "owns", "small mid")
    buttons = (
        '<button type="button" data-choose="named" aria-pressed="false">a variable owns the function</button>'
        "<span>the table shows the function "
        + " ".join(
            f'<button type="button" data-choose="{number}" aria-pressed="{str(number == 1).lower()}">{word}</button>'
            for number, word in enumerate(("never", "once", "twice"))
        )
        + '</span><span><button type="button" data-choose="step">step</button> '
        '<button type="button" data-choose="start">start again</button></span><output></output>'
    )
    text = (
        "The collector's subtraction. A table owns its hash function, and the function knows the table. From each "
        "count the collector takes away the references that <code>tp_traverse</code> shows. <b>Once, no variable:</b> "
        "1 less 1 is 0 for both. Nobody outside owns them, so both are garbage. <b>A variable:</b> the function's "
        "count is 2, and 1 is left; it lives, and so does the table, which it reaches. <b>Never:</b> the table "
        "hides a reference that it owns; 1 is left without an owner outside, and the two stay for ever. <b>Twice, "
        "with a variable:</b> the table shows a reference that it does not own. 2 less 2 is 0, and the function is "
        "destroyed while the variable still stands for it. (The variable is one of a running function. The "
        "collector does not look into those, so only the count tells that it is there.) Each case was tried when "
        "this page was built, and ended as it is shown here."
    )
    return Picture("Counts less visits", svg, 180, text, buttons)


@picture
def dealloc() -> Picture:
    """What dealloc gives back, in order."""
    steps = [
        ("gc: stop looking at it", "untrack"),
        ("weak references die", "clear them"),
        ("every key, every value", "Py_DECREF each"),
        ("the hash function", "Py_DECREF"),
        ("the library's arrays", "free"),
        ("the object's own memory", "tp_free"),
    ]
    svg = words(10, 18, "the count is 0: tp_dealloc", "strong")
    for number, (what, how) in enumerate(steps):
        y = 30 + 40 * number
        svg += box(10, y, 250, 30, "extension" if "Py_DECREF" in how else "soft") + words(20, y + 19, what)
        svg += words(280, y + 19, how, "code")
        if number:
            svg += line((135, y - 10), (135, y - 2))
    text = (
        "What <code>tp_dealloc</code> does, from top to bottom. Whatever the object owned is given back exactly "
        "once: a reference to every key and value, the reference to the hash function, the library's memory, and "
        "last the memory of the object itself."
    )
    return Picture("What dealloc gives back", svg, 30 + 40 * len(steps), text)


@picture
def one_decref() -> Picture:
    """What one Py_DECREF can set off."""
    svg = labelled(160, 10, 140, 32, "Py_DECREF(x)", "extension")
    svg += line((230, 42), (230, 66)) + words(240, 58, "the count is 0", "small")
    svg += labelled(140, 68, 180, 32, "x's tp_dealloc", "extension")
    boxes = [
        (8, "x.__del__\nany Python code"),
        (162, "weak references:\ntheir callbacks run"),
        (316, "all that x owned\nloses a reference"),
    ]
    for x, text in boxes:
        svg += line((230, 100), (x + 68, 138)) + labelled(
            x, 140, 136, 46, text, "python" if "all that" not in text else "extension", "small"
        )
    svg += line((384, 186), (384, 216)) + labelled(
        316, 218, 136, 46, "their tp_dealloc,\nand so on", "extension", "small"
    )
    svg += (
        line((76, 186), (76, 238), (150, 238))
        + line((230, 186), (230, 226))
        + words(152, 242, "may use this very table", "small strong")
    )
    text = (
        "One <code>Py_DECREF</code> of the last reference runs the object's <code>tp_dealloc</code>. That may run "
        "<code>__del__</code>, which is any Python code; it may run the callbacks of weak references; and it gives "
        "back all that the object owned, each of which may be a last reference in its turn. Any of this code may "
        "use the very table that gave the reference back."
    )
    return Picture("What one Py_DECREF can set off", svg, 274, text)
