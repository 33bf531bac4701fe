"""`make road-check`: does `hashtable_lab road` say of well-known wheels what their sources say?

road_wheels.json, beside this file, is the list: for each wheel, pinned to the file, which roads its source takes, and where in the
source that is written. (`stable_abi` is null where there is no module, or where the package's modules differ in it.) The wheels are
downloaded by pip into target/road, once. Each is read, never installed and never run. At the end the
answers are compared with a list that is wrong in one place each: a check that would not notice that is no check.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from commands import console, run_command
from hashtable_lab.road.judge import Report, report
from hashtable_lab.road.package import find

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "target" / "road"
LIST = HERE / "road_wheels.json"
#: What the book shows.
RECORD = HERE.parents[1] / "docs" / "road.txt"


def download(wheel: str) -> Path:
    """The file of a wheel, from the package index unless it is there.

    Raises:
        click.ClickException: it is not available.
    """
    file = FOLDER / wheel
    if file.exists():
        return file
    name, version, *_, python, abi, platform = wheel[: -len(".whl")].split("-")
    number = re.sub(r"\D*(\d)(\d*).*", r"\1.\2", python.split(".")[0]).rstrip(".")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(FOLDER), "--python-version", number if "." in number else "3.12"]
    command += ["--implementation", "cp" if python.startswith("cp") else "py", "--abi", abi]
    for one in platform.split("."):
        command += ["--platform", one]
    done = subprocess.run([*command, f"{name}=={version}"], capture_output=True, text=True)
    if not file.exists():
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no word of pip's"]
        raise click.ClickException(f"{wheel} cannot be downloaded: {said[-1]}")
    return file


def differences(expected: dict[str, Any], found: Report) -> list[str]:
    """What was found that is not expected, in words; nothing if all is as the source says."""
    modules = [file for file in found.files if file.kind == "module"]
    said = []
    if sorted(found.roads) != expected["roads"]:
        said.append(f"roads: found {sorted(found.roads)}, the source says {expected['roads']}")
    stable = {file.stable_abi for file in modules}
    if expected["stable_abi"] is not None and stable != {"yes" if expected["stable_abi"] else "no"}:
        said.append(f"stable ABI: found {sorted(stable)}, the source says {expected['stable_abi']}")
    if any(file.free_threaded != expected["free_threaded"] for file in modules):
        said.append(f"built for Python without the GIL: the source says {expected['free_threaded']}")
    if any(file.kind == "unreadable" for file in found.files):
        said.append("a file cannot be read")
    return said


def wrong(expected: dict[str, Any]) -> list[dict[str, Any]]:
    """The same expectation with one thing wrong in each."""
    changed = [{**expected, "roads": sorted({*expected["roads"]} ^ {"PyO3"})}]
    if expected["stable_abi"] is not None:
        changed.append({**expected, "stable_abi": not expected["stable_abi"]})
        changed.append({**expected, "free_threaded": not expected["free_threaded"]})
    return changed


@click.command()
@click.argument("wheels", nargs=-1)
@click.option("--slice", "only_slice", is_flag=True, help="Only the small ones that stand for each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--record", is_flag=True, help="Keep what is printed for the book, as docs/road.txt.")
def check(wheels: tuple[str, ...], only_slice: bool, as_json: bool, record: bool) -> int:
    """Compares what `road` says of well-known wheels with what their sources say.

    Without WHEEL, all of the list: some 300 MB to download the first time. With it, those whose names begin so. Ends with 0 if all
    is as the sources say, 1 if not, 2 if a wheel is not available.
    """
    if record and (wheels or only_slice):
        raise click.UsageError("a record is of the whole list.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    listed = json.loads(LIST.read_text(encoding="utf-8"))
    chosen = [one for one in listed if not wheels or one["wheel"].lower().startswith(tuple(map(str.lower, wheels)))]
    chosen = [one for one in chosen if one["slice"] or not only_slice]
    if not chosen:
        raise click.UsageError("no wheel of the list has a name that begins so.")
    bad, results, lines, noticed, tried = 0, [], [], 0, 0

    def tell(line: str) -> None:
        lines.append(line)
        if not as_json:
            console.print(line)

    for expected in chosen:
        found = report(find(str(download(expected["wheel"]))))
        said = differences(expected, found)
        bad += bool(said)
        results.append({**expected, "found": sorted(found.roads), "differences": said})
        name, version = expected["wheel"].split("-")[:2]
        system = re.search(r"-(win|macos|manylinux)", expected["wheel"])
        words = ", ".join(found.roads) or "none: a program"
        tell(f"{name + ' ' + version:<29} {system[1].removeprefix('many') if system else '':<5} {words}")
        for one in said:
            tell(f"    NOT SO: {one}")
        for variant in wrong(expected):
            tried += 1
            noticed += bool(differences(variant, found))
    packages = len({one["wheel"].split("-")[0] for one in chosen})
    tell(f"{len(chosen)} wheels of {packages} packages: {bad} not as the source says")
    tell(f"lists that are wrong on purpose: {noticed} of {tried} noticed")
    if as_json:
        print(json.dumps(results, indent=1))
    if record:
        RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if bad == 0 and noticed == tried else 1


if __name__ == "__main__":
    run_command(check)
