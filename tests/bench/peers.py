"""Builds and installs what HashTable is compared with: `peers/*.c`, `peers/pyo3`, and packages from the index.

Everything goes into one folder below target/bench, for the processes that measure to find on PYTHONPATH. A peer that is missing (no
headers of Python, no wheel for this version, no network) is not an error: the report has a row that says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import hashtable
from commands import ROOT, console, watch
from requirements import PYPROJECT, requirements

HERE = Path(__file__).resolve().parent
TAG = f"python{sys.version_info[0]}.{sys.version_info[1]}"
FOLDER = ROOT / "target" / "bench" / "peers" / TAG
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

HASHTABLE = Path(hashtable.__file__)

C_PEERS = ["textbook", "empty", "fastcall"]


def newer(made: Path, sources: list[Path]) -> bool:
    """Whether `made` is there and newer than what it is made of."""
    return made.is_file() and all(source.stat().st_mtime < made.stat().st_mtime for source in sources)


def last_line(output: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no word of why"])[-1]


def build_c(name: str) -> str:
    """Builds an extension of one C file. Returns "" or why it could not be."""
    source, made = HERE / "peers" / f"{name}.c", FOLDER / f"{name}{SUFFIX}"
    if newer(made, [source]):
        return ""
    if shutil.which("cc") is None:
        return "no C compiler (Debian: apt install gcc)"
    includes = sorted({sysconfig.get_path("include"), sysconfig.get_path("platinclude")})
    if not any((Path(folder) / "Python.h").is_file() for folder in includes):
        return "no Python.h (Debian: apt install python3-dev)"
    # As far as CPython itself is optimized.
    flags = ["-O3", "-DNDEBUG", "-fPIC", "-shared", *(["-undefined", "dynamic_lookup"] * (sys.platform == "darwin"))]
    command = ["cc", *flags, *(f"-I{folder}" for folder in includes), str(source), "-o", str(made)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "" if done.returncode == 0 else f"the C compiler: {last_line(done.stdout)}"


def build_pyo3(environment: dict[str, str]) -> str:
    """Builds the extension written with PyO3. Returns "" or why it could not be."""
    source, made = HERE / "peers" / "pyo3", FOLDER / f"with_pyo3{SUFFIX}"
    if newer(made, [file for file in source.iterdir() if file.is_file()]):
        return ""
    target = ROOT / "target" / "bench" / "pyo3"
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", source / "Cargo.toml"]
    code, output, _ = watch(
        "building the peer that is written with PyO3",
        command,
        {**environment, "CARGO_TARGET_DIR": str(target), "PYO3_PYTHON": sys.executable},
    )
    if code != 0:
        return f"cargo: {last_line(output)}"
    library = next(target.glob("release/libwith_pyo3.*[!d]"))
    shutil.copyfile(library, made)
    return ""


def install(requirement: str, environment: dict[str, str]) -> str:
    """Installs a package. Returns "" or why it could not be."""
    done = FOLDER / f"{requirement}.installed"
    if done.is_file():
        return ""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    code, output, _ = watch(f"installing {requirement}", [*command, "--target", FOLDER, requirement], environment)
    if code != 0:
        return f"pip: {last_line(output)}"
    done.touch()
    return ""


def prepare(environment: dict[str, str]) -> dict[str, str]:
    """Makes all peers.

    Args:
        environment: the environment for cargo and pip.

    Returns:
        Those that are not there, and why.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    why = {name: build_c(name) for name in C_PEERS}
    why["with_pyo3"] = build_pyo3(environment)
    for requirement in requirements("peers", PYPROJECT.read_text("utf-8")):
        why[requirement] = install(requirement, environment)
    # Both imports that are compared find their module in the same place.
    (FOLDER / "import").mkdir(exist_ok=True)
    for file in (HASHTABLE, FOLDER / f"empty{SUFFIX}"):
        if file.is_file():
            shutil.copy(file, FOLDER / "import" / f"{file.name.split('.')[0]}{SUFFIX}")
    missing = {name: reason for name, reason in why.items() if reason}
    for name, reason in missing.items():
        console.print(f"{name} is left out: {reason}")
    return missing
