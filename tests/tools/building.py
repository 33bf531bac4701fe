"""Builds the extension as the commands in this folder need it: for any interpreter, from any copy of the source, with any flags.

People who want to use it run setup.py or pip; that these work is for test_ways_in.py to say.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
from commands import last_lines, watch


@dataclass(frozen=True)
class Form:
    """A form of the module.

    Attributes:
        package: the crate.
        module: the name under which it is imported.
        oldest: the first CPython that it is for.
        features: the features of the crate that make it this form.
        stable: those of which a file comes that serves all versions; none if there is no such file.
    """

    package: str
    module: str
    oldest: tuple[int, int]
    features: tuple[str, ...] = ()
    stable: tuple[str, ...] = ()


def host() -> str:
    """The name by which the Rust compiler knows the machine that we are on.

    To give cargo this name keeps RUSTFLAGS from build scripts, which must run without a fuzzer or a sanitizer.
    """
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        raise click.ClickException("cargo is missing: install Rust, https://rustup.rs.")
    described = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return next(line[len("host: ") :] for line in described.splitlines() if line.startswith("host: "))


def build(
    what: str,
    python: str,
    source: Path,
    cargo_folder: Path,
    module_folder: Path,
    *,
    traced: bool = False,
    **variables: str,
) -> None:
    """Builds one module.

    Args:
        what: what it is for, in a few words.
        python: the path of the interpreter for which it is.
        source: the project's folder, or a copy of it.
        cargo_folder: where cargo keeps what it makes.
        module_folder: where the module goes, once it is complete.
        traced: whether it is to be `hashtable_traced`.
        **variables: environment variables for cargo, such as RUSTFLAGS.

    Raises:
        click.ClickException: it cannot be built.
    """
    command = ["cargo", "build", "--release", "--locked", "--package", "hashtable-extension", "--target", host()]
    command += ["--features", "trace"] if traced else []
    name = "hashtable_traced" if traced else "hashtable"
    make(what, python, source, cargo_folder, module_folder, command, name, **variables)


def build_form(
    what: str,
    python: str,
    source: Path,
    cargo_folder: Path,
    module_folder: Path,
    form: Form,
    *,
    traced: bool = False,
    stable: bool = False,
) -> None:
    """Builds one form of the module, as fast as it need be (the profile `laboratory`). The arguments are those of `build`; `form`
    says what to build, and `stable` that it is to be the file for many versions."""
    features = [*(form.stable if stable else form.features), *(["trace"] if traced else [])]
    command = ["cargo", "build", "--profile", "laboratory", "--locked", "--package", form.package]
    command += ["--features", ",".join(features)] if features else []
    name = f"{form.module}{'_traced' if traced else ''}"
    make(
        what,
        python,
        source,
        cargo_folder,
        module_folder,
        command,
        name,
        suffix=f".{form.stable[0]}.so" if stable else None,
    )


def make(
    what: str,
    python: str,
    source: Path,
    cargo_folder: Path,
    module_folder: Path,
    command: list[str],
    name: str,
    suffix: str | None = None,
    **variables: str,
) -> None:
    """Runs cargo, and puts the library that it makes into a folder, as a module of this name. Its file has this suffix, or the one
    that the interpreter asks for. Else as `build`."""
    command = [*command, "--message-format", "json-render-diagnostics"]
    # The module takes the interpreter's symbols from the process that loads it, and does not link libpython.
    chosen = {
        "CARGO_TARGET_DIR": str(cargo_folder),
        "PYO3_PYTHON": python,
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        **variables,
    }
    code, output, _ = watch(what, command, {**os.environ, **chosen}, source)
    if code != 0:
        raise click.ClickException(f"{what} failed; cargo's last lines:\n{last_lines(output)}")
    messages = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    [library] = [
        file
        for message in messages
        if message["reason"] == "compiler-artifact" and message["target"]["kind"] == ["cdylib"]
        for file in message["filenames"]
        if file.endswith((".so", ".dylib"))
    ]
    ask = "import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))"
    suffix = suffix or subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    module_folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(library, module_folder / f"{name}{suffix}")
