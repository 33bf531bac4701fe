"""Measures HashTable against dict and its peers: `make bench`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from commands import console, last_lines, run_command, watch  # noqa: E402
from measuring import SCRIPT, Group, Measured, from_json, quietest  # noqa: E402
from works import SECTIONS  # noqa: E402


def measure(group: Group) -> Measured:
    """Measures a group in a process of its own."""
    from dataclasses import asdict

    command = [sys.executable, SCRIPT, json.dumps(asdict(group))]
    code, output, _ = watch(group.title(), command, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    if code != 0:
        raise click.ClickException(f"{group.title()} could not be measured; its last lines:\n{last_lines(output)}")
    return from_json(json.loads(output.splitlines()[-1]))


@click.command()
@click.option("--quick", is_flag=True)
@click.option("--only", multiple=True, type=click.Choice(list(SECTIONS)))
@click.option("--kind", multiple=True)
@click.option("--size", multiple=True, type=int)
def main(quick, only, kind, size):
    for name, section in SECTIONS.items():
        if only and name not in only:
            continue
        for group in section(quick):
            if (kind and group.kind not in kind) or (size and group.n not in size):
                continue
            m = quietest(lambda group=group: measure(group), console.print)
            for candidate, stages in m.ratios.items():
                console.print(
                    f"{candidate:14}",
                    "  ".join(f"{s} {r.median:.2f} ({r.low:.2f}-{r.high:.2f})" for s, r in stages.items()),
                )
            for f, why in m.failed.items():
                console.print(f, "failed:", why)


if __name__ == "__main__":
    run_command(main)
