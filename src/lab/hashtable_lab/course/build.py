"""Compiles exercises: one file is one module, in a second or so, without a network.

Exercises in Rust are examples of one cargo package, so what they share is compiled once and cargo compiles several at a time
(the proofs do). Exercises in C are compiled one by one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.errors import Missing

#: Of what a compiler says, so many lines are shown.
MOST_LINES = 30

#: What to do when the crates cannot be fetched.
NO_CRATES = "the crates are not here yet: run `hashtable-lab course start` once with a network."


@dataclass(frozen=True)
class Built:
    """What came of compiling.

    Attributes:
        library: the file with the module in it; None if it did not compile.
        said: what the compiler said of it.
    """

    library: Path | None
    said: str = ""


def cargo() -> str:
    """Where cargo is."""
    found = shutil.which("cargo")
    if found is None:
        raise Missing("cargo is missing: install Rust (https://rustup.rs).")
    return found


def variables(target: Path) -> dict[str, str]:
    """The environment that cargo compiles exercises in."""
    return {
        **os.environ,
        "CARGO_TARGET_DIR": str(target),
        "CARGO_TERM_COLOR": "never",
        "PYO3_PYTHON": sys.executable,
        # The module takes the interpreter's symbols from the process that loads it, and does not link libpython.
        "PYO3_BUILD_EXTENSION_MODULE": "1",
    }


def build_rust(crate: Path, target: Path, names: Sequence[str]) -> dict[str, Built]:
    """Compiles examples of a package.

    Args:
        crate: the folder of the package.
        target: where cargo puts what it makes.
        names: the examples.

    Returns:
        What came of each.

    Raises:
        Missing: cargo or the crates are not here.
    """
    command = [cargo(), "build", "--offline", "--quiet", "--keep-going", "--message-format", "json"]
    command += ["--manifest-path", str(crate / "Cargo.toml")]
    for name in names:
        command += ["--example", name]
    done = subprocess.run(
        command, env=variables(target), cwd=crate, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    libraries: dict[str, Path] = {}
    errors: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact":
            for file in message["filenames"]:
                if file.endswith((".so", ".dylib", ".dll")):
                    libraries[message["target"]["name"]] = Path(file)
        elif message.get("reason") == "compiler-message" and message["message"]["level"] == "error":
            errors.setdefault(message["target"]["name"], []).append(message["message"]["rendered"])
    if done.returncode != 0 and not errors:
        if "offline" in done.stderr or "no matching package" in done.stderr:
            raise Missing(NO_CRATES)
        raise Missing(f"cargo could not build the course:\n{first_lines(done.stderr)}")
    if other := set(errors) - set(names):
        raise Missing(f"cargo could not build {', '.join(other)}:\n{first_lines(errors[other.pop()][0])}")
    return {
        name: Built(None, first_lines("\n".join(errors[name]))) if name in errors else Built(libraries[name])
        for name in names
    }


def put(library: Path, name: str, folder: Path) -> Path:
    """Puts a module where Python finds it, with nothing else in the folder. A new file: the old one may be loaded by somebody."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    shutil.copyfile(library, folder / f"{name}{suffix}")
    return folder


def first_lines(text: str) -> str:
    """The beginning of what a compiler said."""
    lines = text.strip().splitlines()
    return "\n".join(lines[:MOST_LINES]) + ("\n…" if len(lines) > MOST_LINES else "")
