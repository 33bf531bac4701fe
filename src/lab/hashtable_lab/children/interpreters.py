"""The CPythons on this machine, for all that is done with every one of them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ASK = """
import sys, sysconfig
assert sys.implementation.name == "cpython"
kind = "debug" if hasattr(sys, "gettotalrefcount") else ""
kind += "no-gil" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d" % sys.version_info[:2], kind, sys.executable, sep="|")
"""


def interpreters(able: str = "", oldest: tuple[int, int] = (3, 9)) -> dict[str, str]:
    """Every kind of CPython found, such as `3.11` or `3.11-debug`, and the path of one interpreter of that kind.

    Looked for on PATH and under the root of pyenv, where there is one.

    Args:
        able: Python code that must run to its end in an interpreter, or it does not count.
        oldest: the first version that counts.
    """
    ask = f"{ASK}assert sys.version_info >= {oldest}\n{able}"
    name = re.compile(r"python3\.\d+t?(-dbg)?|python3")
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # A shim of pyenv stands for another interpreter, which is found in its own folder.
    folders = [folder for folder in folders if folder != pyenv / "shims"] + sorted(pyenv.glob("versions/*/bin"))
    found: dict[str, str] = {}
    for folder in folders:
        for candidate in sorted(folder.glob("python3*")):
            if not name.fullmatch(candidate.name):
                continue
            try:
                answer = subprocess.run(
                    [candidate, "-c", ask], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            if answer.returncode == 0:
                version, kind, path = answer.stdout.strip().split("|")
                found.setdefault(f"{version}-{kind}" if kind else version, path)
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in re.findall(r"\d+", item[0])]))
