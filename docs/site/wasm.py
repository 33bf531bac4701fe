"""Builds the extension for Pyodide, which is CPython compiled to WebAssembly, as browsers run it.

    python docs/site/wasm.py [--wheel] FOLDER

The source is the same; only the target differs. It takes the standard library of one more Rust target (rustup fetches
it), a file that tells pyo3-ffi which Python it builds for (see `CONFIG`), and a linker (linker.py). No Emscripten, and
no headers: pyo3-ffi needs none.

On this target a pointer and `Py_hash_t` have 32 bits, and so has C's `long`.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = "wasm32-unknown-emscripten"
# The Python inside Pyodide, and the name of its binary interface (PEP 783).
PYTHON = "3.14"
SUFFIX = ".cpython-314-wasm32-emscripten.so"
PLATFORM = "pyemscripten_2026_0_wasm32"


class Module(NamedTuple):
    """What cargo builds to get a module, and under which name."""

    package: str
    features: tuple[str, ...]
    file: str
    # What keeps a ledger is built in a sixth of the time, and small before fast: a reader waits for it.
    profile: str = "laboratory"
    optimised: str = "s"


MODULES = {
    "hashtable": Module("hashtable-extension", (), "hashtable.wasm", "release", "3"),
    "hashtable_traced": Module("hashtable-extension", ("trace",), "hashtable.wasm"),
}
# The extension with bugs on which the book shows the ledger.
EXAMPLE = {"ledger_example": Module("ledger-example", ("ledger",), "ledger_example.wasm")}

CONFIG = f"""implementation=CPython
version={PYTHON}
shared=true
abi3=false
pointer_width=32
build_flags=
suppress_build_script_link_lines=true
"""


class Unavailable(Exception):
    """The target is not available on this machine. The message says why, in one line."""


@functools.cache
def prepare() -> None:
    """Sees to it that the target is there. Raises Unavailable if that cannot be."""
    if shutil.which("cargo") is None:
        raise Unavailable("cargo is missing: install Rust (https://rustup.rs)")
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True).stdout.strip()
    if list(Path(sysroot).glob(f"lib/rustlib/{TARGET}/lib/libstd-*.rlib")):
        return
    if shutil.which("rustup") is None:
        raise Unavailable(f"Rust's standard library for {TARGET} is missing, and rustup is not there to fetch it")
    fetched = subprocess.run(["rustup", "target", "add", TARGET], capture_output=True, text=True)
    if fetched.returncode != 0:
        last = (fetched.stderr.strip().splitlines() or ["it failed"])[-1]
        raise Unavailable(f"rustup cannot fetch Rust's standard library for {TARGET}: {last}")


def cargo(
    command: list[str], source: Path = ROOT, target: Path | None = None, profile: str = "release", **more: str
) -> Path:
    """Runs cargo for this target, with `more` in its environment. Returns the folder that it builds in.

    Raises Unavailable if the target is not available, CalledProcessError if the build fails (what cargo says is its
    `stderr`).
    """
    prepare()
    target = target or ROOT / "target" / "site" / "cargo"
    target.mkdir(parents=True, exist_ok=True)
    config = target / "pyo3-config.txt"
    if not config.exists() or config.read_text() != CONFIG:
        config.write_text(CONFIG)
    environment = {
        **os.environ,
        "CARGO_TARGET_WASM32_UNKNOWN_EMSCRIPTEN_LINKER": str(HERE / "linker.py"),
        "PYO3_CONFIG_FILE": str(config),
        # A side module may be loaded anywhere in the interpreter's memory.
        "RUSTFLAGS": "-C relocation-model=pic",
        **more,
    }
    options = ["--locked", "--quiet", "--profile", profile, "--target", TARGET, "--target-dir", str(target)]
    subprocess.run(
        ["cargo", *command, *options], cwd=source, env=environment, check=True, capture_output=True, text=True
    )
    return target / TARGET / profile


def build(module: str, folder: Path, source: Path = ROOT, target: Path | None = None) -> Path:
    """Builds one of MODULES, or of EXAMPLE, from `source` and puts it into `folder`. Returns its path.

    Raises Unavailable if the target cannot be installed, CalledProcessError if the build fails (what cargo says is its
    `stderr`).
    """
    package, features, file, profile, optimised = {**MODULES, **EXAMPLE}[module]
    command = ["build", "--package", package, *(f"--features={name}" for name in features)]
    target = cargo(command, source, target, profile, **{f"CARGO_PROFILE_{profile.upper()}_OPT_LEVEL": optimised})
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / (module + SUFFIX)
    shutil.copyfile(target / file, built)
    return built


def core_tests(folder: Path) -> list[Path]:
    """Builds the Rust tests of src/core as modules and puts them into `folder`. Returns their paths.

    Each has a C function `main`, which takes the words of a command line.
    """
    # A folder of its own: what is found there was built now.
    target = ROOT / "target" / "site" / "core-tests"
    shutil.rmtree(target / TARGET / "release" / "deps", ignore_errors=True)
    built = cargo(["test", "--no-run", "--package", "hashtable-core"], target=target)
    folder.mkdir(parents=True, exist_ok=True)
    # rustc names a program for this target after the JavaScript that Emscripten would put beside it.
    programs = sorted((built / "deps").glob("*.js"))
    return [Path(shutil.copyfile(program, folder / f"{program.name.split('-')[0]}.so")) for program in programs]


# What the installation of a wheel adds, and what is written anew.
NOT_TAKEN = ("INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json")


def wheel(folder: Path) -> Path:
    """Makes a wheel for Pyodide. Returns its path.

    It holds what the installed package has (`make install`), with the two modules built for Pyodide in the place of this
    machine's. Raises what `build` does, and Unavailable if the package is not installed.
    """
    try:
        installed = importlib.metadata.distribution("hashtable")
    except importlib.metadata.PackageNotFoundError:
        raise Unavailable("the package is not installed here: run `make install`") from None
    name, version = installed.metadata["Name"], installed.version
    tag = f"cp{PYTHON.replace('.', '')}-cp{PYTHON.replace('.', '')}-{PLATFORM}"
    information = f"{name}-{version}.dist-info"

    files: dict[str, bytes] = {}
    for module in MODULES:
        built = build(module, ROOT / "target" / "site" / "modules")
        files[built.name] = built.read_bytes()
    for path in sorted(installed.files or []):
        if path.parts[0] == information and path.name not in NOT_TAKEN:
            files[path.as_posix()] = Path(path.locate()).read_bytes()
        elif path.suffix not in (".pyc", ".so") and (ROOT / "src" / "lab" / path).is_file():
            files[path.as_posix()] = (ROOT / "src" / "lab" / path).read_bytes()
    files[f"{information}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {name}\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    )
    record = f"{information}/RECORD"
    listed = []
    for name_inside, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        listed.append(f"{name_inside},sha256={digest},{len(content)}")
    files[record] = ("\n".join([*listed, f"{record},,"]) + "\n").encode()

    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            # The same source gives the same bytes: no time of day in the archive.
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", action="store_true", help="make a wheel, and not only the two modules")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    try:
        if options.wheel:
            print(wheel(options.folder))
        else:
            for name in MODULES:
                print(build(name, options.folder))
    except Unavailable as reason:
        sys.exit(f"not built for Pyodide: {reason}.")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"not built for Pyodide, cargo failed:\n{failed.stderr}")
