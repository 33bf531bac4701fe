"""It works: a call travels from Python through the extension into the library, and back up into Python for the hash.

The traced module `hashtable_traced` is the same source with every layer announcing what it does. The lines that begin
with `Python:` are printed by the user's own code.
"""

from __future__ import annotations

import inspect

import click

from hashtable_lab import children
from hashtable_lab.commands import perform
from hashtable_lab.demos.films import replay_option
from hashtable_lab.errors import require
from hashtable_lab.stage import Stage

COLOURS = {"Python:": "green", "extension:": "yellow", "library:": "cyan"}


def story() -> None:
    from hashtable_traced import HashTable

    def digits(key: object) -> int:
        number = int("".join(str(ord(character)) for character in str(key)))
        print(f"Python: the digits of {key!r} make {number}")
        return number

    h: HashTable[object, object] = HashTable(hash_func=digits)
    h.set("pi", 3.14159)
    for number in 1, 2, 3:
        h.set(number, number * number)
    h.set("a string", "another one")
    print(h)
    print("Python: pi is", h.get("pi"))
    print("Python: pi was", h.pop("pi"))
    print("Python: pi is", h.get("pi"))
    print("Python: leaving")


def play(stage: Stage) -> None:
    """Performs the demo."""
    require("hashtable_traced")
    stage.title("A call travels through three layers")
    stage.say(
        "Python code calls the extension, the extension works with the library, and for a hash it calls back into "
        "Python. Here the hash function is written in Python: it strings together the numbers of a key's "
        "characters."
    )
    stage.show_code(story)
    ending = children.run_function(story)
    stage.transcript(ending.output, COLOURS)
    stage.say(
        "The library never hashes and never compares keys. It gets a hash from the extension, says which bucket "
        "that means, and asks whether two keys with the same hash are equal. The extension translates: what is an "
        "object with a reference count above it is a key with a number below."
    )
    stage.say(
        "A new pair that would make the table more than half full is what makes it resize. And when the function "
        "was left, the last reference to the table went with its name `h`: dealloc, then the memory of the "
        "library's table, then that of the object."
    )

    lines = ending.output.splitlines()
    resizes = [line for line in lines if line.startswith("library: resize from ")]
    leaving = lines.index("Python: leaving") if "Python: leaving" in lines else len(lines)
    after, looked_up = lines[leaving + 1 :], [line for line in lines if line.startswith("Python: pi ")]
    stage.check("the program runs to its end", ending.well)
    for prefix in COLOURS:
        stage.check(f"the layer `{prefix}` announces itself", any(line.startswith(prefix) for line in lines))
    stage.check(f"the table resizes: {', '.join(line[9:] for line in resizes) or 'never'}", bool(resizes))
    stage.check(
        "pi is found, removed, and not found again",
        looked_up == ["Python: pi is 3.14159", "Python: pi was 3.14159", "Python: pi is None"],
    )
    stage.check(
        "after the last line of Python come dealloc, and last of all the freeing of the object",
        len(after) >= 2 and after[0] == "extension: dealloc" and after[-1] == "extension: freed",
    )
    stage.verdict()


def film() -> str:
    """The script of which `--replay` makes a film."""
    return f"{inspect.getsource(story)}\n\nstory()\n"


@click.command("layers")
@replay_option("layers")
def command() -> int:
    """A call travels through Python, extension and library."""
    return perform(play)
