"""`make elsewhere`: compiles the extension on Linux for Windows and for macOS, and reads whether it could be imported there.

Nothing of it is run: there is no Windows and no macOS here. zig links, cargo-zigbuild hands it to Rust, and PYO3_CROSS tells
pyo3-ffi for which Python. What is missing on most machines is Rust's standard library for the other system. `rustup target add`
brings it. Where that fails, it can be compiled from its source, which Debian has: RUSTC names a compiler that has the
source in its sysroot.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
from commands import ROOT, console, run_command, watch

sys.path.append(str(ROOT / "docs" / "programs" / "three_systems"))
PYTHON = "3.13"
#: For each target of Rust's the file that comes out, and from where it must ask for Python's names.
TARGETS = {
    "x86_64-pc-windows-gnu": ("hashtable.dll", "python313.dll"),
    "aarch64-apple-darwin": ("libhashtable.dylib", "anybody"),
}
#: Libraries of GCC's that Rust asks for on Windows and zig has no use for: empty ones will do.
NOT_NEEDED = "libssp.a", "libssp_nonshared.a"
RECORD = ROOT / "docs" / "elsewhere.txt"


def complaints(offers: list[str], needs: list[str], place: str) -> list[str]:
    """Why a file could not be imported on its system, as far as its names tell; nothing if they are in order."""
    said = []
    if "PyInit_hashtable" not in {name.lstrip("_") for name in offers}:
        said.append("it offers no PyInit_hashtable")
    wrong = [name for name in needs if name.lstrip("_").startswith("Py") and not name.endswith(f", from {place}")]
    return said + [f"it needs {name}, where {place} was to be asked" for name in wrong[:1]]


def standard_library(target: str) -> list[str]:
    """The options with which cargo finds Rust's standard library for a target, or compiles it."""
    sysroot = Path(subprocess.check_output([os.environ.get("RUSTC", "rustc"), "--print", "sysroot"], text=True).strip())
    if (sysroot / "lib/rustlib" / target / "lib").is_dir():
        return []
    if (sysroot / "lib/rustlib/src/rust/library").is_dir():
        return ["-Zbuild-std=std,panic_unwind"]
    raise click.ClickException(
        f"Rust's standard library for {target} is missing: run `rustup target add {target}`; "
        "or let RUSTC be a compiler that has the source of the library (Debian: apt install rustc-web rust-web-src)."
    )


def build(target: str, output: Path) -> Path:
    """Compiles the extension for a target, and returns the file."""
    empty = output / "not-needed"
    empty.mkdir(parents=True, exist_ok=True)
    for name in NOT_NEEDED:
        (empty / name).write_bytes(b"!<arch>\n")
    settings = {**os.environ, "CARGO_TARGET_DIR": str(output), "RUSTC_BOOTSTRAP": "1", "PYO3_CROSS": "1"}
    settings |= {"PYO3_CROSS_PYTHON_VERSION": PYTHON, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    settings["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
    command = ["cargo-zigbuild", "rustc", *standard_library(target), "--release", "--locked"]
    command += ["--package", "hashtable-extension", "--target", target, "--"]
    command += [f"-Lnative={empty}"] if "windows" in target else ["-Cstrip=none"]
    code, said, _ = watch(f"compiling the extension for {target}", command, settings)
    if code != 0:
        told = re.findall(r"^error.*|^ *= note: error.*", said, re.MULTILINE) or said.splitlines()[-1:]
        raise click.ClickException(f"{target}: {told[0].strip()[:300]}")
    return output / target / "release" / TARGETS[target][0]


@click.command()
@click.argument("targets", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--record", is_flag=True, help="Keep what is printed for the book.")
def elsewhere(targets: tuple[str, ...], record: bool) -> int:
    """Compiles the extension for Windows and macOS.

    Ends with 0 if the files are in order and what is wrong on purpose was noticed, else with 1.
    """
    try:
        import hashtable

        import extension
    except (ImportError, SystemExit):
        raise click.ClickException("lief is missing: pip install '.[wheels]'") from None
    output = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "elsewhere"
    files = {target: build(target, output) for target in targets or TARGETS}
    lines, good = [], True
    for target, file in files.items():
        lines += [f"{target}, for CPython {PYTHON}", *extension.described(file)]
        _, _, _, offers, needs, _ = extension.read(file)
        wrong = complaints(offers, needs, TARGETS[target][1])
        good = good and not wrong
        lines.append(f"  {'; '.join(wrong) or 'in order, as far as its names tell'}")
    _, _, _, offers, needs, _ = extension.read(Path(hashtable.__file__))
    noticed = all(complaints(*bad) for bad in ((offers, needs, "python313.dll"), ([], needs, "anybody")))
    lines.append(f"controls, the file for Linux and one without its entry: {'noticed' if noticed else 'NOT NOTICED'}")
    console.print("\n".join(lines))
    if record:
        RECORD.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if good and noticed else 1


if __name__ == "__main__":
    run_command(elsewhere)
