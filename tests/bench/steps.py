"""What each step of making the table fast has gained: builds the source as it was after each, and counts.

A step is a commit, found by its subject. Instructions are counted by callgrind, as the difference between a longer and
a shorter run, per operation, with the interpreter's own loop; they repeat
from run to run. (Waiting for memory is not among them: what a step gains there, only `make bench` shows.)

The record is docs/performance/steps.json, from which the chapter docs/fast.md takes its figures. Takes some five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "performance" / "steps.json"
TARGET = ROOT / "target" / "steps"

STEPS = [
    "Keep half of each hash, in entries of 24 bytes",
    "Look up an exact str or int without asking Python",
    "Yield the same tuple again where nobody else has it",
    "Fetch the memory of many pairs at once",
    "Advise huge pages",
    "Fill an empty table from a dict without looking up, and read short ints where they lie",
    "Look a key of any kind up in one piece where the table hashes by hash()",
]

# One statement each, with a thousand keys.
COUNTED = {
    "h[k]: int": ("ints", "for k in keys: table[k]"),
    "str": ("strs", "for k in keys: table[k]"),
    "tuple": ("tuples", "for k in keys: table[k]"),
    "set and del": ("ints", "for k in keys:\n            del table[k]\n            table[k] = k"),
    "update: pairs": ("ints", "Table().update(pairs)"),
    "dict": ("strs", "Table().update(dictionary)"),
    "items()": ("ints", "for k, v in table.items(): pass"),
}

COUNT = """
import gc, random, sys
from TYPE_MODULE import TYPE as Table
gc.disable()
kind, times = sys.argv[1], int(sys.argv[2])
numbers = list(range(1000))
random.Random(0).shuffle(numbers)
make = {"ints": lambda n: 1000 + n, "strs": lambda n: f"key {n}", "tuples": lambda n: (n,)}[kind]
keys = [make(n) for n in numbers]
pairs = [(k, k) for k in keys]
dictionary = dict(pairs)
table = Table()
for k in keys: table[k] = k
def run():
    for _ in range(times):
        STATEMENT
run()
"""


def run(command: list[str], **options: object) -> str:
    """Runs a command and returns what it printed; one line says what failed."""
    done = subprocess.run(command, text=True, capture_output=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command[:4]))} ... failed: {done.stderr.strip().splitlines()[-1:]}")
    return str(done.stdout) + str(done.stderr)


def build(revision: str, folder: Path) -> None:
    """Puts the module, as it was at `revision`, into `folder`."""
    source = folder / "source"
    source.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-m", "-C", source], input=archive, check=True)
    environment = {"CARGO_TARGET_DIR": str(TARGET), "PYO3_PYTHON": sys.executable, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    command = ["cargo", "build", "--quiet", "--locked", "--release", "--package", "hashtable-extension"]
    run(command, cwd=source, env={**os.environ, **environment})
    shutil.copy(TARGET / "release" / "libhashtable.so", folder / f"hashtable{sysconfig.get_config_var('EXT_SUFFIX')}")
    shutil.rmtree(source)


def count(module: str, name: str, folder: Path) -> dict[str, float]:
    """Instructions per operation."""
    counted = {}
    for work, (kind, statement) in COUNTED.items():
        program = COUNT.replace("TYPE_MODULE", module).replace("TYPE", name).replace("STATEMENT", statement)
        totals = []
        for times in (1, 3):
            command = [
                "valgrind",
                "--tool=callgrind",
                "--callgrind-out-file=/dev/null",
                sys.executable,
                "-c",
                program,
                kind,
            ]
            environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONHASHSEED": "0"}
            printed = run([*command, str(times)], env=environment)
            totals.append(int(re.findall(r"Collected : (\d+)", printed)[0]))
        counted[work] = round((totals[1] - totals[0]) / 2000, 1)
    return counted


def show(record: dict[str, dict[str, float]]) -> None:
    """Prints the record as a table: two lines for each step, in the order in which they came. A page of the book takes it."""
    print(f"instructions for one operation, CPython {record['python']} on {record['machine']}\n")
    print("   ".join(COUNTED))
    for step in ["dict", "before", *STEPS]:
        print(f"{step}\n" + "   ".join(f"{record[step][work]:{len(work)}.0f}" for work in COUNTED))


def main() -> None:
    """Measures dict, the table before the first step, and the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", action="store_true", help="measure nothing, show what is in the record")
    if parser.parse_args().show:
        if not RECORD.exists():
            sys.exit("nothing is recorded yet: run this without --show first.")
        show(json.loads(RECORD.read_text(encoding="utf-8")))
        return
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is missing: install it (Debian: apt install valgrind).")
    log = dict(line.split(" ", 1)[::-1] for line in run(["git", "log", "--format=%H %s"], cwd=ROOT).splitlines())
    missing = [step for step in STEPS if step not in log]
    if missing:
        sys.exit(f"no commit has the subject {missing[0]!r}: fetch the whole history first.")
    revisions = {"before": log[STEPS[0]] + "~1", **{step: log[step] for step in STEPS}}
    record: dict[str, object] = {"machine": platform.machine(), "python": platform.python_version()}
    with tempfile.TemporaryDirectory(dir=TARGET.parent) as scratch:
        record["dict"] = count("builtins", "dict", Path(scratch))
        for step, revision in revisions.items():
            print(f"==> {step}", file=sys.stderr)
            folder = Path(scratch) / "step"
            folder.mkdir()
            build(revision, folder)
            record[step] = count("hashtable", "HashTable", folder)
            shutil.rmtree(folder)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RECORD.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
