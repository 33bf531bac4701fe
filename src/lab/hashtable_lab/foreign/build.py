"""Builds somebody's package with the ledger, in a folder of its own.

The source is unpacked or copied, so nothing is written into the folder that was given. pip builds it with whatever the package
builds itself with, and installs it, with what it needs, into a folder that Python is told to look into first. What was built once
is kept (`flags.cache_folder`), under a name made of the source, the interpreter and the ledger.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab import children
from hashtable_lab.audit.report import Subject
from hashtable_lab.errors import Missing
from hashtable_lab.foreign import flags, rust
from hashtable_lab.stage import Stage

#: A build that takes longer is stopped.
TIME_LIMIT = 3600.0

#: What lies in a folder with source and is none.
_NO_SOURCE = ("__pycache__", "*.so", "*.pyd", "*.o", ".venv", "venv", ".tox", ".nox", ".mypy_cache", ".pytest_cache")
_NO_SOURCE_ABOVE = ("build", "dist", "target")


@dataclass(frozen=True)
class Built:
    """A package that was built with the ledger.

    Attributes:
        name: what it is called in messages.
        folder: where it is installed.
        sources: where its source is.
        modules: the files of its extension modules that keep the ledger.
    """

    name: str
    folder: Path
    sources: tuple[Path, ...]
    modules: tuple[Path, ...]

    def subject(self) -> Subject:
        """It, for `hashtable_lab.audit.report`."""
        return Subject(None, (str(self.folder),), name=self.name, roots=(str(self.sources[0]),))


def build(package: Path, stage: Stage, extras: Sequence[str] = (), time_limit: float = TIME_LIMIT) -> Built:
    """Builds a package with the ledger, or finds it built.

    Args:
        package: a source distribution (`.tar.gz`, `.zip`), or a folder with a pyproject.toml or a setup.py.
        stage: where to say what takes its time.
        extras: what is to be installed beside it, as for pip.
        time_limit: seconds after which a build is stopped.

    Raises:
        Missing: it cannot be built, or has no extension that can be judged. One line says which.
    """
    name = re.sub(r"\.(tar\.\w+|tgz|zip)$", "", package.resolve().name)
    _look(package, name)
    variables = flags.prepare()
    key = hashlib.sha256("\0".join([sys.version, str(sorted(variables.items())), *extras]).encode())
    for part in _content(package):
        key.update(part)
    if _has_a_crate(package):
        key.update(rust.digest())
    home = flags.cache_folder() / "packages" / f"{name}-{key.hexdigest()[:16]}"
    with _alone(home):
        if not (home / "done").is_file():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            try:
                with stage.busy(f"building {name} with the ledger"):
                    source = unpack(package, home / "source", name)
                    _install(source, home, variables, extras, name, time_limit)
                _find(home, name)
                (home / "done").touch()
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
    source = root_of(home / "source")
    return Built(name, home / "installed", (source, *_parts(source)), tuple(_find(home, name)))


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Nobody else builds in this folder meanwhile: several processes may want the same package at once."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows, where nothing is built with the ledger.
        yield
        return
    lock = flags.cache_folder() / "locks" / home.name
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _look(package: Path, name: str) -> None:
    if package.is_dir():
        if not any((package / file).is_file() for file in ("pyproject.toml", "setup.py")):
            raise Missing(f"{name} is no package: it has neither a pyproject.toml nor a setup.py.")
    elif not re.search(r"\.(tar\.\w+|tgz|zip)$", package.name):
        raise Missing(f"{package.name} is no source distribution: give a .tar.gz, a .zip or a folder.")


def _content(package: Path) -> Iterator[bytes]:
    """What the package is made of, for its name among those that are kept."""
    if package.is_file():
        yield package.read_bytes()
        return
    ignored = shutil.ignore_patterns(*_NO_SOURCE)
    for folder, folders, files in os.walk(package):
        left_out = ignored(folder, [*folders, *files]) | {".git"}
        left_out |= set(_NO_SOURCE_ABOVE) if Path(folder) == package else set()
        folders[:] = sorted(set(folders) - left_out)
        for file in sorted(set(files) - left_out):
            path = Path(folder, file)
            yield str(path.relative_to(package)).encode() + b"\0"
            if path.is_file():
                yield path.read_bytes()


def _has_a_crate(package: Path) -> bool:
    """Is there something in this package that is written in Rust?"""
    if package.is_dir():
        return rust.is_rust(package)
    try:
        if package.suffix == ".zip":
            with zipfile.ZipFile(package) as zipped:
                names = zipped.namelist()
        else:
            with tarfile.open(package) as archive:
                names = archive.getnames()
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError):
        return False  # which the build says
    return any(name.rpartition("/")[2] == "Cargo.toml" for name in names)


def unpack(package: Path, into: Path, name: str) -> Path:
    """Unpacks or copies the source. Returns the folder with it."""
    if package.is_dir():
        ignored = shutil.ignore_patterns(*_NO_SOURCE)

        def ignore(folder: str, names: list[str]) -> set[str]:
            above = set(_NO_SOURCE_ABOVE) if Path(folder) == package else set()
            return set(ignored(folder, names)) | (above & set(names))

        shutil.copytree(package, into / name, ignore=ignore, symlinks=True)
        return into / name
    into.mkdir()
    try:
        if package.suffix == ".zip":
            with zipfile.ZipFile(package) as zipped:
                zipped.extractall(into)
        else:
            with tarfile.open(package) as archive:
                if hasattr(tarfile, "data_filter"):
                    archive.extractall(into, filter="data")
                else:
                    _check_members(archive, package.name)
                    archive.extractall(into)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise Missing(f"{package.name} cannot be unpacked: {error}.") from None
    return root_of(into)


def _check_members(archive: tarfile.TarFile, name: str) -> None:
    """No member may lie outside."""
    for member in archive.getmembers():
        if member.name.startswith("/") or ".." in Path(member.name).parts or not (member.isfile() or member.isdir()):
            raise Missing(f"{name} cannot be unpacked: {member.name!r} would lie outside.")


def root_of(folder: Path) -> Path:
    """The one folder in a folder, or that itself."""
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _parts(source: Path) -> list[Path]:
    """The folders of a source distribution in which a compiler may have been started, beside its root."""
    return [folder for folder in sorted(source.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]


def _install(
    source: Path, home: Path, variables: dict[str, str], extras: Sequence[str], name: str, time_limit: float
) -> None:
    if rust.is_rust(source):
        variables = {**variables, **rust.prepare(source, variables["CC"])}
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command += ["--no-warn-script-location", "--target", str(home / "installed"), str(source), *extras]
    ending = with_or_without_isolation(command, {**variables, "PYTHONPATH": ""}, time_limit)
    if ending.timed_out:
        raise Missing(f"{name} does not build: it was stopped after {time_limit:g} seconds.")
    if not ending.well:
        raise Missing(reason(ending.output, name))


def with_or_without_isolation(command: list[str], environment: Mapping[str, str], time_limit: float) -> children.Ending:
    """Runs a command of pip that builds a package.

    pip installs what a package is built with into an environment made for this build, which takes longer than compiling a small
    extension does. Where all of it is here already, in the versions that the package asks for, that is spared.

    Args:
        command: pip and its arguments.
        environment, time_limit: as for `children.run_command`.
    """
    spared = [*command, "--no-build-isolation", "--check-build-dependencies"]
    ending = children.run_command(spared, environment, time_limit)
    return ending if ending.well or ending.timed_out else children.run_command(command, environment, time_limit)


def reason(said: str, name: str) -> str:
    """One line of what pip said."""
    other = re.search(r"requires a different Python: (.*)|Requires-Python.*?([<>=!~ ,.\d]+)", said)
    if other and "different Python" in said:
        return f"{name} needs another Python: {other[1]}."
    if "No module named pip" in said:
        return f"{name} cannot be built: this Python has no pip (`{sys.executable} -m ensurepip`)."
    lines = [line.strip() for line in said.splitlines()]
    wanted = (r"(fatal )?error(\[E\d+\])?: |.*: (fatal )?error: ", r"error\b", r"ERROR: ", r"\w*(Error|Exception)\b")
    for pattern in wanted:
        for line in lines:
            if re.match(pattern, line) and "subprocess-exited-with-error" not in line and "legacy-install" not in line:
                return f"{name} does not build: {line[:300]}"
    return f"{name} does not build: {lines[-1][:300] if lines else 'pip said nothing'}"


def _find(home: Path, name: str) -> list[Path]:
    """The extension modules that keep the ledger.

    Raises:
        Missing: there is none.
    """
    found = [file for file in sorted((home / "installed").rglob("*.so")) if keeps_the_ledger(file)]
    if not found:
        raise Missing(f"{name} has no extension that was compiled here: nothing of it can be judged.")
    return found


def keeps_the_ledger(file: Path) -> bool:
    """Does a shared object call the ledger?"""
    return any(word in file.read_bytes() for word in (b"rl_took", b"rl_new", b"rl_module"))


def names_of(files: Iterable[Path]) -> str:
    """The names of modules, for a message."""
    return ", ".join(file.name.partition(".")[0] for file in files)
