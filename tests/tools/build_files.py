"""`make build-files`: the build files that people write, each built as pip builds it, tried, and built again: the same bytes?

They are in docs/programs/build_files, a folder each. pip builds a wheel of each in an environment of its own, into which it
installs what the build file asks for. The wheel is unpacked, and the module imported. Then everything is done a second time, in a
folder of another name, and the two wheels are compared byte by byte. For that, SOURCE_DATE_EPOCH says which time it is, and the
compilers are told to write nothing of the folder's name into what they make. What is wrong on purpose: not to tell them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import click
from commands import ROOT, console, run_command

SOURCE = ROOT / "docs" / "programs" / "build_files"
RECORD = ROOT / "docs" / "build-files.txt"
#: Each build file, and what it needs besides pip and what pip installs.
KINDS = {"setuptools": "cc", "cython": "cc", "scikit-build-core": "cc", "maturin": "cargo"}
#: Some day, in seconds since 1970. Archives cannot hold one before 1980.
EPOCH = "1500000000"


class Failed(Exception):
    """It could not be built or used; the message, of one line, says why."""


def wheel(kind: str, folder: Path, anywhere: bool = True) -> Path:
    """Builds a wheel in a folder; one that could come from anywhere, if `anywhere`."""
    shutil.copytree(SOURCE / kind, folder)
    if kind in ("setuptools", "scikit-build-core"):
        shutil.copy(SOURCE / "hello.c", folder)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-cache-dir",
        "--wheel-dir",
        "out",
        ".",
    ]
    settings = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if anywhere:
        settings |= {"CFLAGS": f"-ffile-prefix-map={folder}=.", "RUSTFLAGS": f"--remap-path-prefix={folder}=."}
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    made = list((folder / "out").glob("*.whl"))
    if done.returncode or len(made) != 1:
        said = [line for line in done.stderr.splitlines() if re.search("error", line, re.IGNORECASE)] or ["no word"]
        raise Failed(f"{kind}: pip built no wheel: {said[0].strip()[:200]}")
    return made[0]


def tried(made: Path) -> str:
    """Imports the module of a wheel, and says what it says."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(made) as archive:
        archive.extractall(folder)
        program = f"import sys; sys.path.insert(0, {folder!r}); import hello; print(hello.hello('world'), hello.pi())"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if done.stdout != "Hello, world! 3.141592653589793\n":
        raise Failed(f"{made.name}: {(done.stderr.splitlines() or [done.stdout])[-1]}")
    return done.stdout.strip()


def digests(made: Path) -> dict[str, str]:
    """For each file in a wheel, and the wheel, its digest."""
    with zipfile.ZipFile(made) as archive:
        found = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    return {**found, made.name: hashlib.sha256(made.read_bytes()).hexdigest()}


def different(first: Path, second: Path) -> list[str]:
    """The files in which two wheels differ."""
    one, other = digests(first), digests(second)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def where(first: Path, second: Path) -> str:
    """The place of the first difference in a file that is not about the others, as text; empty if there is none."""
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        for name in sorted(set(one.namelist()) & set(other.namelist())):
            texts = one.read(name), other.read(name)
            if texts[0] != texts[1] and not name.endswith("/RECORD") and b"\0" not in texts[0]:
                at = next((i for i, (a, b) in enumerate(zip(*texts)) if a != b), min(map(len, texts)))
                here, there = (text[max(0, at - 40) : at + 20].decode("utf-8", "replace").split() for text in texts)
                return f"{' '.join(here)} | {' '.join(there)}"
    return ""


def relied_on(folder: Path) -> list[str]:
    """For each build tool the packages whose wheels in a folder say that it made them, in a line."""
    made: dict[str, set[str]] = {}
    for file in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(file) as archive:
            (name,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]*\.dist-info/WHEEL", name)]
            (tool,) = re.findall(r"^Generator: *([\w.-]+)", archive.read(name).decode("utf-8"), re.MULTILINE)[:1] or [
                "unsaid"
            ]
        made.setdefault({"bdist_wheel": "setuptools"}.get(tool, tool), set()).add(file.name.split("-")[0])
    return [f"{tool} ({len(names)}): {', '.join(sorted(names, key=str.lower))}" for tool, names in sorted(made.items())]


def twice(kind: str, place: Path, anywhere: bool = True) -> dict[str, Any]:
    """Builds a kind in two folders, tries the wheel, and compares."""
    begin = time.monotonic()
    first = wheel(kind, place / kind / "here", anywhere)
    seconds = time.monotonic() - begin
    said = tried(first)
    second = wheel(kind, place / kind / "another-place", anywhere)
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in (SOURCE / kind).rglob("*") if file.is_file())
    return {
        "wheel": first.name,
        "says": said,
        "lines": lines,
        "seconds": seconds,
        "different": different(first, second),
        "where": where(first, second),
    }


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(list(KINDS)))
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--record", is_flag=True, help="Keep what is printed for the book.")
@click.option(
    "--relied-on",
    "relied",
    type=click.Path(exists=True, path_type=Path),
    metavar="FOLDER",
    help="Note for the book which tool made each of the wheels in a folder (of `make road-check`: target/road).",
)
def build(kinds: tuple[str, ...], as_json: bool, record: bool, relied: Path | None) -> int:
    """Builds the build files of the book, each twice.

    Ends with 0 if all work and what is wrong on purpose was noticed, else with 1. Whether two builds give the same bytes is
    reported, and is no failure: it is the build tool's doing.
    """
    if record and kinds:
        raise click.UsageError("a record is of all of them.")
    results, lines, good = {}, [], True

    def tell(line: str) -> None:
        lines.append(line)
        if not as_json:
            console.print(line)

    with tempfile.TemporaryDirectory(prefix="build-files-") as place:
        for kind in kinds or KINDS:
            if shutil.which(KINDS[kind]) is None:
                tell(f"{kind}: not tried, {KINDS[kind]} is missing")
                continue
            try:
                found = results[kind] = twice(kind, Path(place))
            except Failed as failed:
                good, results[kind] = False, {"failed": str(failed)}
                tell(str(failed))
                continue
            tell(f"{kind}: {found['lines']} lines; {found['wheel']}; {found['says']!r}")
            tell(f"  built again: {'other bytes' if found['different'] else 'the same bytes'}")
            for name in found["different"]:
                tell(f"    other: {name}")
            if found["where"]:
                tell(f"    the first difference: {found['where']}")
        spoiled = twice("setuptools", Path(place) / "as-it-is", anywhere=False)["different"]
        noticed = any(name.endswith(".so") for name in spoiled)
        tell(
            f"control: setuptools, with the folder's name left in: {'other bytes, as it must be' if noticed else 'NOT NOTICED'}"
        )
    if as_json:
        print(json.dumps({**results, "control": spoiled}, indent=1))
    if relied:
        (RECORD.parent / "build-tools.txt").write_text("\n".join(relied_on(relied)) + "\n", encoding="utf-8")
    if record:
        RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if good and noticed else 1


if __name__ == "__main__":
    run_command(build)
