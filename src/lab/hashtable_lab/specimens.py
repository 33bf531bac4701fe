"""Specimens: broken variants of the extension, to be looked at from a safe distance.

A specimen is one file, docs/specimens/NAME.diff: a header that says what is wrong and how it shows, a small script that
provokes it, and a unified diff against the real source. The real source carries no trace of any of them. To meet one,

1. a copy of the source gets the diff,
2. cargo builds the copy to a module in a folder of its own (`build`),
3. a script runs in a child process that finds this folder first (`hashtable_lab.children`, `hashtable_lab.explain`). To the
   script, the broken module is `hashtable`: the same lines run against right and wrong.

All of it happens below target/specimens in the project's folder:

    target/specimens/source/                   the copy: one for all specimens, of which each build writes what differs
    target/specimens/cargo-<form>/             cargo's own: what no specimen changes is compiled once
    target/specimens/NAME/<form>/hashtable.*   the module, and beside it the fingerprint of what it was built from

where <form> is the interpreter's tag, as in the names of extension modules (cpython-313-x86_64-linux-gnu), and what else
is special: traced, or with AddressSanitizer (`Form`).

The header is a list of fields, `Name: text`. A text may go on in indented lines. After the header comes the diff,
from the first line that begins with `---`.

A script is a program with a function `act`: one harmless use of the table, as anybody's program might make it. What stands
below `if __name__ == "__main__"` shows the symptom to a reader; a detector (`hashtable_lab.detectors`) only calls `act`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import filelock
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from hashtable_lab import children
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

#: The fields of a header, all of them required.
FIELDS = ("Specimen", "Class", "Lesson", "Symptom-Release", "Symptom-Debug", "Detectors", "Line", "Mend", "Script")

#: What `Line` says of a specimen in which every reference has its owner and is shown, and something else is wrong.
NO_LINE = "none"

#: The exit code of a script that looked and found something wrong. Not 1, with which Python ends after any exception.
COMPLAINT = 3

#: How a specimen's script can end: the first word of a symptom.
ENDINGS: dict[str, Callable[[children.Ending], bool]] = {
    "crash": lambda ending: ending.crashed,
    "complaint": lambda ending: ending.code == COMPLAINT and not ending.timed_out,
}

# Of a failed build, so many of cargo's last lines are quoted.
_QUOTED_LINES = 12


@dataclass(frozen=True)
class Specimen:
    """One broken variant, as its file describes it.

    Attributes:
        name: the file's name without `.diff`.
        kind: the class of bug, in a few words.
        lesson: what to learn from it.
        symptoms: what is seen, for "release" and "debug" builds of CPython: first a word of `ENDINGS`, then a sentence.
        detectors: the names of what catches it, of those in `hashtable_lab.detectors`.
        line: `FILE: TEXT` of the line that the ledger names; "" if it can name none.
        mend: how to mend it, in words.
        script: a program that ends well with the right module and shows the symptom with the broken one.
        patch: the diff.
    """

    name: str
    kind: str
    lesson: str
    symptoms: dict[str, str]
    detectors: tuple[str, ...]
    mend: str
    script: str
    diff: str
    patch: PatchSet
    line: str = ""

    @property
    def expected(self) -> tuple[str, str]:
        """For the running interpreter: how the script ends (a word of `ENDINGS`), and what is seen, in words."""
        ending, _, words = self.symptoms["debug" if hasattr(sys, "gettotalrefcount") else "release"].partition(":")
        return ending, words.strip()

    def mending_lines(self) -> str:
        """The diff's changed lines, the other way round: from the broken source back to the right one."""
        lines = [line for file in self.patch for hunk in file for line in hunk]
        wrong = [f"-{line.value}" for line in lines if line.is_added]
        right = [f"+{line.value}" for line in lines if line.is_removed]
        return "".join(wrong + right)


# ---- finding and reading ---------------------------------------------------------------------------------------------


def source_folder() -> Path:
    """The project's folder with the extension's source.

    It is the one that the environment variable HASHTABLE_SOURCE names; else the one that the laboratory itself lies
    in; else the current folder or one above it.

    Raises:
        Missing: there is none, as when the laboratory was installed from a wheel.
    """
    named = os.environ.get("HASHTABLE_SOURCE")
    if named:
        if _is_source(Path(named)):
            return Path(named).resolve()
        raise Missing(f"HASHTABLE_SOURCE is {named!r}, but there is no Cargo.toml and src/extension in that folder.")
    for place in (Path(__file__).resolve(), Path.cwd() / "here"):
        for folder in place.parents:
            if _is_source(folder):
                return folder
    raise Missing("the project's source is needed: set HASHTABLE_SOURCE to a checkout of it, or start from inside one.")


def _is_source(folder: Path) -> bool:
    return (folder / "Cargo.toml").is_file() and (folder / "src" / "extension" / "Cargo.toml").is_file()


def names() -> list[str]:
    """The names of all specimens, in alphabetical order.

    Raises:
        Missing: there is no source.
    """
    return sorted(file.stem for file in (source_folder() / "docs" / "specimens").glob("*.diff"))


def load(name: str) -> Specimen:
    """Reads a specimen.

    Raises:
        Missing: there is no specimen of that name, or its file is not as it should be.
    """
    if name not in names():
        raise Missing(f"there is no specimen {name!r}; there are: {', '.join(names())}.")
    file = source_folder() / "docs" / "specimens" / f"{name}.diff"
    return parse(file.read_text(encoding="utf-8"), name)


def variant(name: str, diff: str) -> Specimen:
    """A broken variant that is only to be built: without a lesson, symptoms or a script."""
    return Specimen(name, "", "", {}, (), "", "", diff, PatchSet(diff))


def parse(text: str, name: str) -> Specimen:
    """Reads the text of a specimen's file.

    Args:
        text: the header and the diff.
        name: the name that the header must give.

    Raises:
        Missing: a field is missing, unknown or wrong, or the diff is not a unified diff.
    """
    header, marker, rest = text.partition("\n--- ")
    diff = marker.lstrip() + rest
    fields = _fields(header, name)
    try:
        patch = PatchSet(diff)
    except UnidiffParseError as error:
        raise Missing(f"specimen {name}: its diff cannot be read: {error}") from None
    unequal = set(fields) ^ set(FIELDS)
    if unequal:
        raise Missing(f"specimen {name}: fields missing or unknown in its header: {', '.join(sorted(unequal))}.")
    if fields["Specimen"].strip() != name:
        raise Missing(f"specimen {name}: its header calls it {fields['Specimen'].strip()!r}.")
    symptoms = {build: " ".join(fields[f"Symptom-{build.capitalize()}"].split()) for build in ("release", "debug")}
    for symptom in symptoms.values():
        if symptom.partition(":")[0] not in ENDINGS:
            raise Missing(f"specimen {name}: a symptom begins with one of {', '.join(ENDINGS)} and a colon.")
    if not patch:
        raise Missing(f"specimen {name}: it has no diff.")
    line = " ".join(fields["Line"].split())
    if line != NO_LINE and not re.match(r"src/extension/\w+\.rs: \S", line):
        raise Missing(f"specimen {name}: its line must be {NO_LINE!r}, or a file, a colon, and the text of the line.")
    return Specimen(
        name=name,
        kind=" ".join(fields["Class"].split()),
        lesson=" ".join(fields["Lesson"].split()),
        symptoms=symptoms,
        detectors=tuple(detector.strip() for detector in fields["Detectors"].split(",")),
        mend=" ".join(fields["Mend"].split()),
        script=textwrap.dedent(fields["Script"]).strip("\n") + "\n",
        diff=diff,
        patch=patch,
        line="" if line == NO_LINE else line,
    )


def control() -> Specimen:
    """The source as it is, in the form of a specimen: nothing is wrong, and nothing may be found."""
    return Specimen("control", "nothing is wrong", "", {}, (), "", "", "", PatchSet(""))


def _fields(header: str, name: str) -> dict[str, str]:
    """Splits a header into its fields. A line that begins in the first column begins one, all others go on with it."""
    fields: dict[str, str] = {}
    field = ""
    for line in header.splitlines():
        if line[:1].strip():
            field, colon, text = line.partition(":")
            if not colon or field in fields:
                raise Missing(f"specimen {name}: a header line is not a field, or comes twice: {line!r}.")
            fields[field] = f"{text.strip()}\n"
        elif field:
            fields[field] += f"{line}\n"
    return fields


# ---- applying and building -------------------------------------------------------------------------------------------


def apply(patch: PatchSet, folder: Path, name: str) -> None:
    """Applies a diff to the source in a folder, by content: line numbers do not matter.

    Args:
        patch: the diff. It changes files; it neither adds nor removes any.
        folder: what the paths in the diff are relative to.
        name: the specimen's name, for the message.

    Raises:
        Missing: a file is not there, or the old lines of a hunk do not occur in it exactly once.
    """
    for file, text in patched(patch, folder, name).items():
        (folder / file).write_text(text, encoding="utf-8")


def patched(patch: PatchSet, folder: Path, name: str) -> dict[str, str]:
    """What `apply` would write: the new text of each file that the diff changes, by its path."""
    texts = {}
    for changed in patch:
        file = folder / changed.path
        if not file.is_file():
            raise Missing(f"specimen {name} does not fit the source: there is no {changed.path}.")
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        for hunk in changed:
            old = [line.value for line in hunk.source_lines()]
            new = [line.value for line in hunk.target_lines()]
            places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
            if len(places) != 1:
                raise Missing(
                    f"specimen {name} does not fit the source: the old lines of its hunk at line {hunk.source_start} "
                    f"occur {len(places)} times in {changed.path}, not once."
                )
            lines[places[0] : places[0] + len(old)] = new
        texts[changed.path] = "".join(lines)
    return texts


def named_place(specimen: Specimen) -> tuple[str, int]:
    """Where the line is that the ledger names: the file and the number of the line in the broken source.

    Raises:
        Missing: the header names none, or one that is not there exactly once.
    """
    file, _, text = specimen.line.partition(": ")
    broken = patched(specimen.patch, source_folder(), specimen.name)
    whole = broken.get(file)
    if whole is None and file and (source_folder() / file).is_file():
        whole = (source_folder() / file).read_text(encoding="utf-8")
    places = [number for number, line in enumerate((whole or "").splitlines(), 1) if line.strip() == text]
    if len(places) != 1:
        raise Missing(f"specimen {specimen.name}: its line is in {file or 'no file'} {len(places)} times, not once.")
    return file, places[0]


def touched_places(specimen: Specimen) -> set[tuple[str, int]]:
    """The lines of the broken source that the diff has added; where it only removes, those around the gap."""
    places = set()
    for file, text in patched(specimen.patch, source_folder(), specimen.name).items():
        lines = text.splitlines(keepends=True)
        for hunk in next(changed for changed in specimen.patch if changed.path == file):
            new = [line.value for line in hunk.target_lines()]
            at = next(at for at in range(len(lines)) if lines[at : at + len(new)] == new)
            here = at + 1
            for line in hunk:
                if line.is_added:
                    places.add((file, here))
                elif line.is_removed and not hunk.added:
                    places |= {(file, here - 1), (file, here)}
                here += not line.is_removed
    return places


# What `python -c` is asked about another interpreter.
_ASK = """
import json, sys
from sysconfig import get_config_var as get
print(json.dumps([get("SOABI") or sys.implementation.cache_tag, get("EXT_SUFFIX"), sys.version]))
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

    @property
    def module_file(self) -> str:
        """The name of the file that this interpreter would import."""
        return f"{'hashtable_traced' if self.traced else 'hashtable'}{_about(self.python)[1]}"

    @property
    def depends_on(self) -> list[str]:
        """What a build in this form depends on, besides the source."""
        return [_about(self.python)[2], self.name, os.environ.get("RUSTFLAGS", ""), _RELEASE_DEBUG]

    def command(self, cargo: str, target: Path) -> tuple[list[str], dict[str, str]]:
        """The command that builds it, and its environment."""
        command = [cargo, "build", "--release", "--locked", "--package", "hashtable-extension"]
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
            # An unstable option of the compiler, which a stable one lets pass if it is told to be bootstrapping. The name of
            # the machine keeps the flags from build scripts.
            variables["RUSTC_BOOTSTRAP"] = "1"
            variables["RUSTFLAGS"] = "-Zsanitizer=address -Cforce-frame-pointers=yes"
            command += ["--target", _host(cargo)]
        return command, variables


# valgrind and AddressSanitizer tell lines of the source if they are given them; the machine code stays the same.
_RELEASE_DEBUG = "line-tables-only"


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
        stage: where to tell that it takes a while.
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
        _copy_source(source, copy, patched(specimen.patch, source, specimen.name))
        library = _run_cargo(*form.command(cargo, target / f"cargo-{form.name}"), copy, specimen.name, tell)
        # A folder that holds nothing, or the whole module: the fingerprint comes last.
        shutil.rmtree(product, ignore_errors=True)
        product.mkdir(parents=True)
        shutil.copyfile(library, product / form.module_file)
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


def _copy_source(source: Path, copy: Path, changed: Mapping[str, str]) -> None:
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
