"""Where the project's source is: the laboratory builds variants of it, and quotes its lines."""

from __future__ import annotations

import os
from pathlib import Path

from hashtable_lab.errors import Missing


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


def kept_below(name: str) -> Path:
    """The folder for what the laboratory keeps from one run to the next: below `target` of the project's folder; without a
    checkout, below the user's cache (`$XDG_CACHE_HOME/hashtable-lab`). It need not exist yet."""
    try:
        return source_folder() / "target" / name
    except Missing:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "hashtable-lab" / name
