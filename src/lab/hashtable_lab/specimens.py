"""Specimens: broken variants of the extension, to be looked at from a safe distance.

A specimen is one file, docs/specimens/NAME.diff: a header that says what is wrong and how it shows, a small script that
provokes it, and a unified diff against the real source. The real source carries no trace of any of them. To meet one,

1. a copy of the source gets the diff,
2. cargo builds the copy to a module in a folder of its own (`build`),
3. a script runs in a child process that finds this folder first (`hashtable_lab.children`). To the script, the broken
   module is `hashtable`: the same lines run against right and wrong.

All of it happens below target/specimens in the project's folder:

    target/specimens/cargo-<tag>/              cargo's own; shared by all specimens of one kind of interpreter
    target/specimens/NAME/source/              the copy with the diff
    target/specimens/NAME/<tag>/hashtable.*    the module, and beside it the fingerprint of what it was built from

where <tag> is the interpreter's, as in the names of extension modules: cpython-313-x86_64-linux-gnu.

The header is a list of fields, `Name: text`. A text may go on in indented lines. After the header comes the diff,
from the first line that begins with `---`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from hashtable_lab import children
from hashtable_lab.errors import Missing, require
from hashtable_lab.stage import Stage

#: The fields of a header, all of them required.
FIELDS = ("Specimen", "Class", "Lesson", "Symptom-Release", "Symptom-Debug", "Detectors", "Mend", "Script")

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
        detectors: the names of what catches it.
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
    )


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
        file.write_text("".join(lines), encoding="utf-8")


def interpreter_tag() -> str:
    """What tells this kind of interpreter from others in file names: version, debug or not, free-threaded or not."""
    return str(sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag)


def build(specimen: Specimen, stage: Stage, features: Sequence[str] = ()) -> Path:
    """Builds a specimen for the interpreter that is running, unless that has been done.

    Args:
        specimen: what to build.
        stage: where to tell that it takes a while.
        features: cargo features; with "trace", the module is called `hashtable_traced`.

    Returns:
        The folder with the module in it, and no other module.

    Raises:
        Missing: there is no source or no cargo, the diff does not fit, or the build fails.
    """
    source = source_folder()
    target = source / "target" / "specimens"
    tag = interpreter_tag()
    product = target / specimen.name / "-".join([tag, *features])
    module = "hashtable_traced" if "trace" in features else "hashtable"
    fingerprint = _fingerprint(source, specimen, features)
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
        copy = target / specimen.name / "source"
        _copy_source(source, copy)
        apply(specimen.patch, copy, specimen.name)
        library = _run_cargo(cargo, copy, target / f"cargo-{tag}", features, specimen.name, tell)
        # A folder that holds nothing, or the whole module: the fingerprint comes last.
        shutil.rmtree(product, ignore_errors=True)
        product.mkdir(parents=True)
        shutil.copyfile(library, product / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}")
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
    nor are the other roads to the library."""
    yield Path("Cargo.toml")
    yield Path("Cargo.lock")
    for folder, folders, files in os.walk(source / "src"):
        folders[:] = sorted(set(folders) - {"lab", "roads", "target", "build", "__pycache__"})
        for file in sorted(files):
            if not file.endswith((".so", ".pyc")):
                yield (Path(folder) / file).relative_to(source)


def _copy_source(source: Path, copy: Path) -> None:
    # Every file is written anew, and so is newer than anything that cargo has built: it must never take the output of
    # one specimen, which lies under the same name in the shared target folder, for the output of another.
    shutil.rmtree(copy, ignore_errors=True)
    for file in _source_files(source):
        if (source / file).is_file():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, copy / file)


def _fingerprint(source: Path, specimen: Specimen, features: Sequence[str]) -> str:
    """A digest of all that a build depends on: source, diff, interpreter, features, flags for the compiler."""
    digest = hashlib.sha256()
    for part in (specimen.diff, sys.version, interpreter_tag(), *features, os.environ.get("RUSTFLAGS", "")):
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
    cargo: str, folder: Path, target: Path, features: Sequence[str], name: str, tell: Callable[[str], None]
) -> Path:
    """Runs cargo and returns the shared library that it made. While it runs, its last line goes to `tell`."""
    command = [cargo, "build", "--release", "--locked", "--package", "hashtable-extension"]
    command += ["--message-format", "json-render-diagnostics"]
    command += ["--features", ",".join(features)] if features else []
    variables = {
        **os.environ,
        "CARGO_TARGET_DIR": str(target),
        "CARGO_TERM_COLOR": "never",
        "PYO3_PYTHON": sys.executable,
        # The module takes the interpreter's symbols from the process that loads it, and does not link libpython.
        "PYO3_BUILD_EXTENSION_MODULE": "1",
    }
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


# ---- performing ------------------------------------------------------------------------------------------------------


def show(specimen: Specimen, stage: Stage) -> None:
    """Prints a specimen for a reader: what is wrong, how it shows, the diff, the script."""
    stage.title(f"Specimen {specimen.name}")
    stage.say(f"Class of bug: {specimen.kind}.")
    stage.say(specimen.lesson)
    stage.show_text(specimen.diff, "diff")
    stage.say("A script that provokes it:")
    stage.show_text(specimen.script, "python")
    for build_of_python, symptom in specimen.symptoms.items():
        stage.say(f"Symptom on a {build_of_python} build of Python: {symptom}.")
    stage.say(f"Detectors that catch it: {', '.join(specimen.detectors)}.")
    stage.say(f"{specimen.mend} The lines that mend it:")
    stage.show_text(specimen.mending_lines(), "diff")


def perform(specimen: Specimen, stage: Stage) -> None:
    """Runs a specimen's script against the right module and the broken one, and tells a reader what was seen.

    Raises:
        Missing: the specimen cannot be built.
    """
    require("hashtable")
    folder = build(specimen, stage)
    stage.title(f"Specimen {specimen.name}")
    stage.say(f"Class of bug: {specimen.kind}.")
    stage.say("The script:")
    stage.show_text(specimen.script, "python")
    stage.say("With the module as it should be:")
    right = children.run_program(specimen.script, environment=children.FREED_MEMORY_SHOWS)
    stage.transcript(f"{right.output}[{right}]")
    stage.say("With the broken module. This is what was done to the source:")
    stage.show_text(specimen.diff, "diff")
    wrong = children.run_program(specimen.script, module_folder=folder, environment=children.FREED_MEMORY_SHOWS)
    stage.transcript(f"{wrong.output}[{wrong}]")
    ending, words = specimen.expected
    stage.say(specimen.lesson)
    stage.say(f"{specimen.mend} The lines that mend it:")
    stage.show_text(specimen.mending_lines(), "diff")
    stage.check("the right module runs the script to its end", right.well)
    stage.check(f"the broken module shows the symptom ({ending}): {words}", ENDINGS[ending](wrong))
    stage.verdict()
