"""What the slides show: short pieces of the book's own demos, run when the slides are built."""

import re
import subprocess
import sys


def demo(*arguments):
    """What a program or a module of Python's prints."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL
    )
    return [re.sub(r"^  \|( |$)", "", line) for line in done.stdout.splitlines()]


def piece(lines, after, first, last):
    """From the first line that begins with `first`, after the one that contains `after`, to the one that contains `last`."""
    heading = next((at for at, line in enumerate(lines) if after in line), None)
    found = [at for at, line in enumerate(lines) if heading is not None and at > heading and line.startswith(first)]
    end = [at for at, line in enumerate(lines) if found and at >= found[0] and last in line]
    if not end:
        sys.exit(f"nothing between {first!r} and {last!r} after {after!r}:\n" + "\n".join(lines))
    return [line.rstrip() for line in lines[found[0] : end[0] + 1] if line.strip()]


def picture():
    """The first three pairs, at the prompt."""
    import hashtable

    table = hashtable.HashTable(4, 0.5, hashtable.library_hash)
    print(f">>> h.set('pi', 3.14).set('four', 4)\n{table.set('pi', 3.14).set('four', 4)}", end="")
    print(f">>> h.set(1, 1)\n{table.set(1, 1)}", end="")


def layers():
    """One call, down and up again."""
    lines = demo("-m", "hashtable_lab", "demo", "layers")
    return piece(lines, "library: freed", "extension: set(", "pair added")


def incref():
    """The calls that kill: the pictures are left out."""
    lines = piece(demo("-m", "hashtable_lab", "demo", "missing-incref"), "The broken module", ">>> h = ", "[killed by")
    return [line for line in lines if not line.startswith("[]")]


def ledger():
    """A report about a small program."""
    return demo(
        "programs/example.py", "-m", "hashtable_lab", "ledger", "--module", "ledger_example", "programs/shaky.py"
    )[:16]


if __name__ == "__main__":
    what = {"picture": picture, "layers": layers, "incref": incref, "ledger": ledger}[sys.argv[1]]
    print("\n".join(what() or ()))
