"""`python -m hashtable_lab faults SCRIPT`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hashtable_lab.audit import report
from hashtable_lab.audit.command import program_of
from hashtable_lab.campaign.option import executor_option
from hashtable_lab.foreign import faults
from hashtable_lab.foreign.build import build as build_package
from hashtable_lab.stage import Stage

FAULTS_HELP = """\b
Examples:
  python -m hashtable_lab faults --build multidict-6.7.0.tar.gz -- script.py
  python -m hashtable_lab faults --build ~/my_package --exception ValueError -- -m pytest tests -x

\b
Exit codes:
  0    each call failed as it should: an exception came of it, or the program did without
  1    the interpreter crashed or hung, an exception was lost, or a reference was
  2    could not tell (nothing can be made to fail; the package cannot be built), wrong usage, or something is missing
  130  interrupted (Ctrl-C)"""


@click.command("faults", epilog=FAULTS_HELP, context_settings={"allow_interspersed_args": False})
@click.option(
    "--build",
    type=click.Path(exists=True, path_type=Path),
    metavar="SDIST-OR-FOLDER",
    help="Build this package with the ledger, and try that.",
)
@click.option("--module", default="hashtable_traced", show_default=True, help="An extension that keeps a ledger.")
@click.option("-m", "run_module", metavar="MODULE", help="Run a module, as `python -m` does, instead of a SCRIPT.")
@click.option("--with", "extras", multiple=True, metavar="PACKAGE", help="With --build: install this package too.")
@click.option(
    "--exception", default="MemoryError", show_default=True, metavar="NAME", help="What a failing call raises."
)
@click.option("--most", type=click.IntRange(min=1), metavar="N", help="Only so many places, spread over all of them.")
@click.option("--json", "machine", is_flag=True, help="Print what came of it as JSON.")
@executor_option
@click.argument("script", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def faults_command(
    build: Path | None,
    module: str,
    run_module: str | None,
    extras: tuple[str, ...],
    exception: str,
    most: int | None,
    machine: bool,
    executor: str,
    script: str | None,
    arguments: tuple[str, ...],
) -> int:
    """What comes of it if a call of the C API fails?

    Runs SCRIPT once to see which calls the extension makes, and then once for each place at which it makes one, with
    the first call there failing. What the script prints is not shown.
    """
    stage = Stage()
    program = program_of(run_module, script, arguments)
    subject, folders = report.Subject(module), []
    if build is not None:
        built = build_package(build, stage, extras)
        subject, folders = built.subject(), list(built.sources)
    outcomes = faults.find(program, subject, stage, exception, most, executor)
    if machine:
        stage.out.file.write(json.dumps(faults.as_json(outcomes, program, subject), indent=2) + "\n")
    else:
        faults.show(outcomes, report.Source(folders), stage)
    return faults.exit_code(outcomes)
