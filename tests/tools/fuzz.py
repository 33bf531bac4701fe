"""Fuzzes the library; `make fuzz` does it for FUZZ_SECONDS seconds.

    python tests/tools/fuzz.py [--seconds N] [FILE]

src/core/fuzz is built with what libFuzzer needs to see which branches a run takes (flags of the stable compiler), and run twice:

1. the control: with a mistake in the model, from a single game. The fuzzer must find it, or it finds nothing at all;
2. as it should be, from all that earlier runs have collected in target/fuzz/corpus.

A game that fails lies in target/fuzz/artifacts afterwards; give its FILE to play it again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import click
from building import host
from commands import ROOT, console, last_lines, run_command, watch

FUZZ = ROOT / "target" / "fuzz"

# Counters for branches, a table of their places, and calls at comparisons: what libFuzzer listens to.
# Source: https://llvm.org/docs/LibFuzzer.html and https://clang.llvm.org/docs/SanitizerCoverage.html
INSTRUMENTED = "-Cpasses=sancov-module " + " ".join(
    f"-Cllvm-args=-sanitizer-coverage-{feature}"
    for feature in ("level=4", "inline-8bit-counters", "pc-table", "trace-compares")
)

#: libFuzzer's exit code when the target has crashed. Source: its option -error_exitcode.
CRASHED = 77


def build(*features: str) -> Path:
    """Builds the target, and returns where the program is."""
    if shutil.which("c++") is None:
        raise click.ClickException(
            "c++ is missing, and libFuzzer is C++: install a compiler (Debian: apt install g++)."
        )
    command = ["cargo", "build", "--release", "--locked", "--target", host(), "--features", ",".join(features)]
    environment = {**os.environ, "RUSTFLAGS": INSTRUMENTED, "CARGO_TARGET_DIR": str(FUZZ / "cargo")}
    code, output, _ = watch("building the fuzz target", command, environment, ROOT / "src" / "core" / "fuzz")
    if code != 0:
        raise click.ClickException(f"the fuzz target could not be built; cargo's last lines:\n{last_lines(output)}")
    # The next build, with other features, goes to the same place.
    program = FUZZ / "-".join(["table", *features])
    shutil.copy2(FUZZ / "cargo" / host() / "release" / "table", program)
    return program


def play(what: str, program: Path, corpus: Path, artifacts: Path, seconds: int) -> tuple[int, str]:
    """Lets libFuzzer run a program.

    Args:
        what: what it is for, in a few words.
        program: what `build` returned.
        corpus: the folder of games that took new branches; it reads them and adds to them.
        artifacts: the folder for a game that fails.
        seconds: how long.

    Returns:
        The exit code, and all that was printed.
    """
    # From nothing, libFuzzer tries thousands of inputs that are too short to be a game, and sees no branch in them. This is one:
    # of keys with the hash 0, and of moves that all set the same pair.
    (corpus / "first").write_bytes(bytes(512))
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={artifacts}{os.sep}",
        "-timeout=20",
        "-print_final_stats=1",
    ]
    code, output, took = watch(what, [program, *options, corpus], dict(os.environ))
    runs = re.findall(r"number_of_executed_units: *(\d+)|^#(\d+)", output, re.MULTILINE)
    covered = re.findall(r"\bcov: (\d+)", output)
    if not runs or not covered:
        raise click.ClickException(f"libFuzzer did not see any branches; its last lines:\n{last_lines(output)}")
    console.print(f"{what}: {max(int(a or b) for a, b in runs)} games, {covered[-1]} branches seen, in {took:.0f} s")
    return code, output


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(min=1), help="How long to fuzz.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(seconds: int, file: Path | None) -> int:
    """The command line."""
    corpus, artifacts = FUZZ / "corpus", FUZZ / "artifacts"
    for folder in (corpus, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    if file is not None:
        return subprocess.run([build(), file]).returncode

    broken = build("broken-model")
    with tempfile.TemporaryDirectory(prefix="hashtable-fuzz-") as nothing:
        # Leaving nothing behind. It takes a second or two; a busy machine gets a minute.
        code, output = play("the control, with a mistake in the model", broken, Path(nothing), Path(nothing), 60)
    if code != CRASHED or "panicked at" not in output:
        console.print("the fuzzer did not find the mistake in the model: it would find nothing in the table either")
        return 1

    code, output = play("the table", build(), corpus, artifacts, seconds)
    if code != 0:
        console.print(last_lines(output, 80))
        console.print(
            f"the fuzzer found a game that fails, see above; play it again: python tests/tools/fuzz.py {artifacts}/..."
        )
        return 1
    console.print("the control was found, and nothing in the table")
    return 0


if __name__ == "__main__":
    run_command(main)
