"""Compiles exercises in C, with the ledger in them: by the header that goes before Python.h (`hashtable_lab.foreign`)."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

from hashtable_lab.course.build import Built, first_lines
from hashtable_lab.errors import Missing

PRELUDE = Path(__file__).resolve().parent / "prelude"


def why_not() -> str:
    """Why exercises in C cannot be judged here; "" if they can."""
    found = importlib.util.find_spec("hashtable_lab.foreign")
    if found is None or importlib.util.find_spec("hashtable_lab.foreign.engine") is None:
        return "this laboratory has no ledger for C"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "the headers of this Python are missing (Debian: apt install python3-dev)"
    return ""


def is_here() -> bool:
    """Whether exercises in C can be judged here."""
    return not why_not()


def prepare() -> list[str]:
    """The compiler that puts the ledger in, as the beginning of a command. Its headers are made once for each Python.

    Raises:
        Missing: there is no compiler, no Python.h, or no ledger for C.
    """
    if reason := why_not():
        raise Missing(f"{reason}: the exercises are there in Rust.")
    flags = importlib.import_module("hashtable_lab.foreign.flags")
    return shlex.split(flags.prepare()["CC"])


def build_c(file: Path, folder: Path, compiler: list[str]) -> Built:
    """Compiles one exercise.

    Args:
        file: the source.
        folder: for what is made.
        compiler: what `prepare` returned.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    library = folder / f"{file.stem}.so"
    command = [*compiler, "-shared", "-fPIC", "-std=gnu11", "-O0", f"-I{PRELUDE}"]
    command += [f"-I{sysconfig.get_path('include')}", "-o", str(library), str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}
    )
    return Built(library) if done.returncode == 0 else Built(None, first_lines(done.stderr))
