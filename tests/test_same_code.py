"""The refcount wrappers cost nothing: the normal build has the same machine code with them and without them.

`src/extension/ffi/refcount.rs` wraps `Py_INCREF` and `Py_DECREF` in functions that know where they were called. With
`--cfg bare_refcounts` the same source uses the functions of pyo3-ffi directly. Both are built here, and the `.text` sections,
in which the machine code lies, are compared byte by byte. The traced build is the control: its code must differ.

Needs the source, cargo and objcopy; `make same-code` runs this file alone and prints what it compared.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "same-code"

pytestmark = [
    pytest.mark.same_code,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sections are looked at with ELF tools"),
    pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not there"),
    pytest.mark.skipif(shutil.which("objcopy") is None, reason="objcopy is not there (Debian: apt install binutils)"),
]


def machine_code(features: list[str], compiler_flags: list[str]) -> bytes:
    """Builds the extension in release mode and returns the bytes of its section `.text`."""
    subprocess.run(
        [
            *("cargo", "rustc", "--quiet", "--locked", "--release", "--package", "hashtable-extension", "--lib"),
            *("--features=" + ",".join(features), "--"),
            *compiler_flags,
        ],
        cwd=ROOT,
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


def test_control_a_build_that_traces_has_other_code(wrapped: bytes) -> None:
    traced = machine_code(["trace"], [])
    print(f"\nmachine code of the traced build {len(traced)} bytes: different, as it must be")
    assert traced != wrapped
