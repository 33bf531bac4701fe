"""The learner's folder: the exercises as files to work on, and what is needed to build them without a network.

course/
    1-counts/…  2-new-borrowed-stolen/first_item.rs  …    what the learner edits
    course.json        the language chosen, and the progress
    Cargo.toml         each Rust exercise is an example of one package: editors understand it, and the ledger is compiled once
    .course/           the prelude, and what building makes
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashtable_lab.course import c
from hashtable_lab.course.build import cargo, first_lines, variables
from hashtable_lab.course.contents import PARTS, entries
from hashtable_lab.course.exercise import LANGUAGES, Entry
from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder

#: The file that makes a folder one of a learner's.
STATE = "course.json"

#: The version of that file's form.
VERSION = 1

PRELUDE = Path(__file__).resolve().parent / "prelude"

_CARGO = """\
# Made by `hashtable-lab course start`. Each exercise in Rust is an example of this package, so that an editor knows what is in it.
[package]
name = "course"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
path = ".course/lib.rs"

[dependencies]
refcount-ledger = {{ path = {ledger} }}

# What the ledger says of a line it knows without debug information.
[profile.dev]
debug = false
strip = "debuginfo"

[workspace]
{examples}"""

_EXAMPLE = """
[[example]]
name = "{name}"
path = "{path}"
crate-type = ["cdylib"]
"""


@dataclass
class Folder:
    """A learner's folder.

    Attributes:
        path: where it is.
        state: what course.json holds: version, language, done (by exercise, when), hints (by exercise, how many were read).
    """

    path: Path
    state: dict[str, Any]

    @property
    def language(self) -> str:
        """The language that the learner chose, for the exercises that exist in several."""
        return str(self.state["language"])

    def file(self, entry: Entry) -> Path:
        """The learner's file of an exercise."""
        title = list(PARTS)[entry.part - 1]
        words = re.sub(r"[^a-z]+", "-", title.lower().replace("'", "")).strip("-")
        language = entry.language(self.language)
        return self.path / f"{entry.part}-{words}" / f"{entry.name}.{LANGUAGES[language]}"

    def source(self, entry: Entry) -> str:
        """What the learner's file holds.

        Raises:
            Missing: it is gone.
        """
        file = self.file(entry)
        if not file.is_file():
            raise Missing(f"{file} is gone; `hashtable-lab course reset {entry.name}` brings it back.")
        return file.read_text(encoding="utf-8", errors="replace")

    def is_done(self, entry: Entry) -> bool:
        """Whether the exercise was passed once."""
        return entry.name in self.state["done"]

    def next(self) -> Entry | None:
        """The first exercise that is not done, or None."""
        return next((entry for entry in entries() if not self.is_done(entry)), None)

    def mark_done(self, entry: Entry) -> None:
        """Notes that an exercise was passed, with the time of the first time."""
        if not self.is_done(entry):
            self.state["done"][entry.name] = time.strftime("%Y-%m-%dT%H:%M:%S")
            self.save()

    def read_hint(self, entry: Entry) -> int:
        """Notes that one hint more is read. Returns which: 1 to 3."""
        level = min(int(self.state["hints"].get(entry.name, 0)) + 1, 3)
        self.state["hints"][entry.name] = level
        self.save()
        return level

    def save(self) -> None:
        """Writes course.json, whole or not at all."""
        new = self.path / f".{STATE}.new"
        new.write_text(json.dumps(self.state, indent=2) + "\n", encoding="utf-8")
        os.replace(new, self.path / STATE)

    def reset(self, entry: Entry) -> None:
        """Puts the file back as it was given. What was there is kept beside it, with `.yours` after its name."""
        file = self.file(entry)
        file.parent.mkdir(parents=True, exist_ok=True)
        given = entry.given(entry.language(self.language))
        if file.is_file() and file.read_text(encoding="utf-8", errors="replace") != given:
            shutil.copyfile(file, file.with_name(f"{file.name}.yours"))
        file.write_text(given, encoding="utf-8")


def find(path: Path | None = None) -> Folder:
    """The learner's folder: this one, or the nearest above it.

    Raises:
        Missing: there is none, or its course.json cannot be read.
    """
    here = (path or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / STATE).is_file():
            try:
                state = json.loads((folder / STATE).read_text(encoding="utf-8"))
                if state["version"] != VERSION or state["language"] not in LANGUAGES:
                    raise ValueError(f"version {state['version']}")
                return Folder(folder, {"done": {}, "hints": {}, **state})
            except (ValueError, KeyError, TypeError) as error:
                raise Missing(f"{folder / STATE} cannot be read ({error}): mend or remove it.") from None
    raise Missing("this is not a folder of the course: `hashtable-lab course start FOLDER` makes one.")


def start(path: Path, language: str) -> Folder:
    """Makes a learner's folder. Files that are there already are left as they are.

    Args:
        path: where; it need not exist.
        language: "rust" or "c", for the exercises that exist in both.

    Raises:
        Missing: the ledger's source cannot be found.
    """
    path.mkdir(parents=True, exist_ok=True)
    if (path / STATE).is_file():
        folder = find(path)
        folder.state["language"] = language
    else:
        folder = Folder(path.resolve(), {"version": VERSION, "language": language, "done": {}, "hints": {}})
    for entry in entries():
        if not folder.file(entry).exists():
            folder.reset(entry)
    rust = [entry for entry in entries() if entry.language(folder.language) == "rust"]
    write_crate(folder.path, [(entry.name, folder.file(entry).relative_to(folder.path).as_posix()) for entry in rust])
    folder.save()
    return folder


def write_crate(crate: Path, examples: Iterable[tuple[str, str]]) -> None:
    """Writes Cargo.toml, Cargo.lock and the prelude of a package of exercises.

    Args:
        crate: its folder.
        examples: name and file, relative to the folder, of each exercise.
    """
    source = source_folder()
    hidden = crate / ".course"
    hidden.mkdir(exist_ok=True)
    for file in PRELUDE.iterdir():
        if file.is_file():
            _write(hidden / file.name, file.read_text(encoding="utf-8"))
    entries = "".join(_EXAMPLE.format(name=name, path=path) for name, path in examples)
    ledger = json.dumps(str(source / "src" / "ledger"))
    _write(crate / "Cargo.toml", _CARGO.format(ledger=ledger, examples=entries))
    # The very versions that the project itself is built with.
    if not (crate / "Cargo.lock").is_file():
        shutil.copyfile(source / "Cargo.lock", crate / "Cargo.lock")


def _write(file: Path, text: str) -> None:
    """Writes a file if that changes it: cargo goes by the time."""
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def prepare(folder: Folder) -> None:
    """Compiles what all exercises share, and fetches the crates if they are not here: the one step that may need a network.

    Raises:
        Missing: it cannot be done.
    """
    if _wants(folder, "rust"):
        command = [cargo(), "build", "--quiet", "--manifest-path", str(folder.path / "Cargo.toml"), "--lib"]
        for network in (["--offline"], []):
            done = subprocess.run(
                [*command, *network],
                env=variables(folder.path / ".course" / "target"),
                cwd=folder.path,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode == 0:
                break
        else:
            raise Missing(f"the crates cannot be fetched, or do not compile:\n{first_lines(done.stderr)}")
    if _wants(folder, "c"):
        c.prepare()


def _wants(folder: Folder, language: str) -> bool:
    return any(entry.language(folder.language) == language for entry in entries())


def what_is_missing(folder: Folder) -> list[str]:
    """What the exercises need and this machine does not have, one line each; it asks no network."""
    missing = []
    if _wants(folder, "rust") and shutil.which("cargo") is None:
        missing.append("cargo: install Rust (https://rustup.rs), for the exercises in Rust.")
    if shutil.which("cc") is None:
        missing.append("cc: a C compiler (Debian: apt install gcc libc6-dev). Rust links with it, too.")
    if _wants(folder, "c") and not Path(sysconfig.get_path("include"), "Python.h").is_file():
        missing.append("Python.h: the headers of this Python (Debian: apt install python3-dev).")
    if _wants(folder, "rust") and not missing:
        command = ["cargo", "fetch", "--offline", "--quiet", "--manifest-path", str(folder.path / "Cargo.toml")]
        # From there, since a folder may say in .cargo/config.toml where its crates are.
        done = subprocess.run(command, cwd=folder.path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            missing.append("crates: run `hashtable-lab course start` once with a network, which fetches them.")
    return missing
