"""The tool that builds wheels: it finds out what is wrong with one, and the page of the book agrees with the record.

That wheels are built, installed and work is for `make wheels`, `make wheel-ctypes` and `make sdist` to show, which take minutes and
bring controls of their own.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
import click
import wheels

pytestmark = pytest.mark.skipif(not wheels.RECORD.is_file(), reason="the source is not at hand")


@pytest.fixture
def record():
    return json.loads(wheels.RECORD.read_text("utf-8"))


# ---- the page and the record -----------------------------------------------------------------------------------------


def test_the_page_says_what_the_record_says(record):
    page = wheels.PAGE.read_text("utf-8")
    assert wheels.with_tables(page, record) == page, "run `make pages`"


def test_control_another_record_makes_another_page(record):
    page = wheels.PAGE.read_text("utf-8")
    for part, figure in [("extension", "without_zig"), ("ctypes", "bytes"), ("sdist", "bytes"), ("pyodide", "bytes")]:
        other = copy.deepcopy(record)
        other[part][figure] = 1
        assert wheels.with_tables(page, other) != page


def test_the_record_is_of_wheels_that_work(record):
    built = [*record["extension"]["wheels"], record["ctypes"]]
    assert len(built) > 1
    for wheel in built:
        assert record["extension"]["platform"] in wheel["file"]
        assert [int(part) for part in wheel["glibc"].split(".")] <= list(wheels.GLIBC)
    assert record["pyodide"]["file"].endswith(f"-{wheels.wasm.PLATFORM}.whl")
    tried = [*record["extension"]["wheels"], *record["ctypes"]["tried"].values(), record["sdist"], record["pyodide"]]
    assert all(trial["tests_passed"] > 0 for trial in tried)
    assert "-py3-none-" in record["ctypes"]["file"]
    assert {"3.9", "3.14", "3.15"} <= {wheel["python"] for wheel in record["extension"]["wheels"]}


def test_both_kinds_have_one_version():
    versions = [
        re.search(r'^\s*version ?= ?"([^"]+)"', file.read_text("utf-8"), re.MULTILINE)[1]
        for file in (wheels.ROOT / "pyproject.toml", wheels.CTYPES / "setup.py", wheels.ROOT / "Cargo.toml")
    ]
    assert len(set(versions)) == 1


# ---- finding out what is wrong ---------------------------------------------------------------------------------------


def pack(file: Path, content: dict[str, bytes]) -> Path:
    """Writes a wheel for the platform that its name says."""
    name, version, *tags = file.stem.split("-")
    info = f"{name}-{version}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: false\nTag: {'-'.join(tags)}\n"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content = {**content, f"{info}/WHEEL": wheel.encode(), f"{info}/METADATA": metadata.encode()}
    with ZipFile(file, "w") as archive:
        for inner, data in content.items():
            archive.writestr(inner, data)
        archive.writestr(f"{info}/RECORD", "".join(f"{inner},,\n" for inner in [*content, f"{info}/RECORD"]))
    return file


@pytest.fixture
def installed() -> Path:
    """The file of the module as it was built on this machine, by its own linker."""
    return Path(importlib.import_module("hashtable").__file__)


@pytest.mark.skipif(sys.platform != "linux", reason="manylinux is a kind of Linux")
def test_a_wheel_that_was_not_linked_for_an_old_system_is_found_out(tmp_path, installed):
    pytest.importorskip("auditwheel", reason="`make wheels` installs auditwheel")
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    module = {installed.name: installed.read_bytes()}
    plain = pack(tmp_path / f"hashtable-0.1.0-{tag}-{tag}-linux_{wheels.MACHINE}.whl", module)
    assert f"its name does not say {wheels.PLATFORM}" in wheels.complaints(plain)
    # Only its name is right.
    liar = pack(tmp_path / f"hashtable-0.1.0-{tag}-{tag}-{wheels.PLATFORM}.whl", module)
    needs = tuple(int(part) for part in wheels.oldest_glibc(liar).split("."))
    if needs <= wheels.GLIBC:
        pytest.skip("the linker of this machine is an old one")
    [complaint] = wheels.complaints(liar)
    assert complaint.startswith("it needs glibc ") and complaint.endswith("newer than 2.17")


def test_a_module_without_its_entry_point_cannot_be_imported(tmp_path, installed, child):
    source = pack(tmp_path / "hashtable-0.1.0-py3-none-any.whl", {installed.name: installed.read_bytes()})
    broken = wheels.without_entry_point(source, tmp_path / "broken")
    for wheel, works in [(source, True), (broken, False)]:
        folder = tmp_path / f"unpacked-{works}"
        with ZipFile(wheel) as archive:
            archive.extractall(folder)
        ending = child("-c", wheels.USE.format(module="hashtable"), folder=folder)
        assert (ending.returncode == 0) == works
        assert str(folder) in ending.stdout if works else "PyInit_hashtable" in ending.stderr


def test_a_rewritten_wheel_has_the_right_checksum(tmp_path):
    source = pack(tmp_path / "a-1-py3-none-any.whl", {"a.so": b"old old", "b.so": b"old"})
    with ZipFile(wheels.rewritten(source, tmp_path / "new" / source.name, {r"^a\.so$": (b"old", b"new")})) as archive:
        assert (archive.read("a.so"), archive.read("b.so")) == (b"new new", b"old")
        digest = base64.urlsafe_b64encode(hashlib.sha256(b"new new").digest()).rstrip(b"=").decode()
        assert f"a.so,sha256={digest},7" in archive.read("a-1.dist-info/RECORD").decode().splitlines()


def test_a_file_that_was_left_out_is_missed(tmp_path):
    listed = subprocess.run(["git", "ls-files"], cwd=wheels.ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("the source came without git")
    files = listed.stdout.split()
    for left_out in ([], ["Cargo.lock", "src/core/table/mod.rs"]):
        with tarfile.open(tmp_path / "some.tar.gz", "w:gz") as archive:
            for name in set(files) - set(left_out):
                archive.addfile(tarfile.TarInfo(f"hashtable-0.1.0/{name}"), io.BytesIO())
        assert wheels.forgotten(tmp_path / "some.tar.gz") == left_out


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_the_reason_is_the_telling_line():
    said = (
        "Compiling x\nerror: no such crate\n\nCaused by: y\nerror: subprocess-exited-with-error\nnote: not pip's fault"
    )
    assert wheels.reason(said) == "error: no such crate"
    assert wheels.reason("Traceback\n  File\nImportError: no PyInit_x\n") == "ImportError: no PyInit_x"
    assert wheels.reason("no\nclue\n") == "clue"
    assert wheels.reason("") == "nothing was printed"


def test_a_control_in_which_nothing_is_found_is_a_failure(capsys):
    wheels.control("something", "a fault")
    with pytest.raises(wheels.Failed, match="nothing was found wrong with something"):
        wheels.control("something", "")


def test_which_pythons():
    found = {"3.9": "/a", "3.11": "/b", "3.11-debug": "/c"}
    assert wheels.selected(found, "") == {"3.9": "/a", "3.11": "/b"}
    assert wheels.selected(found, "3.11-debug 3.9") == {"3.11-debug": "/c", "3.9": "/a"}
    with pytest.raises(click.ClickException, match=r"no CPython 3\.7 here; there are: 3\.9"):
        wheels.selected(found, "3.9 3.7")


def test_a_wheel_that_is_built_again_takes_its_place_among_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "RECORD", tmp_path / "record.json")
    monkeypatch.setattr(wheels, "MEASURED", tmp_path / "work" / "measured.json")
    old = [{"python": kind, "bytes": 1} for kind in ("3.9", "3.13")]
    wheels.RECORD.write_text(json.dumps({"extension": {"without_zig": "old", "wheels": old}}))
    wheels.measured_wheels([{"python": "3.14t", "bytes": 2}, {"python": "3.14", "bytes": 2}])
    wheels.measured_wheels([{"python": "3.13", "bytes": 3}], without_zig="new")
    found = json.loads(wheels.MEASURED.read_text())["extension"]
    assert [(row["python"], row["bytes"]) for row in found["wheels"]] == [
        ("3.9", 1),
        ("3.13", 3),
        ("3.14", 2),
        ("3.14t", 2),
    ]
    assert (found["without_zig"], found["platform"]) == ("new", wheels.PLATFORM)


def test_no_extra_has_the_name_of_a_version():
    """`extra == "v8"` is a comparison of versions to older pips (seen: 23.0 and 24.2), which then fail on any other extra."""
    tomllib = pytest.importorskip("tomllib", reason="it came with CPython 3.11")
    extras = tomllib.loads((wheels.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert "lab" in extras and [name for name in extras if is_version(name)] == []
    assert is_version("v8") and not is_version("javascript")


def is_version(name):
    """Whether pip takes a name for a version."""
    return re.fullmatch(r"v?\d+([.-]?[a-z]*\d*)*", name) is not None


def test_pyodide_and_the_stable_abi_are_kinds(monkeypatch, capsys):
    built = []
    monkeypatch.setattr(wheels, "needed", lambda: None)
    monkeypatch.setattr(wheels, "each_cpython", built.append)
    monkeypatch.setattr(wheels, "for_pyodide", lambda: built.append("for Pyodide"))
    monkeypatch.setattr(wheels, "by_the_stable_abi", lambda: built.append("by the stable ABI"))
    for asked, expected in [
        ("", ["", "by the stable ABI", "for Pyodide"]),
        ("abi3", ["by the stable ABI"]),
        ("3.11 pyodide", ["3.11", "for Pyodide"]),
        ("pyodide", ["for Pyodide"]),
        ("3.11", ["3.11"]),
    ]:
        built.clear()
        wheels.each.callback(asked)
        assert built == expected

    def unavailable():
        raise wheels.wasm.Unavailable("rustup is not there")

    monkeypatch.setattr(wheels, "for_pyodide", unavailable)
    wheels.each.callback("pyodide")
    assert "no wheel for Pyodide: rustup is not there" in capsys.readouterr().out
