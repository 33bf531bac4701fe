"""The ledger in an extension for the stable ABI: it is built with pyo3-ffi's feature `abi3-py39`, which hides CPython's structs.

`stable_abi/` is such an extension, in Rust on pyo3-ffi, and keeps the ledger by one `use`. What is right is balanced, and each bug
is named by its line.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")

CRATE = Path(__file__).parent / "stable_abi"
LINES = (CRATE / "lib.rs").read_text(encoding="utf-8").splitlines()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="there are no trampolines"),
    pytest.mark.skipif(sys.platform == "win32", reason="there are no trampolines"),
    pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="it has no stable ABI before 3.15"),
]


@pytest.fixture(scope="module")
def module(source, cargo, tmp_path_factory):
    """The extension, with the ledger inside."""
    command = [cargo, "build", "--quiet", "--locked", "--manifest-path", str(CRATE / "Cargo.toml")]
    chosen = {"PYO3_PYTHON": sys.executable, "PYO3_BUILD_EXTENSION_MODULE": "1"}
    chosen["CARGO_TARGET_DIR"] = str(source / "target" / "ledger-stable-abi")
    done = subprocess.run(
        [*command, "--message-format", "json-render-diagnostics"],
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    made = [
        message for message in map(json.loads, done.stdout.splitlines()) if message["reason"] == "compiler-artifact"
    ]
    (library,) = (file for message in made if message["target"]["name"] == "stable" for file in message["filenames"])
    file = tmp_path_factory.mktemp("stable") / "stable.abi3.so"
    shutil.copyfile(library, file)
    spec = importlib.util.spec_from_file_location("stable", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ledger_speak(False)
    return module


def line_of(text):
    """The one line that ends with this text."""
    (number,) = (number for number, line in enumerate(LINES, start=1) if line.endswith(f"// {text}"))
    return number


def test_nothing_is_said_of_what_is_right(module):
    x = []
    with audit.ledger(module) as kept:
        for _ in range(3):
            assert module.echo(x) is x
            assert module.pair(x) == (x, x)
            assert module.first(x, 1) is x
            box = module.Box()
            box.keep(x).keep([1]).keep(box)
            del box
            gc.collect()
        with pytest.raises(IndexError):
            module.first()

        class Small(module.Box):
            pass

        small = Small()
        small.keep(1)
        small.more = small
        del small
        gc.collect()
    assert [str(finding) for finding in kept.open] == []
    assert len(kept.events) > 60


def overwritten(module):
    box = module.Box()
    box.keep([1])
    box.overwrite([2])


#: For each bug: what meets it, its kind, the function in which it is found, and the mark of the line.
BUGS = {
    "leak_new": (lambda m: m.leak_new(), "surplus", "leak_new", "BUG leak_new"),
    "leak_argument": (lambda m: m.leak_argument([1]), "surplus", "leak_argument", "BUG leak_argument"),
    "overwrite": (overwritten, "surplus", "Box.keep", "LINE keep"),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_named_by_its_line(module, bug):
    meet, kind, function, mark = BUGS[bug]
    with audit.ledger(module) as kept:
        meet(module)
        gc.collect()
    (finding,) = kept.open
    assert (finding.kind, finding.function, finding.line) == (kind, function, line_of(mark))
    assert finding.file.endswith("lib.rs")


def test_what_was_not_owned_is_named(module):
    item = []
    held = [item, item]
    with audit.ledger(module) as kept:
        module.give_too_much(item)
    # Now the list has one reference too few.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))
    (finding,) = kept.open
    assert (finding.kind, finding.line) == ("deficit", line_of("BUG give_too_much"))
    assert held[0] is held[1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.5, "1.5"), ("añ", '"añ"'), ("x" * 99, '"' + "x" * 60 + '"...'), (10**30, "<int beyond 64 bits>")],
)
def test_objects_are_shown_without_their_structs(module, value, shown):
    with audit.ledger(module) as kept:
        module.leak_argument(value)
    (finding,) = kept.open
    assert finding.repr == shown
