"""`python -m hashtable_lab ledger SCRIPT`."""

from __future__ import annotations

from pathlib import Path

import click

from hashtable_lab.audit import report
from hashtable_lab.stage import Stage

LEDGER_HELP = """\b
Examples:
  python -m hashtable_lab ledger script.py
  python -m hashtable_lab ledger --module my_extension --source ~/my_extension tests.py -v

\b
Exit codes:
  0    balanced
  1    unbalanced: a reference was lost, or given away without being owned (also if the script crashed of it)
  2    could not tell (it raised or crashed, and until then it was balanced; or nothing was called that can
       be judged), wrong usage, or something is missing
  130  interrupted (Ctrl-C)"""


@click.command("ledger", epilog=LEDGER_HELP, context_settings={"allow_interspersed_args": False})
@click.option("--module", default="hashtable_traced", show_default=True, help="An extension that keeps a ledger.")
@click.option(
    "--source",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the extension's source is, so that its lines can be quoted.",
)
@click.option("--events", is_flag=True, help="List every event.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print what was found as JSON; what SCRIPT prints goes to stderr."
)
@click.argument("script", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def ledger_command(
    module: str, folders: tuple[Path, ...], events: bool, as_json: bool, script: Path, arguments: tuple[str, ...]
) -> int:
    """Which line of the extension loses a reference, or gives away one that it does not own?

    Runs SCRIPT, with its ARGUMENTS, in a child. There `import hashtable` gives the traced build, which enters every
    reference that it takes and gives in a ledger.
    """
    return report.perform(script, arguments, module, folders, events, as_json, Stage())
