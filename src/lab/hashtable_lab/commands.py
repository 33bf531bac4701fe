"""What all commands share: groups that list them, exit codes, and the one line that an error gets.

A command is a `click.Command` beside the work that it starts, in the folder of its subject. It is entered by name in the list
of its group (`COMMANDS` in cli.py, `DEMOS` in demos/__init__.py) and imported when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import click

from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

SAW, DID_NOT_SEE, CANNOT = 0, 1, 2
INTERRUPTED = 130

EXIT_CODES = """\b
Exit codes:
  0    it saw what it promises
  1    it did not
  2    wrong usage, or something is missing (a line says what to do)
  130  interrupted (Ctrl-C)"""


class Commands(click.Group):
    """A group of commands, listed in their order. Each is imported when it is needed; an unknown one gets a single line.

    Args:
        members: for each command its name, and where it is: `module:attribute`.
    """

    def __init__(self, *arguments: Any, members: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.members = dict(members or {})

    def list_commands(self, context: click.Context) -> list[str]:
        return [*self.members, *self.commands]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.members:
            return super().get_command(context, name)
        module, _, attribute = self.members[name].partition(":")
        try:
            command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.partition(".")[0] == "hashtable_lab":
                raise
            return _stand_in(name, missing.name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        known = self.list_commands(context)
        if args[0] not in known and not args[0].startswith("-"):
            raise Missing(f"`{context.command_path}` knows no {args[0]!r}; there are: {', '.join(known)}.")
        return super().resolve_command(context, args)


def _stand_in(name: str, package: str) -> click.Command:
    """Stands for a command that cannot be imported, so that the others can still be listed and used."""
    words = f"needs the package {package!r}: run `python -m pip install '.[lab]'` in the project's folder."

    def say(**_: Any) -> None:
        raise Missing(f"`{name}` {words}")

    settings = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, callback=say, help=words.capitalize(), context_settings=settings)


def show_help(context: click.Context) -> None:
    """What a group does when it is called alone: it lists its commands."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def perform(play: Callable[..., None], *arguments: Any, **options: Any) -> int:
    """Performs something on a stage of its own. Returns the exit code."""
    stage = Stage()
    play(*arguments, stage=stage, **options)
    return SAW if stage.succeeded() else DID_NOT_SEE


def complain(error: click.ClickException) -> None:
    """One line on standard error; for a wrong usage, with the command that tells the right one."""
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message} Try `{error.ctx.command_path} --help`."
    click.echo(f"Error: {message}", err=True)


def run(command: click.Command, arguments: list[str] | None = None, program: str | None = None) -> int:
    """Runs a command line to its end: one line if something is missing or used wrongly, quiet after Ctrl-C.

    Args:
        command: what to run.
        arguments: what was typed after its name; None takes it from `sys.argv`.
        program: its name in messages; None takes it from `sys.argv`.

    Returns:
        The exit code.
    """
    try:
        code = command.main(arguments, prog_name=program, standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        complain(error)
        return CANNOT
    return code if isinstance(code, int) else SAW
