"""Releases of packages: fetched once, built once, and kept in the user's cache (`$XDG_CACHE_HOME/hashtable-lab/field`)."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from hashtable_lab import children
from hashtable_lab.errors import Missing
from hashtable_lab.foreign import build, flags

#: pip asks a source distribution for its name and version by way of its build backend, and meson-python has to compile all of it to
#: answer. This one stands in for it: a file in the source distribution says so.
BACKEND = """
from email import message_from_string
from pathlib import Path


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = Path("PKG-INFO").read_text(encoding="utf-8")
    about = message_from_string(text)
    made = Path(metadata_directory, f"{about['Name'].replace('-', '_')}-{about['Version']}.dist-info")
    made.mkdir()
    (made / "METADATA").write_text(text, encoding="utf-8")
    return made.name
"""

#: A build that takes longer is stopped.
TIME_LIMIT = 900.0


def folder() -> Path:
    """Where they are kept."""
    return flags.cache_folder() / "field"


def source(package: str, version: str, patch: str = "") -> Path:
    """The source of a release: a source distribution, or a folder if a patch is applied to it.

    Raises:
        Missing: there is none, or the patch does not fit.
    """
    kept = folder() / "sources" / f"{package}-{version}"
    with _locked(kept):
        files = sorted(kept.glob("*.*")) if kept.is_dir() else []
        if not files:
            kept.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            # Not its dependencies, and not what it is built with: where its metadata say nothing, pip would build it.
            command += ["--no-binary", package, "--dest", str(kept), f"{package}=={version}"]
            # What it is built with is asked for only to learn its name and version, so any will do; if not, then its own.
            with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as backends:
                Path(backends, "mesonpy.py").write_text(BACKEND, encoding="utf-8")
                ending = children.run_command([*command, "--no-build-isolation"], {"PYTHONPATH": backends}, TIME_LIMIT)
            if not ending.well:
                ending = children.run_command(command, {}, TIME_LIMIT)
            files = sorted(kept.glob("*.*"))
            if not ending.well or not files:
                raise Missing(f"the source of {package} {version} is not available: {_last(ending.output)}")
    return _patched(files[0], patch) if patch else files[0]


def _patched(archive: Path, patch: str) -> Path:
    from unidiff.patch import PatchSet

    from hashtable_lab.specimens.patching import apply

    kept = folder() / "patched" / f"{archive.name}-{hashlib.sha256(patch.encode()).hexdigest()[:12]}"
    with _locked(kept):
        if not (kept / "done").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            root = build.unpack(archive, kept / "source", archive.name)
            apply(PatchSet(patch), root, f"for {archive.name}")
            (kept / "done").touch()
    return build.root_of(kept / "source")


def installed(package: str, version: str, patch: str, needs: Sequence[str], python: str = sys.executable) -> Path:
    """A folder with a release as pip installs it, from a wheel where there is one for this Python.

    Args:
        package, version, patch: the release.
        needs: what is to be installed beside it.
        python: the interpreter to install it for. For another one than ours it is built from source: a debug build counts only what
            was compiled with its own headers.

    Raises:
        Missing: it cannot be built.
    """
    ours = python == sys.executable
    # A wheel that was downloaded does not say which compiler and flags; the release of Python is what it depends on.
    key = hashlib.sha256("\0".join([python, sys.version, patch, *needs]).encode()).hexdigest()[:12]
    kept = folder() / "installed" / f"{package}-{version}-{key}"
    with _locked(kept):
        if (kept / "failed").is_file():
            raise Missing((kept / "failed").read_text(encoding="utf-8"))
        if not (kept / "done").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            what = [str(source(package, version, patch))] if patch or not ours else [f"{package}=={version}"]
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
            command += ["--no-warn-script-location", "--target", str(kept / "installed"), *what, *needs]
            command += [] if ours else ["--no-cache-dir", "--no-binary", package]
            ending = build.with_or_without_isolation(command, {"PYTHONPATH": "", **OLD_C}, TIME_LIMIT)
            if not ending.well:
                shutil.rmtree(kept / "installed", ignore_errors=True)
                reason = build.reason(ending.output, f"{package} {version}")
                (kept / "failed").write_text(reason, encoding="utf-8")
                raise Missing(reason)
            (kept / "done").touch()
    return kept / "installed"


#: Old releases were written for old compilers.
OLD_C = {"CFLAGS": "-w -O2"}


def _locked(kept: Path) -> FileLock:
    kept.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(kept.with_name(f"{kept.name}.lock"))


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["pip said nothing"])[-1][:200]
