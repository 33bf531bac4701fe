"""Compiles an exercise: one file, in a second or so, without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.course.exercise import Entry
from hashtable_lab.course.folder import Folder
from hashtable_lab.errors import Missing

#: Of what a compiler says, so many lines are shown.
MOST_LINES = 30


@dataclass(frozen=True)
class Built:
    """What came of compiling.

    Attributes:
        folder: a folder with the module in it; None if it did not compile.
        said: what the compiler said of it.
    """

    folder: Path | None
    said: str


def build(entry: Entry, file: Path, folder: Folder, language: str) -> Built:
    """Compiles an exercise's module, with the ledger in it.

    Args:
        entry: the exercise.
        file: the answer.
        folder: the learner's folder, whose `.course` takes what is made.
        language: "rust" or "c".

    Raises:
        Missing: a tool is missing.
    """
    target = folder.path / ".course" / "modules" / f"{entry.name}-{language}"
    if language == "rust":
        return _rust(entry, target, folder)
    raise Missing(f"the language {language!r} has no compiler here.")


def _rust(entry: Entry, target: Path, folder: Folder) -> Built:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise Missing("cargo is missing: install Rust (https://rustup.rs).")
    command = [cargo, "build", "--offline", "--quiet", "--example", entry.name]
    command += ["--manifest-path", str(folder.path / "Cargo.toml"), "--message-format", "json"]
    variables = {
        **os.environ,
        "CARGO_TARGET_DIR": str(folder.path / ".course" / "target"),
        "CARGO_TERM_COLOR": "never",
        "PYO3_PYTHON": sys.executable,
        # The module takes the interpreter's symbols from the process that loads it, and does not link libpython.
        "PYO3_BUILD_EXTENSION_MODULE": "1",
    }
    done = subprocess.run(
        command, env=variables, cwd=folder.path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        said = [
            message["message"]["rendered"]
            for message in messages
            if message["reason"] == "compiler-message" and message["message"]["level"] == "error"
        ]
        if not said and ("offline" in done.stderr or "no matching package" in done.stderr):
            raise Missing("the crates are not here yet: run `hashtable-lab course start` once with a network.")
        return Built(None, _first_lines("\n".join(said) or done.stderr))
    [library] = [
        Path(file)
        for message in messages
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == entry.name
        for file in message["filenames"]
        if file.endswith((".so", ".dylib", ".dll"))
    ]
    return Built(_put(library, entry, target), "")


def _put(library: Path, entry: Entry, target: Path) -> Path:
    """Puts a module where Python finds it, and nothing else. A new file: the old one may be loaded by somebody."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    shutil.copyfile(library, target / f"{entry.name}{suffix}")
    return target


def _first_lines(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[:MOST_LINES]) + ("\n…" if len(lines) > MOST_LINES else "")
