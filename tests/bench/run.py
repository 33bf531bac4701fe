"""Measures HashTable against dict and its peers, and says which goals it reaches: `make bench`.

All figures are ratios within one run. How they are taken is told in measuring.py, what is measured in works.py. What comes of it is
written to target/bench/results.json, after every measurement, so that nothing is lost to Ctrl-C.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]
import apart  # noqa: E402
import peers  # noqa: E402
from commands import ROOT, console, last_lines, run_command, watch  # noqa: E402
from measuring import NOISE, SCRIPT, TRIES, Group, Measured, from_json, quietest, to_json, within  # noqa: E402
from performance import RECORD, record_file  # noqa: E402
from works import APART, GOALS, SECTIONS, Finding, finding  # noqa: E402

RESULTS = ROOT / "target" / "bench" / "results.json"


def environment() -> dict[str, str]:
    """The environment of a process that measures: it finds the peers, and writes nothing beside the source."""
    path = [str(peers.FOLDER), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "PYTHONDONTWRITEBYTECODE": "1"}


def machine() -> dict[str, str]:
    """What it was measured on."""
    processor = platform.processor() or platform.machine()
    memory = ""
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), processor)
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.split()
    return {
        "processor": f"{processor}, {os.cpu_count()} cores",
        "memory": memory,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"CPython {platform.python_version()}, {platform.python_compiler()}",
        "rust": rust[1] if len(rust) > 1 else "",
        "load": wanted_to_run(os.getloadavg()[0]),
    }


def wanted_to_run(average: float) -> str:
    """How busy the machine was, in words."""
    return f"{average:.1f} processes wanted to run, on the average of the busiest minute"


def measure_once(group: Group, label: str) -> Measured:
    """Measures a group in a process of its own."""
    command = [sys.executable, SCRIPT, json.dumps(asdict(group))]
    code, output, _ = watch(f"{label} {group.title()}", command, environment())
    if code != 0:
        raise click.ClickException(f"{group.title()} could not be measured; its last lines:\n{last_lines(output)}")
    return from_json(json.loads(output.splitlines()[-1]))


def measure(group: Group, label: str, missing: dict[str, str], quick: bool) -> Measured | None:
    """Measures a group, again while the machine is too noisy; None, with a word, if there is nothing to compare with."""
    needs = {"textbook": "textbook", "PyO3": "with_pyo3", "call": "fastcall"}
    lacking = needs.get(group.section)
    if lacking in missing:
        console.print(f"{group.title()} is left out: {lacking} is missing")
        return None

    def warn(line: str) -> None:
        console.print(f"  {group.title()}: {line}")

    return quietest(lambda: measure_once(group, label), warn, 2 if quick else TRIES)


def measure_apart(name: str, quick: bool, add: Callable[[Measured], None]) -> str:
    """Measures a section of which each measurement has a process. Returns "" or why it could not be."""
    console.print(f"{name}, each in a process of its own ...")
    with console.status(name) as status:

        def run(what: str, *how: Any) -> Any:
            status.update(f"{name}: {', '.join(str(part) for part in how if part)}")
            return apart.run(what, *how, environment=environment())

        try:
            for measured in APART[name](quick, run):
                add(measured)
        except RuntimeError as error:
            return str(error)
    return ""


# ---- the report --------------------------------------------------------------------------------------------------------


def report(results: Sequence[Measured], where: dict[str, str], missing: dict[str, str]) -> None:
    """Prints every ratio, and below them the goals."""
    for section in dict.fromkeys(measured.section for measured in results):
        console.print()
        show(ratio_table(section, [measured for measured in results if measured.section == section]))
    table = Table(
        "goal",
        "at most",
        "worst",
        "its spread",
        "in",
        "mean",
        "above",
        "",
        title="Goals",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for goal in GOALS:
        found = finding(goal, results)
        table.add_row(*goal_row(found) if found else (goal.work, goal.text, "not measured", "", "", "", "", ""))
    console.print()
    show(table)
    for name, why in missing.items():
        console.print(f"{name} was left out: {why}")
    if any(measured.too_noisy() for measured in results):
        console.print(f"~ the machine was too noisy: the same differed from itself by more than {NOISE:.0%}")
    console.print("; ".join(f"{what}: {value}" for what, value in where.items() if value))


def show(table: Table) -> None:
    """Prints a table as wide as it is, unless a terminal is not."""
    (console if console.is_terminal else Console(width=180)).print(table)


def goal_row(found: Finding) -> tuple[str, ...]:
    """A goal and what it came to."""
    spread = f"{found.worst.low:.2f} - {found.worst.high:.2f}"
    verdict = ("reached" if found.reached() else "NOT REACHED") + " ~" * found.noisy
    mean = "" if found.goal.mean is None else f"{found.mean:.2f}"
    above = f"{found.above} of {found.of}"
    return found.goal.work, found.goal.text, f"{found.worst.median:.2f}", spread, found.where, mean, above, verdict


def ratio_table(section: str, results: Sequence[Measured]) -> Table:
    """All ratios of a section: a row for each candidate and kind of work."""
    stages = dict.fromkeys(stage for measured in results for stages in measured.ratios.values() for stage in stages)
    table = Table("keys", "", "", title=section, box=None, padding=(0, 2, 0, 0))
    for stage in stages:
        table.add_column(stage, justify="right", no_wrap=False)
    for measured in results:
        for number, (name, ratios) in enumerate(measured.ratios.items()):
            if name == next(iter(measured.ratios)) and len(measured.ratios) > 1:
                continue  # 1.00 throughout
            cells = [f"{ratios[stage].median:.2f}" if stage in ratios else "" for stage in stages]
            first = number <= 1
            table.add_row(
                measured.kind * first,
                f"{measured.n:,}" * (first and measured.n > 0),
                name + " ~" * measured.too_noisy(),
                *cells,
            )
        for name, why in measured.failed.items():
            table.add_row("", "", f"{name}: {why}")
    return table


def save(file: Path, results: Sequence[Measured], where: dict[str, str], missing: dict[str, str], quick: bool) -> None:
    """Writes the results."""
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "date": datetime.date.today().isoformat(),
        "quick": quick,
        "machine": where,
        "missing": missing,
        "results": [to_json(measured) for measured in results],
    }
    # A file that is complete takes the place of the old one.
    new = file.with_suffix(".new")
    new.write_text(lines_of(rounded(whole)))
    new.replace(file)


def lines_of(whole: dict[str, Any]) -> str:
    """JSON with a line for each measurement: a record that changes is to be compared line by line."""
    head = json.dumps({**whole, "results": []}, indent=1)
    lines = ",\n".join("  " + json.dumps(measured) for measured in whole["results"])
    return head.replace('"results": []', f'"results": [\n{lines}\n ]') + "\n"


def rounded(value: Any) -> Any:
    """The same with four digits behind the point: more is noise."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    return value


@click.command(help=__doc__.split("\n\n")[0], epilog="Exit codes: 0 measured, 2 something is missing, 130 interrupted.")
@click.option("--quick", is_flag=True, help="Fewer keys, fewer rounds: ends within two minutes on two cores.")
@click.option("--only", "only", multiple=True, type=click.Choice([*SECTIONS, *APART]), help="Only this section.")
@click.option("--kind", "kinds", multiple=True, help="Only this kind of keys, such as int.")
@click.option("--size", "sizes", multiple=True, type=int, help="Only this number of keys, such as 1000.")
@click.option("--largest", type=int, help="Leave out what has more keys, which takes longest.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON at the end, not as tables.")
@click.option(
    "--record",
    is_flag=True,
    help=f"Write them to {RECORD.relative_to(ROOT)} too, from which the page in the book is made; with another CPython, beside it.",
)
def main(
    quick: bool,
    only: tuple[str, ...],
    kinds: tuple[str, ...],
    sizes: tuple[int, ...],
    largest: int | None,
    as_json: bool,
    record: bool,
) -> None:
    """The command line."""
    if as_json:
        # What is said meanwhile must not get between a program and the JSON.
        console.stderr = True
    console.print("no figure here is a time: all are ratios of what was measured side by side")
    missing = peers.prepare(dict(os.environ))
    where = machine()
    busiest = [os.getloadavg()[0]]
    results: list[Measured] = []

    def add(measured: Measured | None) -> None:
        busiest.append(os.getloadavg()[0])
        where["load"] = wanted_to_run(max(busiest))
        if measured is not None:
            results.append(measured)
            save(RESULTS, results, where, missing, quick)

    chosen = [name for name in [*SECTIONS, *APART] if not only or name in only]
    todo = [group for name in chosen if name in SECTIONS for group in SECTIONS[name](quick)]
    todo = [group for group in todo if (not kinds or group.kind in kinds) and (not sizes or group.n in sizes)]
    todo, left = within(largest, todo)
    missing |= left
    for name in chosen:
        if name in APART and not (name == "import" and "empty" in missing):
            why = measure_apart(name, quick, add)
            if why:
                missing[name] = why
    # The longest last: who ends it early has nearly everything.
    todo.sort(key=lambda group: group.n)
    for number, group in enumerate(todo, start=1):
        add(measure(group, f"[{number}/{len(todo)}]", missing, quick))
    if as_json:
        print(RESULTS.read_text(), end="")
    else:
        report(results, where, missing)
        console.print(f"written to {RESULTS.relative_to(ROOT)}")
    if record:
        save(record_file({"machine": where}), results, where, missing, quick)


if __name__ == "__main__":
    run_command(main)
