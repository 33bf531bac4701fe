"""`python -m hashtable_lab who EXPRESSION`."""

from __future__ import annotations

import click

from hashtable_lab.owners import report
from hashtable_lab.stage import Stage

WHO_HELP = """\b
Examples:
  python -m hashtable_lab who --setup "o = object(); l = [o, o]" o
  python -m hashtable_lab who --setup "import hashtable; f = lambda k: 1; t = hashtable.HashTable(hash_func=f)" f

\b
Exit codes:
  0    the count was explained, as far as can be seen
  2    setup or expression cannot be run (a line says why), or wrong usage
  130  interrupted (Ctrl-C)"""


@click.command("who", epilog=WHO_HELP)
@click.argument("expression")
@click.option("--setup", "-s", multiple=True, metavar="CODE", help="Run once before.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def who_command(expression: str, setup: tuple[str, ...], as_json: bool) -> None:
    """Who holds the object that EXPRESSION gives?

    Explains its reference count owner by owner: names, containers, closures, frames, tables; and what cannot be seen.
    """
    report.perform("\n".join(setup), expression, as_json, Stage())
