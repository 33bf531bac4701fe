"""`python -m hashtable_lab matrix`."""

from __future__ import annotations

import click

from hashtable_lab.detectors import DETECTORS, matrix
from hashtable_lab.stage import Stage

MATRIX_HELP = """\b
Examples:
  python -m hashtable_lab matrix
  python -m hashtable_lab matrix --specimen missing-incref --detector ledger --detector valgrind

\b
Exit codes:
  0    whatever is said to catch a specimen caught it, the ledger named the line,
       and nothing was found in the source as it is
  1    not so
  2    wrong usage, or something is missing (a line says what to do)
  130  interrupted (Ctrl-C); the next run goes on where this one was"""


@click.command("matrix", epilog=MATRIX_HELP)
@click.option("--specimen", "-s", "names", multiple=True, metavar="NAME", help="Only this one. May be repeated.")
@click.option(
    "--detector", "-d", "chosen", multiple=True, type=click.Choice(list(DETECTORS)), help="Only this one, too."
)
@click.option("--fresh", is_flag=True, help="Forget what earlier runs have seen.")
@click.option("--record", is_flag=True, help="Keep what was seen in docs/matrix.json: all, or the specimens named.")
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
def matrix_command(names: tuple[str, ...], chosen: tuple[str, ...], fresh: bool, record: bool, as_json: bool) -> int:
    """Which detector catches which specimen, and does it name the line?

    Builds every specimen in four forms, and runs its script under ten detectors. All of it takes some twenty minutes.
    """
    return matrix.perform(names, chosen, fresh, as_json, record, Stage())
