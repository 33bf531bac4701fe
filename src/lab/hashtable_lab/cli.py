"""The commands. Their work is done elsewhere; here is what a reader types, and the exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hashtable_lab import audit, explain, leakcheck, matrix, specimen_pages, specimens, who
from hashtable_lab.course.commands import course
from hashtable_lab.demos import layers, missing_decref, missing_incref, referrers, wordcount
from hashtable_lab.detectors import DETECTORS
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
    """A group that lists its commands, in the order of this file, and takes an unknown one with a single line."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise Missing(f"`{context.command_path}` knows no {args[0]!r}; there are: {', '.join(self.commands)}.")
        return super().resolve_command(context, args)


def perform(play: Callable[..., None], *arguments: Any, **options: Any) -> int:
    """Performs something on a stage of its own. Returns the exit code."""
    stage = Stage()
    play(*arguments, stage=stage, **options)
    return SAW if stage.succeeded() else DID_NOT_SEE


@click.group(cls=Commands, invoke_without_command=True, epilog=EXIT_CODES)
@click.pass_context
def lab(context: click.Context) -> None:
    """Shows what goes on below `import hashtable`, and what goes wrong when a reference is miscounted."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


# ---- demos -----------------------------------------------------------------------------------------------------------


@lab.group(cls=Commands, invoke_without_command=True, epilog=EXIT_CODES)
@click.pass_context
def demo(context: click.Context) -> None:
    """Performs a demo: shows its code, what comes of it, and why."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@demo.command("referrers")
@click.option("--details", is_flag=True, help="The count in every call, and what the garbage collector sees.")
def referrers_demo(details: bool) -> int:
    """Who holds an object? Names and calls, counted."""
    return perform(referrers.play, details=details)


@demo.command("missing-incref")
def missing_incref_demo() -> int:
    """A reference too few: a table dies under its name."""
    return perform(missing_incref.play)


@demo.command("missing-decref")
def missing_decref_demo() -> int:
    """A reference too many: what a table held can never go."""
    return perform(missing_decref.play)


@demo.command("layers")
def layers_demo() -> int:
    """A call travels through Python, extension and library."""
    return perform(layers.play)


@demo.command("wordcount")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=wordcount.SAMPLE,
    show_default=True,
    help="Compare hash functions on so many distinct words. For the poorest, time grows with the square.",
)
def wordcount_demo(files: tuple[Path, ...], sample: int) -> int:
    """Counts words, and compares three hash functions.

    Without FILES: every .py file of this Python's own standard library.
    """
    return perform(wordcount.play, files=files, sample=sample)


@demo.command("all")
def every_demo() -> int:
    """All of them, in this order.

    If one lacks something it needs, the others are still performed. The exit code is the highest of theirs.
    """
    demos = {
        "referrers": referrers.play,
        "missing-incref": missing_incref.play,
        "missing-decref": missing_decref.play,
        "layers": layers.play,
        "wordcount": wordcount.play,
    }
    words = {SAW: "saw what it promises", DID_NOT_SEE: "DID NOT SEE what it promises", CANNOT: "could not be performed"}
    codes = {}
    for name, play in demos.items():
        try:
            codes[name] = perform(play)
        except Missing as error:
            complain(error)
            codes[name] = CANNOT
    stage = Stage()
    stage.heading("All demos")
    stage.table(["demo", ""], [(name, words[code]) for name, code in codes.items()])
    return max(codes.values())


# ---- specimens -------------------------------------------------------------------------------------------------------


@lab.group("specimens", cls=Commands, invoke_without_command=True, epilog=EXIT_CODES)
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
    for file in specimen_pages.write():
        click.echo(file)


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


@lab.command("matrix", epilog=MATRIX_HELP)
@click.option("--specimen", "-s", "names", multiple=True, metavar="NAME", help="Only this one. May be repeated.")
@click.option(
    "--detector", "-d", "chosen", multiple=True, type=click.Choice(list(DETECTORS)), help="Only this one, too."
)
@click.option("--fresh", is_flag=True, help="Forget what earlier runs have seen.")
@click.option("--record", is_flag=True, help="Keep a run of everything as docs/matrix.json.")
@click.option("--json", "as_json", is_flag=True, help="Print what was seen as JSON.")
def matrix_command(names: tuple[str, ...], chosen: tuple[str, ...], fresh: bool, record: bool, as_json: bool) -> int:
    """Which detector catches which specimen, and does it name the line?

    Builds every specimen in four forms, and runs its script under ten detectors. All of it takes some twenty minutes.
    """
    return matrix.perform(names, chosen, fresh, as_json, record, Stage())


# ---- the ledger ------------------------------------------------------------------------------------------------------

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


@lab.command("ledger", epilog=LEDGER_HELP, context_settings={"allow_interspersed_args": False})
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
    return audit.perform(script, arguments, module, folders, events, as_json, Stage())


# ---- anybody's extension ---------------------------------------------------------------------------------------------

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

WHO_HELP = """\b
Examples:
  python -m hashtable_lab who --setup "o = object(); l = [o, o]" o
  python -m hashtable_lab who --setup "import hashtable; f = lambda k: 1; t = hashtable.HashTable(hash_func=f)" f

\b
Exit codes:
  0    the count was explained, as far as can be seen
  2    setup or expression cannot be run (a line says why), or wrong usage
  130  interrupted (Ctrl-C)"""


@lab.command("leakcheck", epilog=LEAKCHECK_HELP)
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
    return leakcheck.perform("\n".join(setup), "\n".join(statement), calls, as_json, Stage())


@lab.command("who", epilog=WHO_HELP)
@click.argument("expression")
@click.option("--setup", "-s", multiple=True, metavar="CODE", help="Run once before.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def who_command(expression: str, setup: tuple[str, ...], as_json: bool) -> None:
    """Who holds the object that EXPRESSION gives?

    Explains its reference count owner by owner: names, containers, closures, frames, tables; and what cannot be seen.
    """
    who.perform("\n".join(setup), expression, as_json, Stage())


lab.add_command(course)


# ---- the entry -------------------------------------------------------------------------------------------------------


def complain(error: click.ClickException) -> None:
    """One line on standard error; for a wrong usage, with the command that tells the right one."""
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message} Try `{error.ctx.command_path} --help`."
    click.echo(f"Error: {message}", err=True)


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
    try:
        code = lab.main(arguments, prog_name="python -m hashtable_lab", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        complain(error)
        return CANNOT
    return code if isinstance(code, int) else SAW
