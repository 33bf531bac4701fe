"""Runs the test suite with every CPython from 3.9 on that is found: `nox -f tests/noxfile.py`, or `make test`.

Looked for on PATH and under the root of pyenv, where there is one. Of each kind (version, debug build, without the GIL) one is
taken. Each gets an environment of its own with the package built and installed into it as `pip install .` does.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent))
from requirements import PYPROJECT, requirements  # noqa: E402

ROOT = PYPROJECT.parent
nox.options.envdir = str(ROOT / "target" / "nox")
nox.options.reuse_existing_virtualenvs = True

ASK = """
import sys, sysconfig
assert sys.implementation.name == "cpython" and sys.version_info >= (3, 9)
kind = "debug" if hasattr(sys, "gettotalrefcount") else ""
kind += "no-gil" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d" % sys.version_info[:2], kind, sys.executable, sep="|")
"""


def interpreters() -> dict[str, str]:
    """Every kind of CPython found, such as `3.11` or `3.11-debug`, and the path of one interpreter of that kind."""
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
                    [candidate, "-c", ASK], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
                )
            except (OSError, subprocess.TimeoutExpired):
                continue
            if answer.returncode == 0:
                version, kind, path = answer.stdout.strip().split("|")
                found.setdefault(f"{version}-{kind}" if kind else version, path)
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in re.findall(r"\d+", item[0])]))


FOUND = interpreters()


def install(session: nox.Session) -> str:
    """Builds the package for the session's interpreter, installs it with what the tests need, and returns its kind."""
    kind = next(kind for kind, path in FOUND.items() if path == session.python)
    session.install("--quiet", "setuptools", "setuptools-rust", *requirements("test", PYPROJECT.read_text("utf-8")))
    # A target folder of its own for each interpreter: nothing is compiled again for the next run.
    target = {"CARGO_TARGET_DIR": str(ROOT / "target" / "interpreters" / kind)}
    session.install("--quiet", "--no-build-isolation", "--no-deps", "--force-reinstall", str(ROOT), env=target)
    return kind


@nox.session(python=list(FOUND.values()))
def tests(session: nox.Session) -> None:
    """The whole suite with one interpreter."""
    kind = install(session)
    session.chdir(ROOT)
    session.log(f"CPython {kind}")
    session.run("pytest", "-q", *session.posargs)
