"""The table of contents: the parts, and the exercises of each, in order. A new exercise is one name here and one folder."""

from __future__ import annotations

from hashtable_lab.course.exercise import Entry
from hashtable_lab.errors import Missing

#: Part, and the exercises in it.
PARTS: dict[str, tuple[str, ...]] = {
    "Counts": ("names", "holders", "ring", "weak", "in_the_table", "raised"),
    "New, borrowed, stolen": ("first_item", "pair_of", "longer", "total", "record", "take_last"),
    "The object's life": (
        "box_dealloc",
        "box_again",
        "never_filled",
        "ring_traverse",
        "ring_clear",
        "watched",
        "subclassed",
    ),
    "Error paths": ("both", "half", "count_true", "attribute_or", "with_cleanup", "squares"),
    "Python runs under your hands": ("emptied", "position", "each", "versioned", "last_words"),
    "Write it": ("length", "swapped", "countdown", "window", "stack", "tally", "chain", "little_table"),
    "Hunt": ("night_shift", "slow_growth", "once_in_a_while", "somewhere_else"),
}


def entries() -> list[Entry]:
    """All exercises, in order."""
    return [
        Entry(part, number, name)
        for part, names in enumerate(PARTS.values(), start=1)
        for number, name in enumerate(names, start=1)
    ]


def entry(name: str) -> Entry:
    """An exercise by its name, by its number ("2.3"), or by the beginning of its name if only one begins so.

    Raises:
        Missing: there is none, or there are several.
    """
    every = entries()
    exact = [each for each in every if name in (each.name, f"{each.part}.{each.number}")]
    found = exact or [each for each in every if each.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Missing(f"{name!r} may be {', '.join(each.name for each in found)}: say which.")
    raise Missing(f"there is no exercise {name!r}; `hashtable-lab course list` has all of them.")
