"""`road`: by which road does a package reach native code?"""

from __future__ import annotations

import json

import click

from hashtable_lab.road import binary
from hashtable_lab.road.judge import Judgement, Report, report
from hashtable_lab.road.package import find
from hashtable_lab.stage import Stage

TOLD, COULD_NOT_TELL = 0, 1

HELP = """\b
Examples:
  python -m hashtable_lab road hashtable
  python -m hashtable_lab road numpy --json
  python -m hashtable_lab road some_package-1.0-cp312-cp312-win_amd64.whl

\b
Exit codes:
  0    it was told (also that there is no native code)
  1    there are native files, and no road to any of them was found, or one of them could not be read
  2    wrong usage, or something is missing (a line says what to do)
  130  interrupted (Ctrl-C)"""


@click.command("road", epilog=HELP)
@click.argument("what", metavar="FILE|PACKAGE")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def road_command(what: str, as_json: bool) -> int:
    """By which road does FILE, or an installed PACKAGE, reach native code?

    FILE is a native file (.so, .pyd, .dylib, of any system), a wheel or a folder. It is read, never imported or run. What tells
    are the names in it: what it offers, what it needs, and what its tool left. Needs the packages of the extra `road`.
    """
    binary.reader()
    stage = Stage()
    package = find(what)
    with stage.busy(f"reading {len(package.native)} native files"):
        said = report(package)
    if as_json:
        click.echo(json.dumps(said.json(), indent=1))
    else:
        _show(said, stage)
    if any(file.kind == "unreadable" for file in said.files):
        return COULD_NOT_TELL
    reached = said.roads or all(file.kind == "program" for file in said.files)
    return TOLD if reached else COULD_NOT_TELL


def _about(file: Judgement) -> str:
    """What is special about a file, in a few words."""
    words = [file.language] if file.language else []
    if file.kind == "module":
        stable = {"no": "for one version of Python", "yes": "stable ABI"}
        words.append(stable.get(file.stable_abi, f"stable ABI? {file.stable_abi}"))
        words += ["without the GIL"] if file.free_threaded else []
    words += ["stripped"] if file.stripped else []
    return ", ".join(words)


def _show(said: Report, stage: Stage) -> None:
    none = "no road found" if said.files else "no native code"
    stage.title(f"{said.name}: {', '.join(said.roads) if said.roads else none}")
    rows = [(file.path, ", ".join(file.roads) or f"({file.kind})", _about(file)) for file in said.files]
    if rows:
        stage.table(["file", "road", ""], rows)
    reasons = [
        (file.path.rpartition("/")[2], road, why) for file in said.files for road, why in zip(file.roads, file.why)
    ]
    shown: dict[str, tuple[str, str]] = {}
    for name, road, why in reasons:
        shown.setdefault(road, (name, why))
    if shown:
        stage.heading("What tells")
        stage.table(["road", "file", "trace"], [(road, *what) for road, what in shown.items()])
    if said.loads:
        stage.heading("Python files that load a library themselves")
        stage.table(["file", "by"], list(said.loads.items()))
    needed = sorted({name for file in said.files for name in file.libraries})
    if needed:
        stage.heading("Libraries that it needs and does not bring along")
        stage.say(", ".join(needed))
    if any(file.stripped and file.roads and "by hand" in file.roads[0] for file in said.files):
        stage.say(
            """A stripped file has lost the names that most tools leave. "By hand" then means that none of the constants was found
            either that the known tools put into their modules."""
        )
