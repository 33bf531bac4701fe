"""Runs the test suite with every CPython from 3.9 on that is found: `make test-all`.

Of each kind (version, debug build, free-threaded) one is taken. Each gets an environment of its own with the package built and
installed into it as `pip install .` does. PYTHONS='3.11 3.14t' takes only these; one that is not there is left out with a word.
SLOW=no leaves the slow tests out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent))
from hashtable_lab.children.interpreters import interpreters
from requirements import PYPROJECT, requirements

ROOT = PYPROJECT.parent
nox.options.envdir = str(ROOT / "target" / "nox")
nox.options.reuse_existing_virtualenvs = True

FOUND = interpreters()
wanted = os.environ.get("PYTHONS", "").split()
for kind in wanted:
    if kind not in FOUND:
        print(f"CPython {kind} is not here, and is left out. (make interpreters KINDS={kind} may get it.)")
if wanted:
    FOUND = {kind: path for kind, path in FOUND.items() if kind in wanted}
if not FOUND:
    sys.exit("none of these CPythons is here: nothing was tested.")


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
    session.run("pytest", "-q", "--numprocesses=auto", "--dist=loadfile", *session.posargs)
    if os.environ.get("SLOW") != "no":
        # 5: there are none in the folders that were asked for.
        session.run(
            "pytest",
            "-q",
            "-m",
            "slow",
            "--numprocesses=auto",
            "--dist=loadgroup",
            *session.posargs,
            success_codes=[0, 5],
        )
