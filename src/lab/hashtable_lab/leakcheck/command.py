"""`python -m hashtable_lab leakcheck STATEMENT`."""

from __future__ import annotations

import click

from hashtable_lab.leakcheck import report
from hashtable_lab.stage import Stage

LEAKCHECK_HELP = """\b
Examples:
  python -m hashtable_lab leakcheck --setup "l = []" "l.append(object())"
  python -m hashtable_lab leakcheck --setup "from json import loads" "loads('[1.5]')"
  python -m hashtable_lab leakcheck gc:get_stats

\b
Exit codes:
  0    clean: nothing grows with the number of calls
  1    it leaks
  2    could not tell (it raises, it crashes, ...; a line says why), or wrong usage
  130  interrupted (Ctrl-C)"""


@click.command("leakcheck", epilog=LEAKCHECK_HELP)
@click.argument("statement", nargs=-1, required=True)
@click.option("--setup", "-s", multiple=True, metavar="CODE", help="Run once before. What it names is watched.")
@click.option("--calls", type=click.IntRange(min=10), help="Calls in a round; else as many as time allows, up to 2000.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def leakcheck_command(statement: tuple[str, ...], setup: tuple[str, ...], calls: int | None, as_json: bool) -> int:
    """Does running STATEMENT leak?

    STATEMENT is Python code, or MODULE:CALLABLE, which is called without arguments. It is run some ten thousand
    times, in a child; what grows in proportion to the number of calls, is a leak. As with timeit, each of several
    arguments is a line.
    """
    return report.perform("\n".join(setup), "\n".join(statement), calls, as_json, Stage())
