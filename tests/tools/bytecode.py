"""`make record WHAT=bytecode`: what the programs of the chapter on bytecode print with every CPython found: docs/bytecode-*.txt.

What needs the extension is shown of those CPythons for which `python setup.py build` has left it in build/.
"""

from __future__ import annotations

import os
import subprocess

import click
from commands import ROOT, console, run_command
from hashtable_lab.children.interpreters import interpreters

PROGRAMS = ROOT / "docs" / "programs" / "bytecode"
TAG = "import sys, sysconfig; print(sysconfig.get_config_var('SOABI') or '')"


def said(python: str, program: str, **variables: str) -> str:
    """What a program prints with a CPython, and with some variables in its environment."""
    (tag,) = subprocess.check_output([python, "-c", TAG], text=True).splitlines()
    built = [folder.parent for folder in (ROOT / "build").glob(f"lib.*/hashtable.{tag}.so")]
    if program == "profiled.py" and not built:
        return ""
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, built)), **variables}
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
