"""The table at work: counting the words of real text, and how three hash functions do with them.

A word is a run of letters, in any script. Without files, the text is every .py file of the running interpreter's own
standard library: some thirty megabytes that are on every machine with a Python.
"""

from __future__ import annotations

import inspect
import os
import re
import sysconfig
import time
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from hashtable_lab.commands import perform
from hashtable_lab.demos.films import replay_option
from hashtable_lab.errors import Missing, require
from hashtable_lab.stage import Stage

#: How many of the distinct words go into the three tables that are compared. With `library_hash` the time grows with
#: the square of this number.
SAMPLE = 20_000
#: Longer words stay out of that sample: `int` refuses to read more than 4300 digits.
LONGEST = 100

MOST_FREQUENT = 8
# About how many characters are read at a time.
_PIECE = 1 << 20
_WORD = re.compile(r"[^\W\d_]+")


def count(words: Iterable[str], table: Any) -> None:
    for word in words:
        table[word] = table.get(word, 0) + 1


def digits_hash(word: str) -> int:
    return int("".join(str(ord(character)) for character in word))


def play(stage: Stage, files: Iterable[Path] = (), sample: int = SAMPLE) -> None:
    """Performs the demo.

    Args:
        stage: where.
        files: text files, UTF-8 or Python source; none means the standard library's .py files.
        sample: how many distinct words go into the comparison of hash functions.

    Raises:
        Missing: a file cannot be read, or there is no standard library in files.
    """
    require("hashtable")
    import hashtable

    texts = list(files)
    stage.title("Counting words")
    if texts:
        what = "one file" if len(texts) == 1 else f"{len(texts)} files"
    else:
        texts = standard_library()
        what = f"{len(texts)} .py files, Python's own standard library"
    stage.say(f"The words of {what}, counted in a hash table that starts with 4 buckets:")
    stage.show_code(count)

    table: hashtable.HashTable[str, int] = hashtable.HashTable()
    counter: Counter[str] = Counter()
    total = sum(size_of(file) for file in texts)
    began = time.perf_counter()
    with stage.progress("Counting words", total) as tell:
        read = 0
        for file in texts:
            for piece in pieces(file):
                words = _WORD.findall(piece)
                count(words, table)
                counter.update(words)
                read += len(piece)
                tell(read)
    seconds = time.perf_counter() - began

    frequent = sorted(table.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_FREQUENT]
    stage.table(["word", "times"], [(word, f"{times:,}") for word, times in frequent])
    stage.say(
        f"{sum(counter.values()):,} words in {total / 1e6:.1f} MB, {len(table):,} of them distinct, in {seconds:.1f} "
        f"seconds. The table has doubled {table.stats()['resizes']} times, to {table.size:,} buckets. "
        "collections.Counter counted the same words beside it, in the same time."
    )
    stage.check("the table and collections.Counter agree on every word", dict(table.items()) == dict(counter))
    stage.check("the table has the words in the order in which they first came", list(table) == list(counter))

    chosen = [word for word in counter if len(word) <= LONGEST][:sample]
    if chosen:
        compare(stage, chosen)
    else:
        stage.say("There are no words, so there is nothing to compare.")
    stage.verdict()


def compare(stage: Stage, words: list[str]) -> None:
    """Puts the same words into three tables with different hash functions and shows how their buckets fare."""
    import hashtable

    stage.say(
        f"The same table under three hash functions, with the first {len(words):,} distinct words of at most "
        f"{LONGEST} letters: Python's own hash; one written in Python, which strings together the numbers of the "
        "characters; and the library's poor one, for which a word's hash is its length."
    )
    stage.show_code(digits_hash)
    functions: dict[str, Callable[[Any], int]] = {
        "hash": hash,
        "digits_hash": digits_hash,
        "library_hash": hashtable.library_hash,
    }
    rows = []
    complete = True
    for name, function in functions.items():
        table: hashtable.HashTable[str, int] = hashtable.HashTable(hash_func=function)
        began = time.perf_counter()
        with stage.progress(f"Filling a table by {name}", len(words)) as tell:
            for number, word in enumerate(words):
                table[word] = number
                if number % 100 == 0:
                    tell(number)
        seconds = time.perf_counter() - began
        stats = table.stats()
        used = f"{stats['used_buckets']:,} of {stats['size']:,}"
        rows.append((name, used, f"{stats['longest_chain']:,}", f"{stats['mean_probes']:.2f}", f"{seconds:.2f} s"))
        complete = complete and all(table.get(word) == number for number, word in enumerate(words[:1000]))
        complete = complete and len(table) == len(words)
    stage.table(["hash function", "buckets used", "longest chain", "mean probes", "time"], rows)
    stage.say(
        "A table is right under any hash function, and fast under a good one. What a lookup costs is the number of "
        "pairs that it passes in a chain until it is at its key: its probes."
    )
    stage.check("each of the three tables holds all of these words", complete)


def standard_library() -> list[Path]:
    """Every .py file of the running interpreter's standard library, without what was installed beside it.

    A link that leads nowhere is left out. Debian has one, to a file under /etc, which is missing where only the rest was unpacked.

    Raises:
        Missing: there are none, as in a Python that keeps them in an archive.
    """
    root = sysconfig.get_path("stdlib")
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages"})
        found += [Path(folder, file) for file in sorted(files) if file.endswith(".py") and Path(folder, file).exists()]
    if not found:
        raise Missing(f"there are no .py files in {root}: name some text files instead.")
    return found


def size_of(file: Path) -> int:
    """The size of a file in bytes. Raises `Missing` if it is not there."""
    try:
        return file.stat().st_size
    except OSError as error:
        raise Missing(f"{file}: {error.strerror}.") from None


def pieces(file: Path) -> Iterator[str]:
    """The text of a file, some lines at a time.

    Python source is decoded as it says in its first lines, everything else as UTF-8; what cannot be decoded becomes
    U+FFFD, which is no letter.

    Raises:
        Missing: the file cannot be read.
    """
    encoding = "utf-8"
    try:
        if file.suffix == ".py":
            try:
                with file.open("rb") as binary:
                    encoding, _ = tokenize.detect_encoding(binary.readline)
            except SyntaxError:
                pass  # it names an encoding that does not exist
        with file.open(encoding=encoding, errors="replace") as text:
            while lines := text.readlines(_PIECE):
                yield "".join(lines)
    except OSError as error:
        raise Missing(f"{file}: {error.strerror}.") from None


def film() -> str:
    """The script of which `--replay` makes a film."""
    head = "from __future__ import annotations\n\nfrom collections.abc import Iterable\nfrom typing import Any\n\n"
    head += "import hashtable\n"
    words = "the cat and the hat and the bat"
    tail = f'table = hashtable.HashTable(hash_func=hashtable.library_hash)\ncount("{words}".split(), table)\nprint(dict(table))\n'
    return f"{head}\n\n{inspect.getsource(count)}\n\n{tail}"


@click.command("wordcount")
@replay_option("wordcount")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=SAMPLE,
    show_default=True,
    help="How many distinct words to compare hash functions on. For the poorest, time grows with the square.",
)
def command(files: tuple[Path, ...], sample: int) -> int:
    """Counts words, and compares three hash functions.

    Without FILES: every .py file of this Python's own standard library.
    """
    return perform(play, files=files, sample=sample)
