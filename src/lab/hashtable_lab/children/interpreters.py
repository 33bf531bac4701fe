"""The CPythons on this machine, for all that is done with every one of them.

They are looked for on PATH, under the root of pyenv, and in the folders that the variable PYTHONS_UNDER names. The Makefile sets
it to target/pythons, where `make interpreters` puts those that a machine lacks.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ASK = """
import sys, sysconfig
assert sys.implementation.name == "cpython"
free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
debug = "-debug" if hasattr(sys, "gettotalrefcount") else ""
sanitized = "-tsan" if "--with-thread-sanitizer" in (sysconfig.get_config_var("CONFIG_ARGS") or "") else ""
print("%d.%d" % sys.version_info[:2] + free_threaded + debug + sanitized, sys.executable, sep="|")
"""
NAME = re.compile(r"python3\.\d+[dt]?(-dbg)?|python3")


def pythons_under() -> list[Path]:
    """The folders that PYTHONS_UNDER names, separated as on PATH. They hold interpreters, each in a folder of its own."""
    return [Path(folder) for folder in os.environ.get("PYTHONS_UNDER", "").split(os.pathsep) if folder]


def places() -> Iterator[Path]:
    """The folders in which an interpreter may lie, in the order in which they are searched."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        # A shim of pyenv stands for another interpreter, which is found in its own folder.
        if folder and Path(folder) != pyenv / "shims":
            yield Path(folder)
    yield from sorted(pyenv.glob("versions/*/bin"))
    for under in pythons_under():
        for pattern in ("bin", "*/bin", "*/usr/bin"):
            yield from sorted(under.glob(pattern))


def interpreters(able: str = "", oldest: tuple[int, int] = (3, 9), sanitized: bool = False) -> dict[str, str]:
    """Every kind of CPython found, such as `3.11`, `3.11-debug` or `3.14t` (free-threaded), and the path of one of that kind.

    Args:
        able: Python code that must run to its end in an interpreter, or it does not count.
        oldest: the first version that counts.
        sanitized: whether those count, too, that ThreadSanitizer watches: `3.14t-tsan`.
    """
    ask = f"{ASK}assert sys.version_info >= {oldest}\nassert {sanitized} or not sanitized\n{able}"
    found: dict[str, str] = {}
    for folder in places():
        for candidate in sorted(folder.glob("python3*")):
            if not NAME.fullmatch(candidate.name):
                continue
            try:
                answer = subprocess.run(
                    [candidate, "-c", ask], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            if answer.returncode == 0:
                kind, path = answer.stdout.strip().split("|")
                found.setdefault(kind, path)
    return dict(sorted(found.items(), key=lambda item: ([int(part) for part in re.findall(r"\d+", item[0])], item[0])))


def every_python() -> dict[str, str]:
    """Every kind of CPython found that has ctypes, from 2.7 on, and the path of one of that kind."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found: dict[str, str] = {}
    for old in [*sorted(pyenv.glob("versions/2.7*/bin/python2.7")), shutil.which("python2.7")]:
        if old and subprocess.run([old, "-c", "import ctypes"], capture_output=True, timeout=30).returncode == 0:
            found.setdefault("2.7", str(old))
    return {**found, **interpreters(able="import ctypes", oldest=(3, 0))}
