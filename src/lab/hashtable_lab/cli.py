"""The commands of `python -m hashtable_lab`, one line each. Their work is done elsewhere."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click

from hashtable_lab.commands import EXIT_CODES, Commands, run, show_help

#: Where each command is. To add one, write it in a module of its own and enter it here.
COMMANDS = {
    "demo": "hashtable_lab.demos.command:demo",
    "specimens": "hashtable_lab.specimens.command:specimens_group",
    "matrix": "hashtable_lab.detectors.command:matrix_command",
    "ledger": "hashtable_lab.audit.command:ledger_command",
    "faults": "hashtable_lab.foreign.command:faults_command",
    "field": "hashtable_lab.field.command:field_command",
    "replay": "hashtable_lab.replay.command:replay_command",
    "leakcheck": "hashtable_lab.leakcheck.command:leakcheck_command",
    "who": "hashtable_lab.owners.command:who_command",
    "road": "hashtable_lab.road.command:road_command",
    "explore": "hashtable_lab.explore.command:explore_command",
    "attack": "hashtable_lab.attack.command:attack_command",
    "course": "hashtable_lab.course.commands:course",
}

#: The console script that stands for `python -m hashtable_lab`.
SCRIPT = "hashtable-lab"


@click.group(cls=Commands, members=COMMANDS, invoke_without_command=True, epilog=EXIT_CODES)
@click.pass_context
def lab(context: click.Context) -> None:
    """Shows what goes on below `import hashtable`, and what goes wrong when a reference is miscounted."""
    show_help(context)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command line.

    Args:
        arguments: what was typed after `python -m hashtable_lab`; None takes it from `sys.argv`.

    Returns:
        The exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows few characters gets an escape for the others, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    typed = Path(sys.argv[0]).stem == SCRIPT if sys.argv else False
    return run(lab, arguments, SCRIPT if typed else "python -m hashtable_lab")
