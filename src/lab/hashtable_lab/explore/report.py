"""Shows what a sweep found: a table on the terminal, files for one's own tools, a page with plots."""

from __future__ import annotations

import csv
import html
import importlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hashtable_lab.errors import Missing
from hashtable_lab.stage import WIDEST, Stage

Row = dict[str, Any]

#: What is written to files, in this order.
COLUMNS = [
    *("keys", "function", "initial_size", "max_load"),
    *("size", "load", "load_factor", "used_buckets"),
    *("longest_chain", "longest_expected", "hit", "hit_expected", "miss", "miss_expected"),
    *("resizes", "bytes", "set", "get", "in", "hashed_by", "error"),
]


def show(rows: Sequence[Row], stage: Stage) -> None:
    """A table, one line for each setting."""
    if not stage.out.is_terminal:
        stage.out.width = max(WIDEST, 120)
    titles = [
        "keys",
        "hash function",
        "size at first",
        "max load",
        "size",
        "longest",
        "(theory)",
        "hit",
        "(theory)",
        "get / dict",
    ]
    lines = []
    for row in rows:
        setting = [row["keys"], row["function"], f"{row['initial_size']:,}", row["max_load"]]
        if row["error"]:
            lines.append([*setting, row["error"][:40], "", "", "", "", ""])
        else:
            lines.append(
                [
                    *setting,
                    f"{row['size']:,}",
                    row["longest_chain"],
                    row["longest_expected"],
                    f"{row['hit']:.2f}",
                    f"{row['hit_expected']:.2f}",
                    f"{row['get']:.1f}",
                ]
            )
    stage.table(titles, lines, gap=2)
    stage.say(
        "hit: pairs that a lookup visits until it is at its key, on average. Theory: each key falls into any "
        "bucket with the same "
        "probability. get / dict: the time of t[key] as a ratio to dict's, measured by turns."
    )


def write_csv(rows: Iterable[Row], file: Path) -> None:
    """Writes the rows as CSV."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def write_parquet(rows: Sequence[Row], file: Path) -> None:
    """Writes the rows as Parquet.

    Raises:
        Missing: pyarrow is not installed.
    """
    arrow, parquet = _needed("pyarrow", "--parquet"), _needed("pyarrow.parquet", "--parquet")
    parquet.write_table(arrow.Table.from_pylist([{name: row.get(name) for name in COLUMNS} for row in rows]), str(file))


def check_packages(page: bool, parquet: bool) -> None:
    """Raises `Missing` now, and not after the sweep, if a file could not be written."""
    if page:
        _needed("matplotlib", "--html")
    if parquet:
        _needed("pyarrow", "--parquet")


def _needed(module: str, option: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise Missing(f"{option} needs the package {package!r}: python -m pip install '.[explore]'.") from None


# ---- the page --------------------------------------------------------------------------------------------------------


def write_html(rows: Sequence[Row], file: Path, complete: bool = True) -> None:
    """Writes a page with plots that answers three questions. It needs nothing but itself.

    Raises:
        Missing: matplotlib is not installed.
    """
    matplotlib = _needed("matplotlib", "--html")
    matplotlib.use("svg")
    good = [row for row in rows if not row["error"]]
    parts = [
        _section("What does the maximum load cost, and what does it buy?", *_max_load(good)),
        _section("What does a bad hash function do?", *_functions(good)),
        _section("When does an odd size help?", *_sizes(good)),
    ]
    titles = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row.get(name, '')))}</td>" for name in COLUMNS) + "</tr>\n"
        for row in rows
    )
    note = (
        ""
        if complete
        else "<p><strong>The sweep was interrupted: these are the settings that were measured.</strong></p>"
    )
    file.write_text(
        f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Three knobs</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
svg {{ max-width: 100%; height: auto; background: white; border-radius: 6px; }} .rows {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 13px; }} th, td {{ padding: 2px 8px; text-align: left; white-space: nowrap; }}
tr:nth-child(even) {{ background: #8881; }}
</style>
<h1>Three knobs: size, hash function, maximum load</h1>
<p>{len(good)} settings were measured. Times are ratios to <code>dict</code>, measured by turns on one machine.</p>{note}
{"".join(parts)}
<h2>All settings</h2>
<div class="rows"><table><tr>{titles}</tr>
{cells}</table></div>
""",
        encoding="utf-8",
    )


def _section(question: str, answer: str, plot: str) -> str:
    return f"<h2>{html.escape(question)}</h2>\n<p>{html.escape(answer)}</p>\n{plot}\n"


def _svg(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    _needed("matplotlib.pyplot", "--html").close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _axes(number: int) -> tuple[Any, Sequence[Any]]:
    figure, axes = _needed("matplotlib.pyplot", "--html").subplots(1, number, figsize=(5 * number, 3.6))
    return figure, axes if number > 1 else [axes]


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")


def _is_ordinary(row: Row) -> bool:
    return bool(row["function"] in ("hash", "mixed_hash") and row["hit"] < row["hit_expected"] * 1.5)


def _max_load(rows: Sequence[Row]) -> tuple[str, str]:
    # A table that began with room for all keys never came to its maximum load.
    chosen = [row for row in rows if _is_ordinary(row) and row["resizes"]]
    loads = sorted({row["max_load"] for row in chosen})
    if not loads:
        return "No setting was measured in which keys were spread.", ""
    at = {load: [row for row in chosen if row["max_load"] == load] for load in loads}
    hits = [_mean(row["hit"] for row in at[load]) for load in loads]
    sizes = [_mean(row["bytes"] / row["load"] for row in at[load]) for load in loads]
    figure, (left, right) = _axes(2)
    left.plot(loads, hits, "o-", label="measured")
    left.plot(loads, [_mean(row["hit_expected"] for row in at[load]) for load in loads], "--", label="theory: 1 + a/2")
    left.set(xlabel="maximum load", ylabel="pairs visited for a hit", ylim=(1, None))
    left.legend()
    right.plot(loads, sizes, "o-")
    right.set(xlabel="maximum load", ylabel="bytes per pair", ylim=(0, None))
    answer = (
        f"From a maximum load of {loads[0]} to one of {loads[-1]}, a lookup visits {hits[0]:.2f} and then "
        f"{hits[-1]:.2f} pairs on "
        f"average, and a pair takes {sizes[0]:.0f} and then {sizes[-1]:.0f} bytes. (Means over all keys that "
        "the hash function spreads. "
        "A table that has just doubled is half as full as its maximum load, and one about to double as full as that.)"
    )
    return answer, _svg(figure)


def _functions(rows: Sequence[Row]) -> tuple[str, str]:
    names = list(dict.fromkeys(row["keys"] for row in rows))
    functions = list(dict.fromkeys(row["function"] for row in rows))
    worst = max(rows, key=lambda row: row["hit"] / row["hit_expected"], default=None)
    if worst is None:
        return "Nothing was measured.", ""
    figure, (axis,) = _axes(1)
    figure.set_size_inches(10, 4)
    width = 0.8 / len(functions)
    for number, function in enumerate(functions):
        heights = [
            _mean(row["hit"] for row in rows if (row["keys"], row["function"]) == (name, function)) for name in names
        ]
        axis.bar([place + number * width for place in range(len(names))], heights, width, label=function)
    axis.set(yscale="log", ylabel="pairs visited for a hit (log)")
    axis.set_xticks([place + 0.4 - width / 2 for place in range(len(names))], names, rotation=25, ha="right")
    axis.legend()
    answer = (
        f"The worst was {worst['function']} with the keys “{worst['keys']}”: a lookup visited "
        f"{worst['hit']:.1f} pairs on average, where "
        f"{worst['hit_expected']:.2f} are to be expected, its longest chain had {worst['longest_chain']:,} of "
        f"{worst['load']:,} pairs, and "
        f"t[key] took {worst['get']:.1f} times as long as with a dict."
    )
    return answer, _svg(figure)


def _sizes(rows: Sequence[Row]) -> tuple[str, str]:
    def ratio(row: Row) -> float:
        return float(row["hit"] / row["hit_expected"])

    chosen = [row for row in rows if row["function"] == "hash"]
    names = list(dict.fromkeys(row["keys"] for row in chosen))
    power = [_mean(ratio(row) for row in chosen if row["keys"] == name and _is_power(row)) for name in names]
    odd = [_mean(ratio(row) for row in chosen if row["keys"] == name and not _is_power(row)) for name in names]
    if not names or all(value != value for value in odd):
        return "No size was measured that is no power of two.", ""
    helped = [name for name, even, other in zip(names, power, odd) if other * 1.5 < even]
    figure, (axis,) = _axes(1)
    figure.set_size_inches(10, 4)
    axis.bar([place - 0.2 for place in range(len(names))], power, 0.4, label="a power of two")
    axis.bar([place + 0.2 for place in range(len(names))], odd, 0.4, label="another size")
    axis.axhline(1, linestyle="--", color="grey")
    axis.set(yscale="log", ylabel="visited / expected (log)")
    axis.set_xticks(range(len(names)), names, rotation=25, ha="right")
    axis.legend(title="size of the table, hashed by hash")
    if helped:
        answer = (
            f"It helped with {', '.join(helped)}: these hashes agree in their low bits, which are the bucket if the size is a "
            "power of two. (A size that grows gets a factor of two each time, and helps less.)"
        )
    else:
        answer = "It helped with none of these keys."
    return (
        answer + " Where the hash is good already, it makes no difference to the chains, and costs a division.",
        _svg(figure),
    )


def _is_power(row: Row) -> bool:
    return bool(row["size"] & (row["size"] - 1) == 0)
