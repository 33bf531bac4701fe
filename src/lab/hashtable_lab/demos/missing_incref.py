"""Forgetting INCREF: a table dies under its name, and the next use of the name crashes.

`h.set(...)` returns the table itself, so that the prompt shows its picture. A method must return a reference that its
caller may give back; the broken module returns one without having taken it.
"""

from __future__ import annotations

import click

from hashtable_lab import children, specimens
from hashtable_lab.commands import perform
from hashtable_lab.demos.films import replay_option
from hashtable_lab.errors import require
from hashtable_lab.stage import Stage

DEATH = "*** the table is deallocated ***"

SESSION = [
    "import hashtable, weakref",
    "h = hashtable.HashTable()",
    f"watch = weakref.ref(h, lambda gone: print({DEATH!r}))",
    "again = h",
    "h.set(2, 4)",
    "h.set(3, 9)",
    "h.set(4, 16)",
    "h.get(3)",
    "del h, again",
]


def type_at_the_prompt(lines: list[str]) -> list[int]:
    """Types lines at Python's own prompt, and notes after each how many references the table has."""
    import code
    import sys
    from typing import Any

    names: dict[str, Any] = {}
    prompt = code.InteractiveConsole(names)
    counts = []
    for line in lines:
        print(">>>", line)
        prompt.push(line)
        if "watch" in names and names["watch"]() is not None:  # a dead table is not touched
            counts.append(sys.getrefcount(names["h"]) - 1)  # less the one that getrefcount holds
            print("    # references to the table:", counts[-1])
    return counts


def died_in(output: str) -> bool:
    """Whether the weak reference told, in a line of its own, that the table went."""
    return DEATH in output.splitlines()


def play(stage: Stage) -> None:
    """Performs the demo. Raises `Missing` if the broken module cannot be built."""
    require("hashtable")
    specimen = specimens.load("missing-incref")
    folder = specimens.build(specimen, stage)

    stage.title("Forgetting INCREF")
    stage.say(
        "A table with two names, `h` and `again`, and a third reference now and then: the prompt binds the value of "
        "each line to the name `_`, until the next one. A weak reference, which counts for nothing, tells when the "
        "table goes. A small function types it all, and says how many references there are:"
    )
    stage.show_code(type_at_the_prompt)

    stage.heading("The right module")
    right = children.run_function(type_at_the_prompt, SESSION, environment=children.FREED_MEMORY_SHOWS)
    stage.transcript(f"{right.output}[{right}]")
    stage.say(
        "Two names and `_` make three references, after one set or many. The table goes when its last name has "
        "gone, and not before."
    )
    counts = right.result or []
    named, _, unnamed = right.output.partition(">>> del h, again\n")
    stage.check("the session runs to its end", right.well)
    stage.check("with `_` bound, the count is the same after each set", len(counts) > 5 and len(set(counts[2:5])) == 1)
    stage.check("the table goes when its names have gone", died_in(unnamed) and not died_in(named))

    stage.heading("The broken module")
    stage.say("The same source but for this:")
    stage.show_text(specimen.diff, "diff")
    stage.say(
        "The same lines, in a child process, since this will not end well. Freed memory is overwritten there "
        "(PYTHONMALLOC=debug), so that a dead object does not look alive:"
    )
    wrong = children.run_function(
        type_at_the_prompt, SESSION, module_folder=folder, environment=children.FREED_MEMORY_SHOWS
    )
    stage.transcript(f"{wrong.output}[{wrong}]")
    stage.say(
        "Each set hands out a reference that nobody took, and the prompt gives it back when it binds `_` anew. So "
        "every set costs the table one of the references of its names. At the third, with both names in place, the "
        "count reaches zero: the table is taken apart, and the prompt goes on to print the picture of an object "
        "that is not there."
    )
    stage.check(
        "the broken module shows the picture after the first sets",
        wrong.output.count("    # references to the table: ") >= 3,
    )
    stage.check("the table goes while it has two names", died_in(wrong.output) and ">>> del" not in wrong.output)
    stage.check(f"the next use of it crashes: {wrong}", wrong.crashed)

    stage.heading("The line that mends it")
    stage.show_text(specimen.mending_lines(), "diff")
    stage.say(specimen.lesson)
    stage.verdict()


def film() -> str:
    """The script of which `--replay` makes a film. At the prompt, the value of each line gets the name `_`."""
    bound = ("h.set", "h.get")
    return "".join(f"{'_ = ' if line.startswith(bound) else ''}{line}\n" for line in SESSION)


@click.command("missing-incref")
@replay_option("missing-incref")
def command() -> int:
    """A reference too few: a table dies under its name."""
    return perform(play)
