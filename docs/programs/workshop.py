"""What the slides show: short pieces of the book's own demos, run when the slides are built."""

import subprocess
import sys


def demo(*arguments):
    """What a command of the laboratory prints."""
    command = [sys.executable, "-m", "hashtable_lab", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", stdin=subprocess.DEVNULL)
    return done.stdout.splitlines()


def between(lines, first, last, most):
    """The lines from the first that contains one text to the one that contains another, at most so many."""
    start = next((at for at, line in enumerate(lines) if first in line), None)
    if start is None:
        sys.exit(f"no line has {first!r}:\n" + "\n".join(lines))
    stop = next((at for at in range(start + 1, len(lines)) if last in lines[at]), len(lines) - 1)
    return [line for line in lines[start : stop + 1] if line.strip()][:most]


def picture():
    """The first three pairs, at the prompt."""
    import hashtable

    table = hashtable.HashTable(4, 0.5, hashtable.library_hash)
    for key, value in (("pi", 3.14), ("four", 4), ("a", 1)):
        print(f">>> h.set({key!r}, {value!r})\n{table.set(key, value)}", end="")


SHOW = {
    "layers": lambda: between(demo("demo", "layers"), "set(", "nothing stops here", 14),
    "incref": lambda: between(demo("demo", "missing-incref"), ">>>", "nothing stops here", 15),
    "ledger": lambda: between(demo("ledger", "--specimen", "missing-decref"), "", "nothing stops here", 12),
}

if __name__ == "__main__":
    what = sys.argv[1]
    if what == "picture":
        picture()
    else:
        print("\n".join(SHOW[what]()))
