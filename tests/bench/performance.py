"""Writes docs/performance.md and its plots from the records that are kept beside them: `make pages`.

Nothing is measured here. The records are docs/performance/results.json, which `make record WHAT=bench` writes,
tests/bench/instructions.json, which `make record WHAT=instructions` writes, and tests/bench/mixed.json, which
`make record WHAT=mixed` writes. With another CPython than that of results.json, `make record WHAT=bench` writes a record beside it,
such as results-3.14.json, and the goals of all stand side by side.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
from commands import ROOT, console, run_command  # noqa: E402
from measuring import NOISE, Measured, from_json  # noqa: E402
from works import GOALS, MAPPING, PREPARING, Goal, finding  # noqa: E402

DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
RECORD = DOCS / "performance" / "results.json"
OTHERS = "results-*.json"
INSTRUCTIONS = HERE / "instructions.json"
MIXED = HERE / "mixed.json"
PLOTS = {"cost": DOCS / "performance" / "cost.svg", "bytes": DOCS / "performance" / "bytes.svg"}

TEXT = """\
<!-- Written by `make pages` from docs/performance/results.json, tests/bench/instructions.json and tests/bench/mixed.json: change
those, or tests/bench/performance.py, not this. -->

# Performance

One would normally use a `dict`, so the table is compared with that: the same statement, on the same keys, in the same interpreter,
side by side. This page shows the results, and how they were measured, so that you can repeat it:

```console
$ make bench
$ make bench QUICK=1
$ make bench-instructions
```

All figures are ratios within one run: 0.80 means that HashTable takes 80 % of the time of what it is compared with. Seconds would
say more about the machine than about the table. The figures on this page were taken on {date}, here:

{machine}

## Goals

{goals}

"Worst" is the largest ratio of all that the goal is about, the median of several rounds; "spread" is the middle half of the
rounds. "Mean" is the geometric mean, where the goal has one. The `for` loop around a statement is part of the time on both
sides{loop}.

The reasons for a missed goal are in [what the fast version costs the reader](fast.md#what-was-not-reached).
{noise}
{others}## Cost against the number of keys

![The cost of one operation against the number of keys, for dict and HashTable](performance/cost.svg)

The unit is the time that `d[k]` takes with a dict of 1000 ints. Keys are put in, looked up and deleted in three different random
orders; then what is larger than a cache of the processor costs more with every step, for every table.

{mapping}

## Memory

![Bytes per pair against the number of pairs, for dict and HashTable](performance/bytes.svg)

The arrays of a table are doubled when they are full. Just after that the bytes per pair are most, then they fall until the next
doubling. The plot shows what `sys.getsizeof` says; the table has beside it what the process grew by (RSS), with a million pairs,
and where a table is worst.

{memory}

## Other work

{other}

## Keys that suit a chained table badly

The bucket of a key is its hash modulo the number of buckets. `hash` leaves an int as it is, so with a power of two of buckets all
multiples of a large power of two share a few buckets; many floats do too, whose hash has its digits in the upper bits. `dict`
mixes all bits of a hash into its search, and does not mind. Three remedies: choose an odd `size` that is large enough from
the beginning, such as `HashTable(size=2 * n + 1)`; pass `mixed_hash` as `hash_func`, which the table computes itself; or pass a
function of your own that mixes the bits, here `lambda key: hash(key) * 0x9E3779B97F4A7C15 >> 61`, which costs a call of Python each
time. How much worse the default is grows with the number of keys.

{hard}

What `mixed_hash` costs is counted in instructions, with a thousand keys: `make bench-mixed`. On ordinary keys it is compared with
the default table, since the mixing is all that it does more; on keys that suit the default badly it is compared with dict.
{mixed_verdict}

{mixed}

## Peers

Other tables, against dict. PyO3 is a table written for this comparison with the PyO3 crate over hashbrown
(`tests/bench/peers/pyo3`). immutables and rpds-py keep old versions of a table intact, and sortedcontainers keeps keys in order,
which is their purpose and has a cost. A map of immutables cannot be iterated over while it is being changed.

{peers}
{missing}
## Instructions

valgrind counts the instructions that an operation takes. This repeats where seconds do not, so it is checked against a record:
`make bench-instructions`. "In the extension" are those of HashTable itself, "all" has the interpreter's in it. Counted with
{versions}.

{instructions}

## How it is measured

{how}
"""

OTHER_PYTHONS = """\
## With other CPythons

The same goals with newer CPythons, each compared with the `dict` of its own. First comes the worst ratio, then the mean where the
goal has one. A run on a machine that does other work says how many programs wanted to run, the one that measures among them; its
ratios are less certain.

{told}

{table}

`make record WHAT=bench VENV=target/venv-3.14 PYTHON=python3.14` makes such a record, a quick one with `QUICK=1`,
and with `LARGEST=1000000` one without what has more keys, which takes longest.

"""


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; numbers are aligned to the right, and words to the left."""
    rows = list(rows)
    numbers = [all(re.fullmatch(r"[-0-9.,%~ ]*", cell) for cell in column) for column in zip(*rows)]
    lines = [head, ["--:" if number else ":--" for number in numbers or [False] * len(head)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section(results: Sequence[Measured], *names: str) -> str:
    """The ratios of some sections: a table for each set of stages."""
    tables = []
    chosen = [measured for measured in results if measured.section in names]
    for stages in dict.fromkeys(stages_of(measured) for measured in chosen):
        rows = []
        for measured in chosen:
            if stages_of(measured) == stages:
                for name, ratios in list(measured.ratios.items())[1 if len(measured.ratios) > 1 else 0 :]:
                    if not name.endswith(" again") and name != "empty loop":
                        keys = f"{measured.kind}, {measured.n:,}" if measured.kind else ""
                        cells = [f"{ratios[stage].median:.2f}" if stage in ratios else "" for stage in stages]
                        rows.append([f"{keys}{' ~' * measured.too_noisy()}", name, *cells])
                rows += [
                    [f"{measured.kind}, {measured.n:,}", name, "could not be measured"] for name in measured.failed
                ]
        tables.append(markdown(["keys", "", *stages], rows))
    return "\n\n".join(tables) if tables else "Not measured in this run."


def stages_of(measured: Measured) -> tuple[str, ...]:
    """What a measurement's columns are."""
    return tuple(
        dict.fromkeys(stage for stages in measured.ratios.values() for stage in stages if stage not in PREPARING)
    )


def goals(results: Sequence[Measured]) -> str:
    """The table of goals."""
    rows = []
    for goal in GOALS:
        found = finding(goal, results)
        if found is None:
            rows.append([goal.work, goal.text, "not measured", "", "", "", ""])
            continue
        worst = found.worst
        mean = "" if goal.mean is None else f"{found.mean:.2f}"
        verdict = ("reached" if found.reached() else f"missed: {found.above} of {found.of} above") + " ~" * found.noisy
        spread = f"{worst.low:.2f} to {worst.high:.2f}"
        rows.append([goal.work, goal.text, f"{worst.median:.2f}", spread, found.where, mean, verdict])
    return markdown(["work", "goal", "worst", "spread", "where", "mean", ""], rows)


def other_pythons(record: dict[str, Any], others: Sequence[dict[str, Any]]) -> str:
    """The goals with other CPythons beside those of the first record: the section, or nothing if there are none."""
    if not others:
        return ""
    everyone = [record, *others]
    measured = [[from_json(read) for read in each["results"]] for each in everyone]
    rows = [[goal.work, goal.text, *(in_short(goal, results) for results in measured)] for goal in GOALS]
    names = [each["machine"]["python"].partition(",")[0] for each in everyone]
    quick = "; a quick run: fewer keys, fewer rounds"
    told = [
        f"- {name}: {each['date']}, {each['machine']['processor']}; {each['machine']['load']}{quick * each['quick']}"
        + "".join(f"; without {title}" for title in each["missing"])
        for name, each in zip(names, everyone)
    ]
    return OTHER_PYTHONS.format(told="\n".join(told), table=markdown(["work", "goal", *names], rows))


def in_short(goal: Goal, results: Sequence[Measured]) -> str:
    """What a goal came to, in a cell."""
    found = finding(goal, results)
    if found is None:
        return "not measured"
    mean = "" if goal.mean is None else f", mean {found.mean:.2f}"
    missed = "" if found.reached() else f"; missed: {found.above} of {found.of}" if found.above else "; missed"
    return f"{found.worst.median:.2f}{mean}{missed}" + " ~" * found.noisy


def mixed(rows: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """What mixed_hash costs: a sentence about its goals, and the table."""
    late = sum(row["ratio"] > row["goal"] for row in rows)
    verdict = (
        f"{late} of the {len(rows)} rows miss their goal." if late else f"All {len(rows)} rows are within their goals."
    )
    head = ["keys", "operation", "mixed_hash", "compared with", "its instructions", "ratio", "goal"]
    cells = [
        [
            row["keys"].replace(": ", ": `") + "`",
            row["operation"],
            f"{row['mixed_hash']:.0f}",
            row["compared_with"],
            f"{row['other']:.0f}",
            f"{row['ratio']:.2f}",
            f"{row['goal']:.2f}",
        ]
        for row in rows
    ]
    return verdict, markdown(head, cells)


def paragraphs(text: str) -> str:
    """The part of a docstring after its first paragraph."""
    return text.strip().split("\n\n", 1)[1]


def render(
    record: dict[str, Any],
    instructions: dict[str, Any],
    mixed_record: dict[str, Any],
    others: Sequence[dict[str, Any]] = (),
) -> str:
    """The page, from the three records, and those of other CPythons."""
    import measuring

    results = [from_json(read) for read in record["results"]]
    loops = [
        ratio.median for measured in results for ratio in measured.ratios.get("empty loop", {}).values() if measured.n
    ]
    noisy = sum(measured.too_noisy() for measured in results)
    headings = {
        "Methods": ("methods",),
        "Bulk": ("bulk",),
        "Equality and views": ("views",),
        "Other keys": ("other keys",),
        "A hash function in Python, against `map` calling it": ("hash function",),
        "Against the textbook extension in C (`tests/bench/peers/textbook.c`)": ("textbook",),
        "Against PyO3 over hashbrown": ("PyO3",),
        "`get` on an empty table, against a C function (`tests/bench/peers/fastcall.c`)": ("call",),
        "The longest insert while growing": ("pause",),
        "Import, in milliseconds over an empty extension": ("import",),
        "A size that is one less than a power of two": ("odd size",),
        "Grown from size 7, against grown from size 4": ("odd size, grown from 7",),
    }
    counts = [
        [name, f"{count['extension']:.0f}", f"{count['all']:.0f}"] for name, count in instructions["counts"].items()
    ]
    mixed_verdict, mixed_table = mixed(mixed_record["rows"])
    return TEXT.format(
        date=record["date"],
        machine="\n".join(
            [
                *(f"- {what}: {value}" for what, value in record["machine"].items() if value),
                *(["- a quick run: fewer keys, fewer rounds"] if record["quick"] else []),
            ]
        ),
        goals=goals(results),
        loop=f"; a loop with nothing in it takes {min(loops):.0%} to {max(loops):.0%} of dict's time" if loops else "",
        noise=(
            f"\nA ~ marks what was measured while the machine was too noisy: the same thing, measured twice, differed by\n"
            f"more than {NOISE:.0%}. That is so for {noisy} of {len(results)} measurements.\n" * bool(noisy)
        ),
        others=other_pythons(record, others),
        mapping=section(results, "mapping"),
        memory=section(results, "memory"),
        other="\n\n".join(f"### {heading}\n\n{section(results, *names)}" for heading, names in headings.items()),
        hard=section(results, "hard keys"),
        mixed_verdict=mixed_verdict,
        mixed=mixed_table,
        peers=section(results, "peers"),
        missing="".join(f"\n{name} could not be measured: {why}.\n" for name, why in record["missing"].items()),
        versions=", ".join(f"{value}" for value in instructions["versions"].values()),
        instructions=markdown(["operation", "in the extension", "all"], counts),
        how=paragraphs(measuring.__doc__ or ""),
    )


# ---- plots -----------------------------------------------------------------------------------------------------------

COLOURS = {"dict": "#b35806", "HashTable": "#2166ac"}
STYLES = {"int": "-", "str": "--"}


def of_other_pythons() -> list[dict[str, Any]]:
    """The records of other CPythons, the oldest CPython first."""
    found = [json.loads(file.read_text()) for file in RECORD.parent.glob(OTHERS)]
    return sorted(found, key=lambda record: python_of(record))


def python_of(record: dict[str, Any]) -> tuple[int, int]:
    """The version of the CPython that a record was made with, such as (3, 14)."""
    major, minor = re.search(r"(\d+)\.(\d+)", record["machine"]["python"]).groups()
    return int(major), int(minor)


def record_file(record: dict[str, Any]) -> Path:
    """Where a record belongs: in RECORD if that is of the same CPython, or is not there; else in a file of its own beside it."""
    if not RECORD.is_file() or python_of(json.loads(RECORD.read_text())) == python_of(record):
        return RECORD
    return RECORD.with_name("results-{}.{}.json".format(*python_of(record)))


def digest(record: dict[str, Any]) -> str:
    """What tells this record from others."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def plots(record: dict[str, Any]) -> dict[str, str]:
    """The plots as SVG, by name. Each says in its description which record it was made from."""
    import matplotlib

    matplotlib.use("svg")
    # The same record gives the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "hashtable", "svg.fonttype": "none", "font.size": 9})
    results = [from_json(read) for read in record["results"]]
    drawn = {}
    for name, figure in {"cost": cost_plot(results), "bytes": bytes_plot(results)}.items():
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Description": f"record {digest(record)}"})
        drawn[name] = "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"
    return drawn


def cost_plot(results: Sequence[Measured]) -> Any:
    """The cost of each operation against the number of keys."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True).flat
    mapping = sorted((m for m in results if m.section == "mapping"), key=lambda m: m.n)
    unit = next((m.ratios["dict"]["get"].each for m in mapping if m.kind == "int"), 1.0)
    titles = {"set": "h[k] = k", "get": "h[k]", "miss": "k in h, absent", "iterate": "for k in h", "del": "del h[k]"}
    for stage, axis in zip(MAPPING, axes):
        for name, colour in COLOURS.items():
            for kind, style in STYLES.items():
                chosen = [m for m in mapping if m.kind == kind and stage in m.ratios.get(name, {})]
                costs = [m.ratios[name][stage].each / unit for m in chosen]
                label = f"{name}, {kind}"
                axis.plot([m.n for m in chosen], costs, style, color=colour, marker="o", markersize=3, label=label)
        axis.set_xscale("log")
        axis.set_title(titles[stage])
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
    last = list(axes)[-1]
    last.axis("off")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    last.legend(handles, labels, loc="center", frameon=False)
    figure.supxlabel("number of keys")
    figure.supylabel("cost of one operation")
    return figure


def bytes_plot(results: Sequence[Measured]) -> Any:
    """Bytes per pair against the number of pairs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    memory = [m for m in results if m.section == "memory"]
    for measured, axis in zip(memory, figure.subplots(1, max(2, len(memory)), sharey=True).flat):
        for name, steps in measured.growth.items():
            # Between two changes the bytes stay and the pairs get more.
            points = [
                (n, size / n)
                for (begin, size), (end, _) in zip(steps, [*steps[1:], steps[-1]])
                for n in (begin, end - 1)
                if n >= 1000
            ]
            if points:
                axis.plot(*zip(*points), color=COLOURS[name], label=name)
        axis.set_xscale("log")
        axis.set_title(f"{measured.kind} keys")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, loc="lower left")
    figure.supxlabel("number of pairs")
    figure.supylabel("bytes per pair")
    return figure


@click.command(help=__doc__.split("\n\n")[0])
def main() -> None:
    """The command line."""
    for file, what in {RECORD: "bench", INSTRUCTIONS: "instructions", MIXED: "mixed"}.items():
        if not file.is_file():
            raise click.ClickException(f"{file.relative_to(ROOT)} is missing: make record WHAT={what} writes it.")
    record = json.loads(RECORD.read_text())
    for name, drawn in plots(record).items():
        PLOTS[name].write_text(drawn)
    PAGE.write_text(
        render(record, json.loads(INSTRUCTIONS.read_text()), json.loads(MIXED.read_text()), of_other_pythons())
    )
    console.print(f"{PAGE.relative_to(ROOT)} and {len(PLOTS)} plots are written")


if __name__ == "__main__":
    run_command(main)
