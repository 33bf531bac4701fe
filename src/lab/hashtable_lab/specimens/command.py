"""`python -m hashtable_lab specimens …`."""

from __future__ import annotations

import click

from hashtable_lab import specimens
from hashtable_lab.commands import EXIT_CODES, Commands, perform
from hashtable_lab.specimens import explain, pages
from hashtable_lab.stage import Stage


@click.group("specimens", cls=Commands, invoke_without_command=True, epilog=EXIT_CODES)
@click.pass_context
def specimens_group(context: click.Context) -> None:
    """Lists, shows and runs broken variants of the extension."""
    if context.invoked_subcommand is None:
        stage = Stage()
        stage.table(["specimen", "class of bug"], [(name, specimens.load(name).kind) for name in specimens.names()])


@specimens_group.command("show")
@click.argument("name")
def show_specimen(name: str) -> None:
    """Shows a specimen: its diff, what it teaches, how it shows."""
    explain.show(specimens.load(name), Stage())


@specimens_group.command("run")
@click.argument("name")
def run_specimen(name: str) -> int:
    """Builds a specimen, runs it in a child, and explains."""
    return perform(explain.perform, specimens.load(name))


@specimens_group.command("pages")
def write_pages() -> None:
    """Writes the book's pages about specimens: docs/matrix.md and docs/specimens/*.md."""
    for file in pages.write():
        click.echo(file)
