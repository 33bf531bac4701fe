"""Pictures of an object: its memory, its slots, and the garbage collector's sum."""

from __future__ import annotations

import gc
import sys

from hashtable import HashTable

from drawings.svg import Picture, badge, box, labelled, line, picture, words


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


def _sum(
    x: float, title: str, counts: tuple[int, int], visits: tuple[int, int], said: str, more: str = "", named: str = ""
) -> str:
    """One case of the collector's sum: a table and a function that own each other. `named`: which has a name outside."""
    left = [count - visit for count, visit in zip(counts, visits)]
    svg = words(x, 18, title, "strong")
    for number, name in enumerate(("table", "function")):
        y = 32 + 76 * number
        dead = left[number] <= 0
        destroyed = name == named and dead
        svg += labelled(x, y, 100, 34, name, "wrong" if destroyed else "extension" if number == 0 else "python")
        svg += badge(x + 116, y + 17, counts[number])
        svg += words(x + 132, y + 21, f"- {visits[number]} = {left[number]}", "code" + (" strong" if dead else ""))
    svg += line((x + 30, 66), (x + 30, 106)) + line((x + 70, 108), (x + 70, 68))
    if named:
        svg += labelled(x + 116, 74, 60, 24, "a name", "soft", "small")
        svg += line((x + 116, 80), (x + 88, 68)) if named == "table" else line((x + 116, 92), (x + 88, 106))
    return svg + words(x, 166, said, "small") + words(x, 181, more, "small")


@picture
def subtraction() -> Picture:
    """The garbage collector's subtraction, on a real cycle."""

    def make():
        def hash_function(key):
            return table.load

        table = HashTable(hash_func=hash_function)
        return table

    table = make()
    names = [type(thing).__name__ for thing in gc.get_referents(table)]
    assert "function" in names, names
    count = sys.getrefcount(table)
    other = table
    assert sys.getrefcount(table) == count + 1  # an outside name is one more, and no visit takes it away
    del other
    svg = _sum(10, "a cycle, nobody else", (1, 1), (1, 1), "0 and 0: garbage")
    svg += _sum(250, "and a name from outside", (2, 1), (1, 1), "1 and 0: reached from outside,", "both live", "table")
    lower = 200
    svg += f'<g transform="translate(0 {lower})">'
    svg += _sum(10, "one is not visited", (1, 1), (0, 1), "1 and 0: seems in use,", "never freed: a leak")
    svg += _sum(
        250,
        "visited, not owned",
        (1, 2),
        (1, 2),
        "0 and 0, though a name owns it:",
        "a live object is destroyed",
        "function",
    )
    svg += "</g>"
    text = (
        "The collector's subtraction. A table owns its hash function, and the function knows the table. From each "
        "count the collector takes away the references that <code>tp_traverse</code> shows. <b>Top left:</b> 1 less "
        "1 is 0 for both; nobody outside owns anything, so both are garbage. <b>Top right:</b> a name outside owns "
        "the table too: 2 less 1 is 1, so the table lives, and all that it reaches. <b>Bottom left:</b> the table's "
        "reference to the function is visited, the function's to the table is not: the table seems to be in use for "
        "ever. <b>Bottom right:</b> <code>tp_traverse</code> shows the function twice although the table owns it "
        "once; the function, which a name still owns, comes out at 0, and a live object is destroyed."
    )
    return Picture("Counts less visits", svg, lower + 195, text)


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
