"""The book's pages about specimens, written from their files and from the record of the last full matrix.

What is text in a specimen's file is included from there when the book is built; what is a figure or something that a
detector said comes from docs/matrix.json, or from docs/threads.json for specimens with threads. Nothing in a page is written
by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hashtable_lab import specimens
from hashtable_lab.detectors import DETECTORS, matrix
from hashtable_lab.errors import Missing
from hashtable_lab.specimens import Specimen

_WRITTEN = "<!-- Written by `python -m hashtable_lab specimens pages`. -->\n"

_CELLS = {"found": "*found*", "silent": "", "crashed": "died", "absent": "n/a"}


def pages() -> dict[str, str]:
    """The pages: for the path of each, relative to docs, its text.

    Raises:
        Missing: there is no record, or it is not one of the specimens that there are.
    """
    record = _record(matrix.record_file(), matrix.rows(), "matrix")
    with_threads = [name for name in specimens.names() if name not in record["rows"]]
    threads = _record(threads_record_file(), with_threads, "threads")
    written = {"matrix.md": _matrix_page(record, threads)}
    for name in specimens.names():
        written[f"specimens/{name}.md"] = _specimen_page(
            specimens.load(name), threads if name in with_threads else record
        )
    return written


def write() -> list[Path]:
    """Writes the pages, and returns the paths of those that have changed."""
    folder = specimens.source_folder() / "docs"
    changed = []
    for name, text in pages().items():
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
            changed.append(folder / name)
    return changed


def threads_record_file() -> Path:
    """Where the record is kept of what was seen of specimens with threads."""
    return specimens.source_folder() / "docs" / "threads.json"


def _record(file: Path, names: list[str], what: str) -> dict[str, Any]:
    """A record: of the specimens of these names, made by `make record WHAT=what`."""
    if not file.is_file():
        raise Missing(f"there is no record, {file}: run `make record WHAT={what}`.")
    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    now = {name: matrix.digest(name) for name in names}
    if record["specimens"] != now:
        other = sorted(name for name in {*now, *record["specimens"]} if now.get(name) != record["specimens"].get(name))
        raise Missing(
            f"the record is not of the specimens that there are ({', '.join(other)}): `make record WHAT={what}`."
        )
    return record


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(cell: dict[str, Any]) -> str:
    return "**line**" if cell["line"] else _CELLS[cell["state"]]


def _table(record: dict[str, Any], columns: dict[str, str]) -> str:
    """The rows of a record, under these titles of its columns."""
    table = _row(["", *columns.values()]) + _row(["---"] * (len(columns) + 1))
    for row, cells in record["rows"].items():
        title = "the source as it is" if row == matrix.CONTROL else f"[{row}](specimens/{row}.md)"
        table += _row([title, *(_cell(cells[name]) for name in columns)])
    return table


def _matrix_page(record: dict[str, Any], threads: dict[str, Any]) -> str:
    names = list(record["detectors"])
    table = _table(record, {name: DETECTORS[name].short for name in names})
    threads_table = _table(threads, {name: f"`{name}`" for name in threads["detectors"]})
    threads_legend = "".join(_row([f"`{name}`", what]) for name, what in threads["detectors"].items())
    broken = {row: cells for row, cells in record["rows"].items() if row != matrix.CONTROL}
    caught = {name: sum(cells[name]["state"] == "found" for cells in broken.values()) for name in names}
    lines = {name: sum(cells[name]["line"] for cells in broken.values()) for name in names}
    legend = "".join(
        _row([f"`{name}`", what, str(caught[name]), str(lines[name])]) for name, what in record["detectors"].items()
    )
    owning = [name for name in broken if specimens.load(name).line]
    toctree = "\n".join(f"specimens/{name}" for name in specimens.names())
    return f"""{_WRITTEN}
# Who catches what

:::{{admonition}} After this chapter you can
:class: goals
choose the right tool for each kind of bug, and say which of them name the line.
:::

Here are {len(broken)} {{term}}`specimens <specimen>`, one for each class of bug, and {len(names)} ways to find one out: the
{{term}}`detectors <detector>`. Each specimen is a small diff against the real source, with a script that uses the table as any
program might. The script runs under each detector, in a process of its own, and the detector says what it has to say.

## The detectors

| detector | what it looks at | catches | names the line |
| --- | --- | --- | --- |
{legend}
## The matrix

**line** means that the detector found the bug and named the line of the source; *found*, that it found it; died, that the
program died while the detector looked on, which is no finding of the detector's; nothing, that it found nothing. The last row is
the control: the source as it is, with the scripts of all specimens. Nothing may be found there.

```{{rst-class}} matrix
```

{table}
Of the {len(broken)} specimens, {len(owning)} have a line that can be named: a reference is taken there and never given back, is
given away without being owned, or is kept where the garbage collector is not shown it. The ledger catches each of these and
names the line. In the others every reference has its owner, and something else is wrong.

This is the record of one run, on {record["machine"]}. `make matrix` runs it anew; it takes a while, and goes on where it
was if it is stopped.

## With several threads

Some mistakes take two threads to be seen, and most of them a [CPython without the GIL](gil.md). They have detectors of their own:

| detector | what it is |
| --- | --- |
{threads_legend}
```{{rst-class}} matrix
```

{threads_table}
The words mean the same as above, and n/a that there is no scenario of such calls: a deadlock has no history, and `buckets` is not
among the calls that it knows. (On {threads["machine"]}; `make threads` runs it anew.)

```{{toctree}}
:maxdepth: 1
:caption: The specimens

{toctree}
```

:::{{admonition}} What was seen
:class: seen
No single tool finds every bug; the ledger finds every reference that is miscounted, and names its line. **One thing to
try:** `hashtable-lab specimens run` with the name of a specimen that your favourite tool does not catch.
:::
"""


def _specimen_page(specimen: Specimen, record: dict[str, Any]) -> str:
    cells = record["rows"][specimen.name]
    seen = ""
    for name, cell in cells.items():
        # A message of several lines is one line in a table.
        words = " ".join(cell["words"].split()).replace("|", "\\|").replace("`", "")
        seen += _row([name, _cell(cell), f"`{words}`" if words else ""])
    film = "" if specimen.threads else f"\n```{{replay}} {specimen.name}\n```\n"
    named = f"\nThe line that the ledger has to name: `{specimen.line.partition(': ')[2]}`.\n" if specimen.line else ""
    return f"""{_WRITTEN}
# {specimen.name}

The class of bug: **{specimen.kind}**.

## The symptom

```{{literalinclude}} ../../src/lab/specimens/{specimen.name}.diff
:language: python
:start-after: "Script:"
:end-before: "--- a/"
:dedent: 4
```

With the right module this ends well. With the broken one:

- on a release build of CPython: {specimen.symptoms["release"]};
- on a debug build: {specimen.symptoms["debug"]}.

## The diff

```{{literalinclude}} ../../src/lab/specimens/{specimen.name}.diff
:language: diff
:start-at: "--- a/"
```

## Who catches it

Seen on {record["machine"]}.

| detector | | what it said first |
| --- | --- | --- |
{seen}{named}
## How to think of it

{specimen.lesson}

{specimen.mend}

To see it happen: `python -m hashtable_lab specimens run {specimen.name}`.
{film}"""
