"""A compiler that finds the ledger's header first, and links with the ledger's library.

Build tools have many ways to add a folder of headers, in an order of their own. One thing they all do is to run the compiler that
`CC` and `CXX` name. So these name a script of ours, which runs the real compiler with a few arguments more:

* our folder of headers, before all others;
* frame pointers, and no function made a part of its caller, so that the chain of callers can be followed;
* lines in the debugging information, so that it can be told;
* where a module is linked, the library with the ledger.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from hashtable_lab.errors import Missing
from hashtable_lab.foreign import header, table

#: What the compiler is told besides. Aliasing: a macro may clear any field as one that holds a `PyObject *`.
FLAGS = "-g1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-inline -fno-strict-aliasing -fno-lto -w"
# Code that Cython made reaches into the interpreter's thread state by itself, past the C API, unless it is told not to. It is not
# told CYTHON_USE_EXC_INFO_STACK=0: then its generators give back what they do not own, and the interpreter dies.
FLAGS += " -DCYTHON_FAST_THREAD_STATE=0"

#: What a compiler of GCC's family is told too: a static variable that is written and never read is no variable to it, and what was
#: stored there would look like a leak.
ALL_VARIABLES = "-fno-ipa-reference-addressable"

#: What the linker puts in the place of which functions, so that blocks of memory are known.
WRAPPED = [
    *("malloc", "calloc", "realloc", "free"),
    *("PyMem_Malloc", "PyMem_Calloc", "PyMem_Realloc", "PyMem_Free"),
    *("PyMem_RawMalloc", "PyMem_RawCalloc", "PyMem_RawRealloc", "PyMem_RawFree"),
]
LINKED = " ".join(f"-Wl,--wrap={name}" for name in WRAPPED)

SCRIPT = """\
#!/bin/sh
# The compiler, with the ledger: see hashtable_lab.foreign.flags.
for argument in "$@"; do
  case "$argument" in
    {only}) exec {compiler} -I{include} "$@" {flags} {linked} -Wl,--as-needed {engine} ;;
  esac
done
exec {compiler} -I{include} "$@" {flags}
"""


def cache_folder() -> Path:
    """Where packages and headers are kept that were built once: $XDG_CACHE_HOME/hashtable-lab, or ~/.cache/hashtable-lab."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hashtable-lab"


def engine_file() -> Path:
    """The library with the ledger, which is an extension module too.

    Raises:
        Missing: the laboratory was installed without it.
    """
    found = importlib.util.find_spec("hashtable_lab.foreign.engine")
    if found is None or found.origin is None:
        raise Missing(
            "the ledger's library is missing: install the project with `python -m pip install .`, or a wheel of it."
        )
    return Path(found.origin)


def compiler(language: str) -> list[str]:
    """The real compiler, as a command.

    Args:
        language: "c" or "c++".

    Raises:
        Missing: there is none.
    """
    variable, names = ("CC", ("cc", "gcc", "clang")) if language == "c" else ("CXX", ("c++", "g++", "clang++"))
    chosen = os.environ.get(variable)
    if chosen:
        return shlex.split(chosen)
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Missing(f"a compiler for {language.upper()} is missing: install one (Debian: apt install g++).")
    return [found]


def prepare() -> dict[str, str]:
    """Makes the headers and the scripts, if they are not there yet.

    Returns:
        Environment variables with which a build tool builds with the ledger.

    Raises:
        Missing: a compiler, the headers of this Python or the ledger's library are missing.
    """
    engine = engine_file()
    real = {"cc": compiler("c")}
    try:
        real["c++"] = compiler("c++")
    except Missing:
        real["c++"] = []
    folders = list(dict.fromkeys(sysconfig.get_path(name) for name in ("include", "platinclude")))
    facts = [table.read_fact(name) for name in ("returns.tsv", "by_hand.tsv", "functions.h", "macros.h")]
    key = hashlib.sha256()
    for part in (sys.version, str(real), str(folders), str(engine), FLAGS, ALL_VARIABLES, LINKED, SCRIPT, *facts):
        key.update(part.encode() + b"\0")
    key.update(Path(header.__file__).read_bytes())
    folder = cache_folder() / "compilers" / key.hexdigest()[:16]
    if not folder.is_dir():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        try:
            header.make(making / "include", real["cc"], folders)
            for name, command in real.items():
                _write_script(making / name, command, folder / "include", engine, LINKED)
            # rustc links with it, and not only the extension: what belongs to the compiler is left alone.
            _write_script(making / "linker", real["cc"], folder / "include", engine, LINKED, only="*libpyo3_ffi-*.rlib")
            try:
                making.rename(folder)
            except OSError:
                # Another process was quicker.
                shutil.rmtree(making)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
    return variables(folder)


def _write_script(
    file: Path, command: list[str], include: Path, engine: Path, linked: str, only: str = "-shared"
) -> None:
    """Writes a script that stands for a compiler. `only`: the argument that tells that it links a module to be judged."""
    words = shlex.join(command) if command else "echo 'a compiler for C++ is missing' >&2; exit 1;"
    options = f"{FLAGS} {ALL_VARIABLES}" if command and _takes(command, ALL_VARIABLES) else FLAGS
    text = SCRIPT.format(
        compiler=words,
        include=shlex.quote(str(include)),
        flags=options,
        linked=linked,
        engine=shlex.quote(str(engine)),
        only=only,
    )
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def _takes(compiler: list[str], option: str) -> bool:
    """Does a compiler know this option?"""
    command = [*compiler, "-Werror", option, "-fsyntax-only", "-xc", os.devnull]
    return subprocess.run(command, capture_output=True).returncode == 0


def variables(folder: Path) -> dict[str, str]:
    """The environment variables that name the scripts in a folder."""
    c, cpp = shlex.quote(str(folder / "cc")), shlex.quote(str(folder / "c++"))
    return {
        "CC": c,
        "CXX": cpp,
        # setuptools links with what the interpreter was linked with, unless it is told otherwise.
        "LDSHARED": f"{c} -shared",
        "LDCXXSHARED": f"{cpp} -shared",
    }
