"""`make record WHAT=bytecode`: what the programs of the chapter on bytecode print with every CPython found: docs/bytecode-*.txt.

What needs the extension is shown of those CPythons for which it was built: by `python setup.py build`, into build/, or by `make
wheels`, into dist/.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from zipfile import ZipFile

import click
from commands import ROOT, console, run_command
from hashtable_lab.children.interpreters import interpreters

UNPACKED = ROOT / "target" / "bytecode"
PROGRAMS = ROOT / "docs" / "programs" / "bytecode"
TAG = "import sys, sysconfig; print(sysconfig.get_config_var('SOABI') or '')"


def built(tag: str) -> list[Path]:
    """The folders that have the extension for CPythons of this tag, such as `cpython-313-x86_64-linux-gnu`."""
    name = f"hashtable.{tag}.so"
    for wheel in (ROOT / "dist").glob("hashtable-*.whl"):
        with ZipFile(wheel) as content:
            if name in content.namelist():
                content.extract(name, UNPACKED / tag)
    return [file.parent for file in [*(ROOT / "build").glob(f"lib.*/{name}"), *UNPACKED.glob(f"{tag}/{name}")]]


def said(python: str, program: str, **variables: str) -> str:
    """What a program prints with a CPython, and with some variables in its environment."""
    (tag,) = subprocess.check_output([python, "-c", TAG], text=True).splitlines()
    folders = built(tag)
    if program == "profiled.py" and not folders:
        return ""
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), **variables}
    return subprocess.run([python, PROGRAMS / program], env=settings, check=True, capture_output=True, text=True).stdout


@click.command()
@click.option("--record", is_flag=True, help="Keep what is printed for the book.")
def bytecode(record: bool) -> int:
    """Runs the programs of the chapter on bytecode with every CPython found."""
    found = {kind: python for kind, python in interpreters().items() if kind.replace(".", "").isdigit()}
    parts = {program: [said(python, program) for python in found.values()] for program in ("stack.py", "hot.py")}
    for kind, python in found.items():
        with_jit = said(python, "hot.py", PYTHON_JIT="1").splitlines()[-1]
        if ": " in with_jit and with_jit.split(": ")[1].strip().startswith("on;"):
            parts["hot.py"].append(f"CPython {kind}, with PYTHON_JIT=1\n{with_jit}\n")
    perf = [said(python, "profiled.py") for python in found.values()]
    parts["profiled.py"] = [f"{text.split(',')[0]}: {text.splitlines()[-1]}\n" for text in perf if text]
    for program, texts in parts.items():
        console.print("".join(texts))
        if record:
            (ROOT / "docs" / f"bytecode-{program[:-3]}.txt").write_text("".join(texts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    run_command(bytecode)
