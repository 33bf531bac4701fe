"""Runs a program under callgrind, and reads what it has counted (https://valgrind.org/docs/manual/cl-manual.html)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click


def profile_of(program: str, python: str = sys.executable) -> str:
    """Runs a program under callgrind, with this interpreter. Returns its profile.

    The strings that a process begins with, its paths and environment, lie on its heap, and whether `realloc` can let a block grow
    where it is depends on what lies behind it. So nothing of it names the folder that we are in: the counts are the same in each.

    Raises:
        click.ClickException: it failed; the message is its last line.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        # Without what is installed (-S, -s), and with hashes of strings that are the same each time.
        command = [shutil.which("valgrind") or "valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        done = subprocess.run(
            [*command, os.path.realpath(python), "-S", "-s", "-c", program],
            env={"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise click.ClickException((done.stderr.strip().splitlines() or ["valgrind failed"])[-1])
        return profile.read_text()


def counts_of(profile: str) -> Counter[str]:
    """Reads a profile (https://valgrind.org/docs/manual/cl-format.html).

    Returns:
        The instructions of each function, without those of what it calls, by "function (shared library)".
    """
    names: dict[str, dict[str, str]] = {"ob": {}, "fn": {}}
    current = {"ob": "", "fn": ""}
    counted: Counter[str] = Counter()
    called = False
    for line in profile.splitlines():
        named = re.fullmatch(r"(c?)(ob|fn)=\((\d+)\)(?: (.*))?", line)
        if named:
            callee, what, number, name = named.groups()
            if name is not None:
                names[what][number] = name
            if not callee:
                current[what] = names[what][number]
        elif line.startswith("calls="):
            called = True  # the next line has the cost of what is called, which is counted where it arises
        elif re.match(r"[\d+*-]", line):
            if not called:
                library = Path(current["ob"]).name.partition(".")[0]
                # A function that calls itself is listed once for each depth: name'2.
                function = re.sub("'[0-9]+$", "", current["fn"])
                counted[f"{function} ({library})"] += int(line.split()[1])
            called = False
    return counted
