"""`python -m hashtable_lab ledger SCRIPT`."""

from __future__ import annotations

from pathlib import Path

import click

from hashtable_lab.audit import report
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

LEDGER_HELP = """\b
Examples:
  python -m hashtable_lab ledger script.py
  python -m hashtable_lab ledger --module my_extension --source ~/my_extension tests.py -v
  python -m hashtable_lab ledger --build multidict-6.7.0.tar.gz -- script.py
  python -m hashtable_lab ledger --build ~/my_package -- -m pytest tests

\b
Exit codes:
  0    balanced, and something was judged
  1    unbalanced: a reference was lost, or given away without being owned (also if the script crashed of it)
  2    could not tell (it raised or crashed, and until then it was balanced; or nothing was called that can
       be judged; or the package cannot be built), wrong usage, or something is missing
  130  interrupted (Ctrl-C), after a report of what was found until then"""


@click.command("ledger", epilog=LEDGER_HELP, context_settings={"allow_interspersed_args": False})
@click.option(
    "--build",
    type=click.Path(exists=True, path_type=Path),
    metavar="SDIST-OR-FOLDER",
    help="Build this package, written in C, C++, Cython or Rust, with the ledger, and judge that.",
)
@click.option("--module", default="hashtable_traced", show_default=True, help="An extension that keeps a ledger.")
@click.option(
    "--source",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the extension's source is, so that its lines can be quoted.",
)
@click.option("-m", "run_module", metavar="MODULE", help="Run a module, as `python -m` does, instead of a SCRIPT.")
@click.option("--with", "extras", multiple=True, metavar="PACKAGE", help="With --build: install this package too.")
@click.option("--time-limit", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Stop the script after so long.")
@click.option("--events", is_flag=True, help="List every event.")
@click.option(
    "--replay",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the film of the run, too: a page to watch it step by step.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print what was found as JSON; what SCRIPT prints goes to stderr."
)
@click.argument("script", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def ledger_command(
    build: Path | None,
    module: str,
    folders: tuple[Path, ...],
    run_module: str | None,
    extras: tuple[str, ...],
    time_limit: float | None,
    events: bool,
    replay: Path | None,
    as_json: bool,
    script: str | None,
    arguments: tuple[str, ...],
) -> int:
    """Which line of the extension loses a reference, or gives away one that it does not own?

    Runs SCRIPT, with its ARGUMENTS, in a child. There `import hashtable` gives the traced build, which enters every
    reference that it takes and gives in a ledger. With --build it is somebody else's package that is built so.
    """
    stage = Stage()
    program = program_of(run_module, script, arguments)
    if build is None:
        subject = report.Subject(module)
    else:
        from hashtable_lab.foreign.build import build as build_package

        built = build_package(build, stage, extras)
        subject, folders = built.subject(), (*folders, *built.sources)
    return report.perform(program, subject, folders, events, as_json, stage, time_limit, replay)


def program_of(run_module: str | None, script: str | None, arguments: tuple[str, ...]) -> report.Program:
    """What is to be run: a script, or a module after `-m`, which may stand before or after a `--`.

    Raises:
        Missing: there is neither, or the script is no file.
    """
    words = [word for word in (script,) if word is not None] + list(arguments)
    if run_module is None and words[:1] == ["-m"] and len(words) > 1:
        run_module, words = words[1], words[2:]
    if run_module is not None:
        return report.Program(run_module, tuple(words), is_module=True)
    if not words:
        raise Missing("what is to be run is missing: name a SCRIPT, or -m MODULE.")
    if not Path(words[0]).is_file():
        raise Missing(f"{words[0]}: there is no such script.")
    return report.Program(words[0], tuple(words[1:]))
