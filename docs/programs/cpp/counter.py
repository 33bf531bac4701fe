"""Compiles counter.cpp, beside this file. Imported by the programs here; `python counter.py` lists the names in what comes out."""

import ctypes
import os
import subprocess
import tempfile
from pathlib import Path


def compiled(folder):
    """Compiles it to a shared object in a folder. Returns its path."""
    file = Path(folder, "counter.so")
    source = Path(__file__).with_name("counter.cpp")
    command = [os.environ.get("CXX", "c++"), "-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-o", file]
    subprocess.run([*command, source], check=True)
    return file


def library():
    """The library, compiled and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        return ctypes.CDLL(str(compiled(folder)))  # loaded: the file may go


def names(file, *options):
    """The names that a file offers, each with its letter in `nm`."""
    listed = subprocess.run(
        ["nm", "--dynamic", "--defined-only", *options, file], check=True, capture_output=True, text=True
    )
    return [line.split(maxsplit=2)[1:] for line in listed.stdout.splitlines()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = compiled(folder)
        for (letter, name), (_, meant) in zip(names(made), names(made, "--demangle")):
            print(f"{letter} {name:<26} {meant}")
