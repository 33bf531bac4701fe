"""The chapters on build files and on three systems: what their programs show, and that their checks notice what is wrong."""

from __future__ import annotations

import importlib
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROGRAMS = DOCS / "programs"
if not PROGRAMS.is_dir():
    pytest.skip("the source is not at hand", allow_module_level=True)

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this is about Linux")
compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


# ---- a library that is found -----------------------------------------------------------------------------------------


@linux
@compiler
def test_where_a_library_is_found() -> None:
    done = subprocess.run(
        [sys.executable, PROGRAMS / "build_files" / "findable.py"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(":", 1) for line in done.stdout.splitlines())
    said = {case: what.strip() for case, what in said.items()}
    missing = "libanswer.so: cannot open shared object file: No such file or directory"
    assert said.pop("nothing said") == said.pop("moved, with the fixed place") == missing
    for case in ("ldconfig has been told", "copied to /usr/lib"):
        assert said.pop(case) in ("works, and answers 42", "not tried here: it takes root, and `unshare`")
    assert set(said.values()) == {"works, and answers 42"} and len(said) == 4


# ---- the same bytes --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def build_files():
    pytest.importorskip("click", reason="the commands need what `pip install '.[lab]'` brings")
    pytest.importorskip("rich", reason="the commands need what `pip install '.[lab]'` brings")
    return importlib.import_module("build_files")


def archive(file: Path, **content: str) -> Path:
    """A wheel with these files."""
    file.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w") as wheel:
        for name, text in content.items():
            wheel.writestr(zipfile.ZipInfo(name.replace("__", ".dist-info/")), text)
    return file


def test_equal_wheels_are_equal_and_others_are_not(build_files, tmp_path) -> None:
    first = archive(tmp_path / "a" / "x-1.whl", module="code", x__WHEEL="Generator: t 1")
    again = archive(tmp_path / "b" / "x-1.whl", module="code", x__WHEEL="Generator: t 1")
    other = archive(tmp_path / "c" / "x-1.whl", module="c0de", x__WHEEL="Generator: t 1")
    more = archive(tmp_path / "d" / "x-1.whl", module="code", x__WHEEL="Generator: t 1", extra="")
    assert build_files.different(first, again) == [] and build_files.where(first, again) == ""
    assert build_files.different(first, other) == ["module", "x-1.whl"]
    assert build_files.where(first, other) == "code | c0de"
    assert build_files.different(first, more) == ["extra", "x-1.whl"]


def test_who_made_a_wheel(build_files, tmp_path) -> None:
    for name, tool in (("b", "maturin (1.9)"), ("a", "maturin (1.8)"), ("c", "bdist_wheel (0.4)"), ("d", "meson")):
        archive(tmp_path / f"{name}-1.whl", **{f"{name}__WHEEL": f"Wheel-Version: 1.0\nGenerator: {tool}\n"})
    assert build_files.relied_on(tmp_path) == ["maturin (2): a, b", "meson (1): d", "setuptools (1): c"]


def test_a_module_that_says_something_else_is_noticed(build_files, tmp_path) -> None:
    with pytest.raises(build_files.Failed, match=r"x-1\.whl: ModuleNotFoundError: No module named 'hello'"):
        build_files.tried(archive(tmp_path / "x-1.whl", module="code"))
    with zipfile.ZipFile(tmp_path / "y-1.whl", "w") as wheel:
        wheel.writestr("hello.py", "hello = lambda name: 'Hello'\npi = lambda: 3\n")
    with pytest.raises(build_files.Failed, match=r"y-1\.whl: Hello 3"):
        build_files.tried(tmp_path / "y-1.whl")


def test_the_record_says_what_the_page_says() -> None:
    record = (DOCS / "build-files.txt").read_text("utf-8")
    said = dict(zip(record.splitlines(), record.splitlines()[1:]))
    for kind in ("setuptools", "cython", "scikit-build-core"):
        (line,) = [line for line in said if line.startswith(f"{kind}: ")]
        assert "Hello, world! 3.14" in line and said[line] == "  built again: the same bytes"
    assert any(line.startswith("maturin: ") for line in said)
    # The module of Rust is the same in both; what differs is about the wheel.
    assert not [line for line in record.splitlines() if line.startswith("    other: ") and line.endswith(".so")]
    assert record.splitlines()[-1].endswith("other bytes, as it must be")


# ---- three systems ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three():
    """The names of the program, and the three files."""
    pytest.importorskip("lief", reason="the files are read with lief: pip install '.[docs]'")
    pytest.importorskip("ziglang", reason="the files are compiled with zig: pip install '.[docs]'")
    return runpy.run_path(str(PROGRAMS / "three_systems" / "show.py"))


def taken_apart(three, folder: Path) -> list[tuple]:
    return [three[read](str(file)) for read, file in zip(("elf", "pe", "macho"), three["compiled"](folder))]


def test_one_file_for_three_systems(three, tmp_path) -> None:
    elf, pe, macho = taken_apart(three, tmp_path)
    assert [found[0] for found in (elf, pe, macho)] == ["ELF", "PE", "Mach-O"]
    assert elf[3] == pe[3] == ["PyInit_hello"] and "_PyInit_hello" in macho[3]
    lent = {"PyModule_Create2", "PyUnicode_FromFormat", "_Py_NoneStruct"}
    assert {f"{name}, from anybody" for name in lent} == set(elf[4])
    assert {f"{name}, from python3.dll" for name in lent} == set(pe[4])
    assert {f"_{name}, from anybody" for name in lent} < set(macho[4])
    # The same pointers in the data, in three notations: to the name, the function, the words (twice the name and the table).
    assert elf[5].count("X86_64_RELATIVE") == len(pe[5]) == 5
    if sys.platform == "linux" and os.uname().machine == "x86_64":
        assert three["tried"](tmp_path / "hello.abi3.so") == "Hello, world!"


def test_control_what_is_not_marked_is_not_offered(three, tmp_path) -> None:
    names = three["compiled"].__globals__
    real = names["SOURCE"]
    names["SOURCE"] = tmp_path / "hello.c"
    # The mark stays on another function: a linker of GNU's kind exports all if nothing is marked.
    names["SOURCE"].write_text(
        real.read_text("utf-8")
        .replace("__declspec(dllexport)", "")
        .replace("int DllMain", "__declspec(dllexport) int DllMain")
    )
    try:
        elf, pe, _ = taken_apart(three, tmp_path)
    finally:
        names["SOURCE"] = real
    assert elf[3] == ["PyInit_hello"] and pe[3] == ["DllMainCRTStartup"]


def test_a_file_for_another_system_is_noticed() -> None:
    for package in ("click", "rich", "hashtable_lab"):
        pytest.importorskip(package, reason="the commands need what `pip install '.[lab]'` brings")
    complaints = importlib.import_module("elsewhere").complaints
    good = ["PyInit_hashtable"], ["PyList_New, from python313.dll", "free, from crt.dll"], "python313.dll"
    assert complaints(*good) == complaints(["_PyInit_hashtable"], ["_PyList_New, from anybody"], "anybody") == []
    assert complaints([], *good[1:]) == ["it offers no PyInit_hashtable"]
    (said,) = complaints(good[0], ["PyList_New, from python312.dll"], "python313.dll")
    assert said == "it needs PyList_New, from python312.dll, where python313.dll was to be asked"


def test_the_record_of_the_extension_elsewhere() -> None:
    record = (DOCS / "elsewhere.txt").read_text("utf-8")
    assert record.count("in order, as far as its names tell") == 2 and record.splitlines()[-1].endswith(": noticed")
