"""Forgetting DECREF: tables come and go, and what they held stays.

Each table holds a reference to its hash function. The broken module does not give it back when the table goes. Nothing
crashes; one has to look at the count.
"""

from __future__ import annotations

import inspect

import click

from hashtable_lab import children, specimens
from hashtable_lab.commands import perform
from hashtable_lab.demos.films import replay_option
from hashtable_lab.errors import require
from hashtable_lab.stage import Stage

#: No object has so many owners: a count from here on says "immortal". (CPython uses 2**29 and more, depending on the
#: build.)
IMMORTAL = 2**28


def three_tables(which: str) -> dict[str, object]:
    """Three tables come and go. Returns the hash function's count before, inside and after, and its fate."""
    import gc
    import sys
    import weakref

    import hashtable

    def fresh(key: object) -> int:
        return 7

    hash_function = hash if which == "builtin hash" else fresh
    before = sys.getrefcount(hash_function)
    tables: list[object] = [hashtable.HashTable(hash_func=hash_function) for _ in range(3)]
    inside = sys.getrefcount(hash_function)
    del tables
    after = sys.getrefcount(hash_function)

    fate = ""
    if hash_function is fresh:
        watch = weakref.ref(fresh)
        del fresh, hash_function  # the last names that it has
        gc.collect()
        fate = "it dies" if watch() is None else "it never dies"
    return {"before": before, "inside": inside, "after": after, "fate": fate}


def play(stage: Stage) -> None:
    """Performs the demo. Raises `Missing` if the broken module cannot be built."""
    require("hashtable")
    specimen = specimens.load("missing-decref")
    folder = specimens.build(specimen, stage)

    stage.title("Forgetting DECREF")
    stage.say("Three tables come and go. All three hash with the same function, and each holds a reference to it:")
    stage.show_code(three_tables)
    stage.say(
        "It runs four times, each time in a child process of its own: with the right module and with the broken one,"
    )
    stage.show_text(specimen.diff, "diff")
    stage.say("and with the builtin `hash` and with the fresh function that is made inside.")

    endings = {
        (function, module): children.run_function(three_tables, function, module_folder=place)
        for function in ("builtin hash", "fresh function")
        for module, place in (("right", None), ("broken", folder))
    }
    for (function, module), ending in endings.items():
        if not ending.well:
            stage.transcript(ending.output)
            stage.check(f"{function}, {module} module: the child ends well, but it {ending}", False)
            return stage.verdict()
    seen = {which: ending.result for which, ending in endings.items()}
    stage.table(
        ["hash function", "module", "before", "inside", "after", "and then"],
        [
            (*which, counts["before"], counts["inside"], counts["after"], counts["fate"])
            for which, counts in seen.items()
        ],
    )

    for function in ("builtin hash", "fresh function"):
        right, broken = seen[function, "right"], seen[function, "broken"]
        immortal = right["inside"] == right["before"] >= IMMORTAL
        if function == "builtin hash" and immortal:
            stage.say(
                "In this build of Python the builtin `hash` is immortal: it has a count which says so, and which "
                "nobody changes. A leak of an immortal object does not show, and does no harm; it is a bug all the "
                "same, as the fresh function shows."
            )
            stage.check(f"{function}: its count never moves", len({*counts_of(right), *counts_of(broken)}) == 1)
        else:
            stage.check(f"{function}: three tables hold three references", right["inside"] - right["before"] == 3)
            stage.check(f"{function}: the right module gives them back", right["after"] == right["before"])
            stage.check(f"{function}: the broken module keeps all three", broken["after"] - broken["before"] == 3)
    stage.check("the right module lets the fresh function die", seen["fresh function", "right"]["fate"] == "it dies")
    stage.check("the broken one does not", seen["fresh function", "broken"]["fate"] == "it never dies")

    stage.heading("The line that mends it")
    stage.show_text(specimen.mending_lines(), "diff")
    stage.say(specimen.lesson)
    stage.verdict()


def counts_of(seen: dict[str, int]) -> list[int]:
    return [seen["before"], seen["inside"], seen["after"]]


def film() -> str:
    """The script of which `--replay` makes a film."""
    return f'{inspect.getsource(three_tables)}\n\nprint(three_tables("fresh function"))\n'


@click.command("missing-decref")
@replay_option("missing-decref")
def command() -> int:
    """A reference too many: what a table held can never go."""
    return perform(play)
