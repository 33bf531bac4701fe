"""`python -m hashtable_lab replay`: records a script and writes its film, as a page for people or as JSON for machines."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import click

from hashtable_lab import children, specimens
from hashtable_lab.audit import report as audit
from hashtable_lab.errors import Missing
from hashtable_lab.replay import film, page
from hashtable_lab.replay.recording import MOST_STEPS, TIME_LIMIT, Recording, record
from hashtable_lab.stage import Stage

HELP = """\b
Examples:
  python -m hashtable_lab replay script.py -o page.html
  python -m hashtable_lab replay script.py -- arguments --of the script
  python -m hashtable_lab replay -m my_package.tests -o page.html
  python -m hashtable_lab replay -c "import hashtable; hashtable.HashTable().set('a', 1)" -o page.html
  python -m hashtable_lab replay --specimen missing-incref

\b
Exit codes, as those of `ledger`:
  0    balanced
  1    unbalanced: a reference was lost, or given away without being owned (also if the script crashed of it)
  2    could not tell (it raised, crashed or was stopped, and until then it was balanced; or nothing was called that
       can be judged), wrong usage, or something is missing
  130  interrupted (Ctrl-C)
Whatever becomes of the script, what was recorded until then is written."""

#: Of a specimen, so many steps: its script makes its mistake again and again. From there on it runs unwatched, and much faster.
MOST_OF_A_SPECIMEN = 5000


@dataclass(frozen=True)
class Play:
    """What is to be recorded.

    Attributes:
        name: the script's name, for people; or the module's.
        text: its text. That of a module is read where it is found.
        title: what the page is called.
        arguments: what the script finds in `sys.argv` after its name.
        path: the file, if it is one.
        module: the extension that keeps a ledger; None: whatever was compiled with the ledger's header.
        search: folders in which to look for modules first, such as a specimen's own.
        environment: variables for the child.
        texts: files of the extension's source that are not what lies in the source folder, by name.
        folders: where to look first for the extension's source.
        is_module: it is a module that is run by its name, as by `python -m`.
    """

    name: str
    text: str
    title: str
    arguments: Sequence[str] = ()
    path: Path | None = None
    module: str | None = "hashtable_traced"
    search: Sequence[str] = ()
    environment: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    folders: Sequence[Path] = ()
    is_module: bool = False


def of_script(path: Path, arguments: Sequence[str], module: str, folders: Sequence[Path]) -> Play:
    """A script in a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return Play(path.name, text, path.name, arguments, path, module, folders=folders)


def of_code(code: str, arguments: Sequence[str], module: str, folders: Sequence[Path]) -> Play:
    """Code from the command line."""
    return Play("code.py", code.rstrip("\n") + "\n", "-c", arguments, None, module, folders=folders)


def of_module(name: str, arguments: Sequence[str], module: str, folders: Sequence[Path]) -> Play:
    """A module that is run by its name."""
    return Play(name, "", f"-m {name}", arguments, None, module, folders=folders, is_module=True)


def of_specimen(specimen: specimens.Specimen, stage: Stage, script: str = "", title: str = "") -> Play:
    """A specimen's script with the specimen's module, which is built first. `script`: another one than its own."""
    if specimen.threads:
        raise Missing(
            f"specimen {specimen.name} takes several threads, and a film follows one: `specimens run` shows it."
        )
    folder = specimens.build(specimen, stage, specimens.Form(traced=True))
    return Play(
        name=f"{specimen.name}.py",
        text=script or specimen.script,
        title=title or f"Specimen {specimen.name}: {specimen.kind}",
        search=[str(folder)],
        environment=dict(children.FREED_MEMORY_SHOWS),
        texts=specimens.patched(specimen.patch, specimens.source_folder(), specimen.name),
    )


def shoot(
    play: Play,
    *,
    most: int = MOST_STEPS,
    time_limit: float = TIME_LIMIT,
    echo: Callable[[bytes], object] = lambda printed: None,
    stage: Stage | None = None,
) -> tuple[dict[str, Any], audit.Report]:
    """Records a play, and makes its film.

    Args:
        play: what.
        most: so many steps at most.
        time_limit: seconds after which the script is stopped.
        echo: is given what the script prints.
        stage: where to say how far it is; None: nowhere.

    Returns:
        The film, for JSON, and what the ledger found.

    Raises:
        Missing: there is no such extension, or it keeps no ledger.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as place:
        path: Path | str = play.name if play.is_module else play.path or Path(place, play.name)
        if not play.is_module and play.path is None:
            Path(path).write_text(play.text, encoding="utf-8")
        options: dict[str, Any] = {"search": play.search, "environment": play.environment, "most": most}
        options["as_module"] = play.is_module
        options |= {"time_limit": time_limit, "echo": echo}
        if stage is None:
            recording = record(path, play.arguments, play.module, **options)
        else:
            with stage.busy(f"Recording {play.name}") as tell:
                size = [0]

                def told(bytes_: int) -> None:
                    if bytes_ > size[0] + 100_000:
                        size[0] = bytes_
                        tell(f"{bytes_ / 1e6:.1f} MB")

                recording = record(path, play.arguments, play.module, **options, tell=told)
    stopped = f"was stopped after {time_limit:g} seconds" if recording.ending.timed_out else ""
    report = audit.read(recording.rows, recording.ending.code, audit.Subject(play.module), stopped)
    if play.is_module:
        text = _text_of(recording.file)
        play = replace(play, name=os.path.basename(recording.file) or play.name, text=text)
    return _made(play, recording, report, most), report


def _text_of(file: str) -> str:
    """The text of a module that was run; empty if there is none to be read, as in an archive."""
    with contextlib.suppress(OSError):
        return Path(file).read_text(encoding="utf-8", errors="replace")
    return ""


def _made(play: Play, recording: Recording, report: audit.Report, most: int) -> dict[str, Any]:
    source = audit.Source(play.folders)

    def lines(file: str) -> Sequence[str]:
        return play.texts[file].splitlines() if file in play.texts else source.lines(file)

    return film.make(recording, play.title, play.name, play.text, play.module, report, lines, most)


def _echo(shown: TextIO) -> Callable[[bytes], object]:
    """Hands on what a script prints, byte by byte where that is possible."""

    def echo(printed: bytes) -> None:
        if isinstance(shown, io.TextIOWrapper):
            shown.flush()
            shown.buffer.write(printed)
        else:
            shown.write(printed.decode("utf-8", "replace"))
        shown.flush()

    return echo


def film_of_a_report(
    program: audit.Program,
    subject: audit.Subject,
    folders: Sequence[Path],
    file: Path,
    time_limit: float | None,
    machine: bool,
    stage: Stage,
) -> audit.Report:
    """Records a run for `ledger --replay`: writes the page, and returns what the ledger found, for a report.

    Raises:
        Missing: the page cannot be written.
    """
    if program.is_module:
        play = of_module(program.name, program.arguments, "", ())
    else:
        play = of_script(Path(program.name), program.arguments, "", ())
    play = replace(
        play,
        module=subject.module,
        search=subject.path,
        environment=dict(subject.variables),
        folders=[*folders, *map(Path, subject.roots)],
    )
    echo = _echo(sys.stderr if machine else sys.stdout)
    made, report = shoot(play, time_limit=time_limit or float("inf"), echo=echo)
    write(file, page.html(made))
    if not machine:
        stage.say(f"The film of the run is in {file}.")
    return report


def perform(play: Play, output: Path | None, machine: bool, most: int, time_limit: float, stage: Stage) -> int:
    """Records a play and writes the page, or for machines the JSON.

    Args:
        play: what.
        output: where; None: `NAME.html` in the current folder, or for machines standard output.
        machine: JSON instead of a page.
        most, time_limit: as for `shoot`.
        stage: where to say what was done.

    Returns:
        The exit code, as of `ledger`.
    """
    echo = _echo(sys.stderr if machine else sys.stdout)
    made, report = shoot(play, most=most, time_limit=time_limit, echo=echo, stage=stage)
    if machine and output is None:
        json.dump(made, stage.out.file, separators=(",", ":"))
        stage.out.file.write("\n")
        return report.exit_code
    file = output or Path(f"{play.name if play.is_module else Path(play.name).stem}.html")
    write(file, json.dumps(made, separators=(",", ":")) if machine else page.html(made))
    steps, limit = len(made["steps"]), made["limit"]
    reached = f" (the limit; --steps sets another one, and {limit['steps']:,} it is now)" if limit["reached"] else ""
    stage.say(f"{steps:,} steps recorded{reached}; {made['ending']['words']}; the ledger says: {report.verdict}.")
    for note in made["notes"]:
        stage.say(f"Note: {note}.")
    stage.say(f"The film is in {file}." + ("" if machine else " Open it in a browser."))
    return report.exit_code


def write(file: Path, text: str) -> None:
    """Writes a file, whole or not at all.

    Raises:
        Missing: it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Missing(f"{file} cannot be written: {error.strerror}.") from None


@click.command("replay", epilog=HELP)
@click.option("-c", "code", metavar="CODE", help="Python code instead of a script.")
@click.option("-m", "run_module", metavar="MODULE", help="Run a module, as `python -m` does, instead of a SCRIPT.")
@click.option("--specimen", metavar="NAME", help="The script of a specimen, with its broken module.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page to write; without it NAME.html in the current folder.",
)
@click.option("--json", "as_json", is_flag=True, help="The film as JSON instead of a page: to --output or printed.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=TIME_LIMIT,
    show_default=True,
    help="Seconds; then it is stopped.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    help=f"Record so many at most.  [default: {MOST_STEPS}; of a specimen {MOST_OF_A_SPECIMEN}]",
)
@click.option("--module", default="hashtable_traced", show_default=True, help="An extension that keeps a ledger.")
@click.option(
    "--source",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the extension's source is, so that its lines can be quoted.",
)
@click.argument("script", required=False, type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def replay_command(
    code: str | None,
    run_module: str | None,
    specimen: str | None,
    output: Path | None,
    as_json: bool,
    timeout: float,
    steps: int | None,
    module: str,
    folders: tuple[Path, ...],
    script: Path | None,
    arguments: tuple[str, ...],
) -> int:
    """Watch a reference: the film of a script, step by step, as one HTML page.

    Runs SCRIPT, with its ARGUMENTS (those that begin with a dash come after --), in a child. There `import hashtable` gives the
    traced build. The page shows, at each step, the lines of Python (those of the script, or of the module after -m) and of the
    extension, who holds which object, and the table. It needs no network.
    """
    stage = Stage()
    if (code is not None or run_module is not None) and script is not None:  # what follows are the arguments
        arguments, script = (str(script), *arguments), None
    if [script, code, run_module, specimen].count(None) != 3:
        raise click.UsageError("what is to be recorded? One of SCRIPT, -c CODE, -m MODULE and --specimen NAME.")
    if specimen is not None:
        play = of_specimen(specimens.load(specimen), stage)
    elif code is not None:
        play = of_code(code, arguments, module, folders)
    elif run_module is not None:
        play = of_module(run_module, arguments, module, folders)
    else:
        assert script is not None
        if not script.is_file():
            raise click.UsageError(f"the script {str(script)!r} does not exist, or is no file.")
        play = of_script(script, arguments, module, folders)
    most = steps or (MOST_STEPS if specimen is None else MOST_OF_A_SPECIMEN)
    return perform(play, output, as_json, most, timeout, stage)
