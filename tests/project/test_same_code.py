"""What the ledger needs costs nothing where no ledger is kept: the normal build has the same machine code with it and without.

* `src/extension/ffi/refcount.rs` wraps `Py_INCREF` and `Py_DECREF` in functions that know where they were called. With
  `--cfg bare_refcounts` the same source uses the functions of pyo3-ffi directly.
* `src/extension/ffi/ownership.rs` tells a ledger of each change of ownership. From a copy of the source, all of that telling
  is taken out.
* `src/extension/ffi/critical_section.rs` stands in for the GIL. Where there is one, it must leave nothing.

All are built here, and the `.text` sections, in which the machine code lies, are compared byte by byte. The traced build is the
control: its code must differ.

Needs the source, cargo and objcopy; `make same-code` runs this file alone and prints what it compared.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target" / "same-code"

pytestmark = [
    pytest.mark.same_code,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sections are looked at with ELF tools"),
    pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not there"),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not there (Debian: apt install binutils)"),
]


def machine_code(features: list[str], compiler_flags: list[str], source: Path = ROOT) -> bytes:
    """Builds the extension in release mode and returns the bytes of its section `.text`."""
    subprocess.run(
        [
            *("cargo", "rustc", "--quiet", "--locked", "--release", "--package", "hashtable-extension", "--lib"),
            *("--features=" + ",".join(features), "--"),
            *compiler_flags,
        ],
        cwd=source,
        env=os.environ
        | {"CARGO_TARGET_DIR": str(TARGET), "PYO3_PYTHON": sys.executable, "PYO3_BUILD_EXTENSION_MODULE": "1"},
        check=True,
    )
    text = TARGET / "text"
    subprocess.run(
        ["objcopy", "--output-target=binary", "--only-section=.text", TARGET / "release" / "libhashtable.so", text],
        check=True,
    )
    return text.read_bytes()


@pytest.fixture(scope="module")
def wrapped() -> bytes:
    return machine_code([], [])


def test_wrappers_leave_no_trace_in_the_machine_code(wrapped: bytes) -> None:
    bare = machine_code([], ["--cfg", "bare_refcounts"])
    print(f"\nmachine code with the wrappers {len(wrapped)} bytes, without them {len(bare)} bytes: ", end="")
    print("the same, byte by byte" if wrapped == bare else "different")
    assert len(wrapped) > 10_000
    assert wrapped == bare


#: What ownership.rs tells a ledger, and what is left of it without: pattern, replacement, how often it is there.
TELLING = [
    # What a tuple hands out when another item takes its place.
    (r"ledger::received\(old\)", "old", 1),
    (r"\n +ledger::\w+\([^;\n]*\);(?=\n)", "", 11),
    (r"ledger::received\(op\)", "op", 1),
    (r"\n    if !op\.is_null\(\) && ledger::fails\(\"received\"\) \{.*?\n    \}(?=\n)", "", 1),
    (r" \|\| ledger::fails\(\"PyArg_Parse\"\)", "", 1),
    (r"ledger::fails\(\"memory for Rust\"\)", "false", 1),
]


def without_telling(text: str) -> str:
    """The source of ownership.rs, with nothing that a ledger is told. Allocation stays: it is the way to the slot."""
    for pattern, replacement, times in TELLING:
        text, done = re.subn(pattern, replacement, text, flags=re.DOTALL)
        assert done == times, (pattern, done)
    # Two conditions whose bodies were nothing else.
    text, done = re.subn(r"\n +if !(old|op)\.is_null\(\) \{\n +\}(?=\n)", "", text)
    assert done == 2
    assert re.findall(r"(?<![\w:])ledger::(\w+)", text) == ["allocate"]
    return text


def copied() -> Path:
    """A copy of the source, to be changed."""
    copy = TARGET / "source"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("target", "__pycache__", "*.so"))
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, copy / file)
    return copy


def test_what_a_ledger_is_told_leaves_no_trace_in_the_machine_code() -> None:
    copy = copied()
    # Both from this folder: where a crate lies has a part in the names of its functions, and so in their order.
    telling = machine_code([], [], copy)
    file = copy / "src" / "extension" / "ffi" / "ownership.rs"
    file.write_text(without_telling(file.read_text(encoding="utf-8")), encoding="utf-8")
    silent = machine_code([], ["--allow", "unused"], copy)
    print(f"\nmachine code that tells nobody {len(telling)} bytes, without the telling {len(silent)} bytes: ", end="")
    print("the same, byte by byte" if telling == silent else "different")
    assert len(telling) > 10_000
    assert telling == silent


def test_sections_leave_no_trace_in_the_machine_code_where_there_is_a_gil() -> None:
    """What takes the GIL's place (ffi/critical_section.rs) is not there beside it."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this CPython has no GIL")
    copy = copied()
    with_them = machine_code([], [], copy)
    file = copy / "src" / "extension" / "errors.rs"
    sections = r"unsafe \{ alone\(op, \|\| changing\(op, \|\| entry\(body\)\)\) \}"
    text, done = re.subn(sections, "{ entry(body) }", file.read_text("utf-8"))
    assert done == 1
    file.write_text(text, "utf-8")
    without = machine_code([], ["--allow", "unused"], copy)
    print(f"\nmachine code with sections {len(with_them)} bytes, without them {len(without)} bytes: ", end="")
    print("the same, byte by byte" if with_them == without else "different")
    assert with_them == without


def test_control_a_build_that_traces_has_other_code(wrapped: bytes) -> None:
    traced = machine_code(["trace"], [])
    print(f"\nmachine code of the traced build {len(traced)} bytes: different, as it must be")
    assert traced != wrapped
