"""`python -m hashtable_lab explore`: sweeps the three knobs."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import click

from hashtable_lab.campaign.executors import ExecutorChoice
from hashtable_lab.campaign.job import Job, Result
from hashtable_lab.campaign.option import executor_option, fresh_option, run_with_progress
from hashtable_lab.commands import EXIT_CODES, INTERRUPTED
from hashtable_lab.errors import Missing, require
from hashtable_lab.explore import report
from hashtable_lab.explore.functions import KNOWN, function_of
from hashtable_lab.explore.keys import FILE, KEY_SETS, content_of
from hashtable_lab.explore.measuring import measure
from hashtable_lab.stage import Stage

MAX_LOADS = (0.25, 0.5, 0.75, 1.0)
FUNCTIONS = ("hash", "mixed_hash", "library_hash")
COUNT = 2000


def sizes_for(count: int) -> tuple[int, ...]:
    """The sizes that are swept if none are named: two from which a table grows (and from which it gets ever more factors of two),
    and two that hold `count` keys from the beginning at the smallest maximum load: a power of two, and a prime."""
    power = 4
    while power * MAX_LOADS[0] < count:
        power *= 2
    prime = next(
        size for size in itertools.count(power + 1) if all(size % factor for factor in range(2, int(size**0.5) + 1))
    )
    return 4, 7, power, prime


def jobs_of(
    keys: tuple[str, ...], functions: tuple[str, ...], sizes: tuple[int, ...], max_loads: tuple[float, ...], count: int
) -> list[Job]:
    """A job for each setting of the knobs."""
    import hashtable

    # The same build of the extension gives the same table; another Python hashes otherwise.
    version = (sys.version, str(Path(hashtable.__file__ or "").stat().st_mtime_ns))
    return [
        Job(
            measure,
            {"keys": name, "count": count, "function": function, "size": size, "max_load": load},
            depends_on=(*version, *content_of(name)),
            label=f"{name}, {function}, size {size}, maximum load {load}",
        )
        for name in keys
        for function in functions
        for size in sizes
        for load in max_loads
    ]


def rows_of(results: list[Result]) -> list[dict[str, Any]]:
    """What was measured; a job that failed is a row with its setting and the reason."""
    rows = []
    for result in results:
        if result.error:
            given = dict(result.job.arguments)
            given["initial_size"] = given.pop("size")
            rows.append({**given, "error": result.error})
        else:
            rows.append(result.value)
    return rows


@click.command("explore", epilog=EXIT_CODES)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--keys",
    multiple=True,
    metavar="SET",
    help=f"A set of keys: {', '.join(KEY_SETS)}. All, if neither a set nor a file is named.",
)
@click.option(
    "--hash-function",
    "functions",
    multiple=True,
    metavar="NAME",
    help=f"{', '.join(KNOWN)} or module:function.  [default: {', '.join(FUNCTIONS)}]",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.IntRange(min=1),
    help="Buckets at first.  [default: 4, 7, and a power of two and a prime that need not grow]",
)
@click.option(
    "--max-load",
    "max_loads",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True),
    help=f"[default: {', '.join(map(str, MAX_LOADS))}]",
)
@click.option(
    "--count", type=click.IntRange(min=2), default=COUNT, show_default=True, help="How many keys go into each table."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file as CSV."
)
@click.option("--parquet", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file as Parquet.")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots to this file."
)
@executor_option
@fresh_option
def explore_command(
    files: tuple[Path, ...],
    keys: tuple[str, ...],
    functions: tuple[str, ...],
    sizes: tuple[int, ...],
    max_loads: tuple[float, ...],
    count: int,
    as_json: bool,
    csv_file: Path | None,
    parquet: Path | None,
    page: Path | None,
    executor: ExecutorChoice,
    fresh: bool,
) -> int:
    """Sweeps size, hash function and maximum load over sets of keys.

    Each line of a FILE is a key. Options that can be given more than once are combined, each with each. What was measured is kept:
    a sweep that was stopped with Ctrl-C shows what it has, and goes on from there when it is started again.
    """
    require("hashtable")
    report.check_packages(page is not None, parquet is not None)
    for file in (csv_file, parquet, page):
        if file is not None and not file.resolve().parent.is_dir():
            raise Missing(f"there is no folder {file.resolve().parent}.")
    names = (*keys, *(f"{FILE}{file}" for file in files)) or tuple(KEY_SETS)
    for name in keys:
        if name not in KEY_SETS:
            raise Missing(f"there is no key set {name!r}; there are: {', '.join(KEY_SETS)}.")
    for function in functions:
        function_of(function)
    jobs = jobs_of(names, functions or FUNCTIONS, sizes or sizes_for(count), max_loads or MAX_LOADS, count)
    stage, interrupted = Stage(), False
    known: list[Result] = []
    try:
        results = run_with_progress("Sweeping", jobs, stage, executor, "explore", fresh, known.append)
    except KeyboardInterrupt:
        results, interrupted = known, True
    rows = rows_of(results)
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        report.show(rows, stage)
    for file, write in ((csv_file, report.write_csv), (parquet, report.write_parquet)):
        if file is not None and rows:
            write(rows, file)
    if page is not None and rows:
        report.write_html(rows, page, complete=not interrupted)
    if interrupted:
        stage.err.print(f"Interrupted: {len(rows)} of {len(jobs)} settings were measured, and are kept.")
        return INTERRUPTED
    return 0 if any(not row["error"] for row in rows) else 1
