"""Leakcheck on real packages: `make leakcheck-demo`.

multidict is a hash table for Python, with several values to a key, written in C. Its changelog says of release 6.8.0
that a reference leak in `istr` was fixed (https://github.com/aio-libs/multidict/releases/tag/v6.8.0, issue 1311).
`istr` is a type that each of its instances refers to; in 6.7.1, the release before, an instance does not give that
reference back when it goes. Not a byte is lost, only the count of the type rises: who looks at memory does not see it.

Both releases are installed from the package index, each into an environment of its own below target/leakcheck-demo, and
are given the same statement. The older one is to leak, the newer one is to be clean; exit code 0 if so, else 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from requirements import PYPROJECT, requirements

ROOT = PYPROJECT.parent
FOLDER = ROOT / "target" / "leakcheck-demo"

SETUP = "from multidict import istr"
STATEMENT = "istr('Content-Type')"

#: Release, and the exit code that leakcheck is to end with: 1 it leaks, 0 clean.
RELEASES = {"6.7.1": 1, "6.8.0": 0}


def environment(release: str) -> Path:
    """An environment with a release of multidict and what the laboratory needs. Returns its interpreter."""
    folder = FOLDER / f"multidict-{release}-python{sys.version_info[0]}.{sys.version_info[1]}"
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (folder / "ready").is_file():
        print(f"installing multidict {release} into {folder.relative_to(ROOT)} ...", file=sys.stderr, flush=True)
        venv.create(folder, clear=True, with_pip=True)
        lab = requirements("lab", PYPROJECT.read_text(encoding="utf-8"))
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--only-binary", "multidict", f"multidict=={release}", *lab], check=True)
        (folder / "ready").touch()
    return python


def main() -> int:
    """Runs both. Returns the exit code."""
    if sys.version_info < (3, 10):
        sys.exit("multidict 6.8.0 needs CPython 3.10 or newer: make PYTHON=/path/to/python3 leakcheck-demo.")
    as_expected = True
    for release, expected in RELEASES.items():
        python = environment(release)
        variables = {**os.environ, "PYTHONPATH": str(ROOT / "src" / "lab"), "PYTHONDONTWRITEBYTECODE": "1"}
        print(f'\nmultidict {release}: leakcheck --setup "{SETUP}" "{STATEMENT}"', flush=True)
        command = [python, "-m", "hashtable_lab", "leakcheck", "--setup", SETUP, STATEMENT]
        code = subprocess.run(command, env=variables).returncode
        print(f"\nexit code {code}, expected {expected}", flush=True)
        as_expected = as_expected and code == expected
    return 0 if as_expected else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError:
        sys.exit(
            "multidict could not be installed: the demo needs the package index, and in it a wheel for this Python."
        )
