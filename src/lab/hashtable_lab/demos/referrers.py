"""Who holds an object? Its reference count with one name, two names, and inside calls.

`sys.getrefcount(o)` usually counts one reference more than one would expect: its own argument. From CPython 3.14 on that is no
longer so for a function's local variable, which is lent and not counted. What a call adds differs, too: CPython has learned to
count less and less.
"""

from __future__ import annotations

import gc
import inspect
import sys

import click

from hashtable_lab.commands import perform
from hashtable_lab.demos.films import replay_option
from hashtable_lab.stage import Stage

CALLS = 100

#: Where we looked, the count there, and the types of the holders that the garbage collector sees there.
Seen = tuple[str, int, str]

#: What each nested call adds to the count, the versions of CPython that are known for it, and why.
BEHAVIOURS = {
    2: (
        "3.9 and 3.10",
        "the caller keeps the argument on its stack of values for the length of the call, and the function's frame "
        "has a reference of its own for the parameter",
    ),
    1: (
        "3.11 to 3.13",
        "the caller hands its reference over, and it becomes the function's parameter: one owner for each call",
    ),
    0: (
        "3.14 and 3.15",
        "the compiler sees that the caller's own variable outlives the call, so the argument is only borrowed, and "
        "a borrowed reference is not counted. Inside a call, getrefcount borrows its own argument too, and so counts "
        "one fewer; the outermost call owns the reference that it was handed, and that makes up for it",
    ),
}


def one_name_two_names() -> list[Seen]:
    global o, p
    o = object()
    seen = [("one name", sys.getrefcount(o), kinds(gc.get_referrers(o)))]
    p = o
    seen.append(("two names", sys.getrefcount(o), kinds(gc.get_referrers(o))))
    call(o, 1, seen)
    del p
    seen.append(("one name again", sys.getrefcount(o), kinds(gc.get_referrers(o))))
    return seen


def call(thing: object, depth: int, seen: list[Seen]) -> None:
    seen.append((f"inside call {depth}", sys.getrefcount(thing), kinds(gc.get_referrers(thing))))
    if depth < CALLS:
        call(thing, depth + 1, seen)


def kinds(holders: list[object]) -> str:
    return ", ".join(type(holder).__name__ for holder in holders)


# The names in `one_name_two_names` are global ones, as at the prompt.
o: object
p: object


def play(stage: Stage, details: bool = False) -> None:
    """Performs the demo.

    Args:
        stage: where.
        details: show the count in every call, and what the garbage collector sees.
    """
    stage.title("Who holds an object?")
    stage.say(
        "An object gets a name, then a second one, and goes into a function that calls itself until there are "
        f"{CALLS} calls inside one another. Each time we look at its reference count:"
    )
    stage.show_code(one_name_two_names, call, kinds)

    seen = one_name_two_names()
    counts = {where: count for where, count, _ in seen}
    one, two, again = counts["one name"], counts["two names"], counts["one name again"]
    inside = [count for where, count, _ in seen if where.startswith("inside")]

    shown = [row for row in seen if row[0] not in {f"inside call {number}" for number in range(4, CALLS)}]
    if details:
        stage.table(["where", "sys.getrefcount", "gc.get_referrers sees"], shown)
    else:
        stage.table(["where", "sys.getrefcount"], [row[:2] for row in shown])
    stage.say(
        f"With one name the count is {one}: the name holds one reference, and getrefcount holds the other as its "
        f"argument. The second name makes it {two}."
    )

    steps = {after - before for before, after in zip([two, *inside], inside)}
    step = steps.pop() if len(steps) == 1 else None
    if step in BEHAVIOURS:
        versions, why = BEHAVIOURS[step]
        stage.say(f"Each call adds {step}, as is known of CPython {versions}: {why}.")
    stage.table(
        ["CPython", "each call adds", ""],
        [(versions, adds, "<- this one" if adds == step else "") for adds, (versions, _) in BEHAVIOURS.items()],
    )

    if details:
        stage.say(
            "And who are the holders? All that gc.get_referrers sees is a dict, the one in which this module keeps "
            "its global names; and it sees it once, though two of the names hold the object. What holds a reference "
            f"from a frame, from the stack of values or from C code is out of its sight: in call {CALLS} the count "
            f"says {inside[-1]}. So a count can be wrong with nobody in sight to blame."
        )

    stage.check("a name adds exactly 1", two - one == 1)
    stage.check("every call adds the same, and a number known of some CPython", step in BEHAVIOURS)
    stage.check("without the second name and the calls, the count is what it was", again == one)
    stage.check("gc.get_referrers sees one dict, everywhere", {holders for _, _, holders in seen} == {"dict"})
    stage.verdict()


def film() -> str:
    """The script of which `--replay` makes a film."""
    parts = (one_name_two_names, call, kinds)
    return "\n\n".join(
        [
            "from __future__ import annotations\n\nimport gc\nimport sys\n\nSeen = tuple\nCALLS = 4\n",
            *(inspect.getsource(part).rstrip() for part in parts),
            "for where, count, holders in one_name_two_names():\n    print(where, count, holders)\n",
        ]
    )


@click.command("referrers")
@replay_option("referrers")
@click.option("--details", is_flag=True, help="The count in every call, and what the garbage collector sees.")
def command(details: bool) -> int:
    """Who holds an object? Names and calls, counted."""
    return perform(play, details=details)
