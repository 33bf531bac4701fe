"""Compiles the library with the C compiler, loads it, and uses it."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

import hashtable
from loader import load

HERE = Path(__file__).resolve().parent


def build(folder, *options):
    """Compiles words.c to a shared object in a folder, and returns it."""
    file = Path(folder, "words.so")
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", *options, "-o", file, HERE / "words.c"]
    subprocess.run(command, check=True)
    return file


def refused(file):
    """Says what the loader has against a file."""
    try:
        load(file)
    except ImportError as error:
        print("ImportError:", str(error).replace(str(Path(file).parent) + "/", ""))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        words = load(build(folder))
        print(words)
        for name, function in vars(words).items():
            if not name.startswith("_"):
                print(f"  {name}: {function.__doc__}")
        print(words.length(b"pi"), words.mean(3, 4), words.hash31(b"pi"), words.kind(words.hash31(b"pi")))
        try:
            words.mean("three", 4)
        except ctypes.ArgumentError as error:
            print("ArgumentError:", error)
    # The same library with another version of the description; and a shared object that has none.
    with tempfile.TemporaryDirectory() as folder:
        refused(build(folder, "-DDESCRIBING_VERSION=2"))
    refused(hashtable.__file__)
