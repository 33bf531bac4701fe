"""Builds a specimen: the diff is applied to a copy of the source, and cargo builds the copy to a module in a folder of its own.

All of it happens below target/specimens in the project's folder:

    target/specimens/source/                   one copy for all specimens; each build rewrites only what differs
    target/specimens/cargo-<form>/             cargo's own: what no specimen changes is compiled once
    target/specimens/NAME/<form>/hashtable.*   the module, and beside it the fingerprint of what it was built from

where <form> is the interpreter's tag, as in the names of extension modules (cpython-313-x86_64-linux-gnu), and what else
is special: traced, or with AddressSanitizer (`Form`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import filelock

from hashtable_lab import children
from hashtable_lab.children.interpreters import interpreters
from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder
from hashtable_lab.specimens.patching import patched
from hashtable_lab.specimens.specimen import WITHOUT_THE_GIL, Specimen
from hashtable_lab.stage import Stage

# How many of cargo's last lines are quoted when a build fails.
_QUOTED_LINES = 12


# What `python -c` is asked about another interpreter.
_ASK = """
import json, sys
from sysconfig import get_config_var as get
print(json.dumps([get("SOABI") or sys.implementation.cache_tag, get("EXT_SUFFIX"), sys.version]))
"""


#: The crate of each module of which there are specimens.
PACKAGES = {"hashtable": "hashtable-extension", "hashtable_heap": "hashtable-forms"}

# A specimen of another form is imported under the name of the classic one, as a script and a detector do.
_ALIAS = """import sys
import {module}
sys.modules[__name__] = {module}
"""


@dataclass(frozen=True)
class Form:
    """In which form a specimen is built.

    Attributes:
        traced: as `hashtable_traced`, with the ledger.
        sanitized: for AddressSanitizer.
        python: the interpreter for which it is.
    """

    traced: bool = False
    sanitized: bool = False
    python: str = sys.executable

    @property
    def name(self) -> str:
        """As it is spelled in paths: the interpreter's tag and what is special."""
        return "-".join([self.tag, *(["trace"] if self.traced else []), *(["asan"] if self.sanitized else [])])

    @property
    def tag(self) -> str:
        """What tells this kind of interpreter from others in file names: version, debug or not, free-threaded or not."""
        return _about(self.python)[0]

    def module_name(self, module: str) -> str:
        """The name of a module in this form."""
        return f"{module}_traced" if self.traced else module

    def module_file(self, module: str) -> str:
        """The name of the file that this interpreter would import."""
        return f"{self.module_name(module)}{_about(self.python)[1]}"

    @property
    def depends_on(self) -> list[str]:
        """What a build in this form depends on, besides the source."""
        return [_about(self.python)[2], self.name, os.environ.get("RUSTFLAGS", ""), _RELEASE_DEBUG]

    def command(self, cargo: str, target: Path, module: str) -> tuple[list[str], dict[str, str]]:
        """The command that builds a module, and its environment."""
        command = [cargo, "build", "--release", "--locked", "--package", PACKAGES[module]]
        command += ["--message-format", "json-render-diagnostics"]
        command += ["--features", "trace"] if self.traced else []
        variables = {
            **os.environ,
            "CARGO_TARGET_DIR": str(target),
            "CARGO_TERM_COLOR": "never",
            "CARGO_PROFILE_RELEASE_DEBUG": _RELEASE_DEBUG,
            "PYO3_PYTHON": self.python,
            # The module takes the interpreter's symbols from the process that loads it, and does not link libpython.
            "PYO3_BUILD_EXTENSION_MODULE": "1",
        }
        if self != Form():
            # Only what people import is built as theirs is. Without this, the others are built in a third of the time.
            variables["CARGO_PROFILE_RELEASE_LTO"] = "off"
        if self.sanitized:
            # An unstable option of the compiler, which a stable compiler accepts when it is told that it bootstraps itself. The
            # name of the machine keeps the flags from build scripts.
            variables["RUSTC_BOOTSTRAP"] = "1"
            variables["RUSTFLAGS"] = "-Zsanitizer=address -Cforce-frame-pointers=yes"
            command += ["--target", _host(cargo)]
        return command, variables


# valgrind and AddressSanitizer tell lines of the source if they are given them; the machine code stays the same.
_RELEASE_DEBUG = "line-tables-only"


def python_for(specimen: Specimen) -> str:
    """The interpreter with which a specimen shows itself: the one that runs this, unless it takes one without the GIL.

    Raises:
        Missing: there is no such interpreter here.
    """
    if specimen.threads != WITHOUT_THE_GIL or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return sys.executable
    found = [path for kind, path in interpreters().items() if kind.endswith("t")]
    if not found:
        raise Missing(
            f"specimen {specimen.name} shows itself without the GIL only, and there is no free-threaded CPython on PATH, under "
            "pyenv, or in a folder that PYTHONS_UNDER names: `make interpreters KINDS=3.14t` gets one."
        )
    return found[-1]


@cache
def _about(python: str) -> tuple[str, str, str]:
    """Of an interpreter: its tag, the ending of its modules' files, its version and how it was built."""
    done = subprocess.run([python, "-c", _ASK], capture_output=True, text=True, check=True)
    tag, suffix, version = json.loads(done.stdout)
    return tag, suffix, version


@cache
def _host(cargo: str) -> str:
    """The name by which the Rust compiler knows the machine that we are on."""
    described = subprocess.run([cargo, "-vV"], capture_output=True, text=True, check=True).stdout
    return next(line[len("host: ") :] for line in described.splitlines() if line.startswith("host: "))


def build(specimen: Specimen, stage: Stage, form: Form | None = None) -> Path:
    """Builds a specimen, unless that has been done.

    Args:
        specimen: what to build.
        stage: where progress is shown.
        form: in which form; None is the ordinary one, for the interpreter that is running.

    Returns:
        The folder with the module in it, and no other module.

    Raises:
        Missing: there is no source or no cargo, the diff does not fit, or the build fails.
    """
    form = form or Form()
    source = source_folder()
    target = source / "target" / "specimens"
    product = target / specimen.name / form.name
    fingerprint = _fingerprint(source, specimen, form)
    if _read(product / "fingerprint") == fingerprint:
        return product
    cargo = shutil.which("cargo")
    if cargo is None:
        raise Missing("cargo is needed to build a specimen and is not on PATH: install Rust, https://rustup.rs.")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Missing(f"specimens are built in {target}, which cannot be written: {error.strerror}.") from None
    with stage.busy(f"Building the specimen {specimen.name}") as tell, _alone(target / "lock", tell):
        if _read(product / "fingerprint") == fingerprint:
            return product  # by the process that we waited for
        copy = target / "source"
        copy_source(source, copy, patched(specimen.patch, source, specimen.name))
        library = _run_cargo(
            *form.command(cargo, target / f"cargo-{form.name}", specimen.module), copy, specimen.name, tell
        )
        # A folder that holds nothing, or the whole module: the fingerprint comes last.
        shutil.rmtree(product, ignore_errors=True)
        product.mkdir(parents=True)
        shutil.copyfile(library, product / form.module_file(specimen.module))
        if specimen.module != "hashtable":
            alias = _ALIAS.format(module=form.module_name(specimen.module))
            (product / f"{form.module_name('hashtable')}.py").write_text(alias)
        (product / "fingerprint").write_text(fingerprint)
    return product


@contextmanager
def _alone(lock: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Waits until no other process builds specimens here."""
    file_lock = filelock.FileLock(lock)
    try:
        file_lock.acquire(timeout=0)
    except filelock.Timeout:
        tell("waiting for another process that builds specimens")
        file_lock.acquire()
    try:
        yield
    finally:
        file_lock.release()


def _source_files(source: Path) -> Iterator[Path]:
    """What a build needs, relative to the source: the workspace's two files and its crates. The laboratory is none of them,
    nor are the other bindings."""
    yield Path("Cargo.toml")
    yield Path("Cargo.lock")
    for folder, folders, files in os.walk(source / "src"):
        folders[:] = sorted(set(folders) - {"lab", "bindings", "target", "build", "__pycache__"})
        for file in sorted(files):
            if not file.endswith((".so", ".pyc")):
                yield (Path(folder) / file).relative_to(source)


def copy_source(source: Path, copy: Path, changed: Mapping[str, str]) -> None:
    """Makes a folder a copy of the source, with other texts for some files. What is right already is left alone.

    A file that is written is newer than anything that cargo has built from what was there before, which is how cargo knows.
    """
    wanted = [file for file in _source_files(source) if (source / file).is_file()]
    there = [file.relative_to(copy) for file in copy.rglob("*") if file.is_file()]
    for file in set(there) - set(wanted):
        (copy / file).unlink()
    for file in wanted:
        text = changed.get(str(file))
        content = (source / file).read_bytes() if text is None else text.encode()
        if not (copy / file).is_file() or (copy / file).read_bytes() != content:
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            (copy / file).write_bytes(content)


def _fingerprint(source: Path, specimen: Specimen, form: Form) -> str:
    """A digest of all that a build depends on: source, diff, interpreter, features, flags for the compiler."""
    return digest_of(source, specimen.diff, *form.depends_on)


def digest_of(source: Path, *parts: str) -> str:
    """A digest of the source that is built from, and of some texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    for file in _source_files(source):
        if (source / file).is_file():
            digest.update(str(file).encode() + b"\0" + (source / file).read_bytes())
    return digest.hexdigest()


def _read(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def _run_cargo(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, name: str, tell: Callable[[str], None]
) -> Path:
    """Runs cargo and returns the shared library that it made. While it runs, its last line goes to `tell`."""
    libraries: list[str] = []
    said: list[str] = []
    with children.start(command, cwd=folder, env=variables) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                message = json.loads(line)
                if message["reason"] == "compiler-artifact" and message["target"]["kind"] == ["cdylib"]:
                    libraries = message["filenames"]
            else:
                said.append(line.rstrip())
                tell(line.partition(" (")[0].strip())  # less the folder
    if process.returncode != 0 or not libraries:
        last = "\n".join(said[-_QUOTED_LINES:])
        raise Missing(f"specimen {name} could not be built; cargo's last lines:\n{last}")
    return next(Path(library) for library in libraries if library.endswith((".so", ".dylib", ".dll")))
