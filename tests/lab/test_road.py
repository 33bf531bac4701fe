"""`road`: by which road a package reaches native code. Real wheels, of all systems, are put to it by `make road-check`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hashtable_lab", reason="the laboratory is not installed")
pytest.importorskip("lief", reason="`road` needs what `pip install '.[road]'` brings")
pytest.importorskip("abi3info", reason="`road` needs what `pip install '.[road]'` brings")

import hashtable
from hashtable_lab.road import binary, judge, package, tools

OURS = Path(hashtable.__file__)


def road(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hashtable_lab", "road", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def compiled(tmp_path):
    """Compiles C to a shared object of a name."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")

    def make(name: str, source: str, *options: str) -> Path:
        (tmp_path / "source.c").write_text(source)
        file = tmp_path / name
        subprocess.run(["cc", "-shared", "-fPIC", *options, tmp_path / "source.c", "-o", file], check=True)
        return file

    return make


def judged(file: Path) -> judge.Judgement:
    (only,) = judge.report(package.find(str(file))).files
    return only


def test_our_own_module_is_by_hand_in_rust():
    said = json.loads(road("hashtable", "--json").stdout)
    (ours,) = [file for file in said["files"] if Path(file["path"]).name == OURS.name]
    assert ours["roads"] == ["C API by hand"]
    assert (ours["kind"], ours["language"], ours["stable_abi"]) == ("module", "Rust", "no")
    assert ours["why"][0].startswith("it needs ")


def test_words_in_a_file_are_no_trace(tmp_path):
    # What a search for words takes for PyO3 and others: the words as parts of something else.
    content = OURS.read_bytes()
    assert b"pyo3-ffi" in content
    grown = tmp_path / OURS.name
    grown.write_bytes(content + b"\0see SwigPyObject\0 for cython_runtimes \0 4pyo3_ffi pybind11 \0")
    assert judged(grown).roads == ("C API by hand",)


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("__pyx_f_something", "Cython"),
        ("_cffi_f_something", "cffi"),
        ("SWIG_Python_NewPointerObj", "SWIG"),
        ("_ZN8pybind119cast", "pybind11"),
        ("_ZN8nanobind6detail", "nanobind"),
        ("_ZN5boost6python6detail", "Boost.Python"),
        ("_ZN4pyo32gil", "PyO3"),
        ("CPyDef_main", "mypyc"),
        ("PyFortran_Type", "f2py"),
    ],
)
def test_a_name_is_a_trace(compiled, name, tool):
    file = compiled("some.so", f"void PyInit_some(void) {{}}\nstatic int {name} __attribute__((used));")
    assert judged(file).roads == (tool,)
    subprocess.run(["strip", file], check=True)
    assert (judged(file).roads, judged(file).stripped) == (("C API by hand",), True)


def test_a_constant_is_a_trace_as_a_whole_only(compiled):
    module = 'void PyInit_some(void) {}\nconst char *%s = "%s";'
    assert judged(compiled("some.so", module % ("x", "cython_runtime"))).roads == ("Cython",)
    assert judged(compiled("some.so", module % ("x", "not cython_runtime"))).roads == ("C API by hand",)


def test_the_declarations_alone_are_not_pyo3():
    tool = next(tool for tool in tools.TOOLS if tool.title == "PyO3")
    for name, is_it in (("_ZN8pyo3_ffi6object", False), ("_ZN4pyo32gil", True), ("_ZN14pyo3_something", False)):
        file = binary.Binary("ELF", frozenset([name]), frozenset(), frozenset(), (), False, b"")
        assert (tool.trace(file) is not None) == is_it, name


def test_the_stable_abi_is_a_claim_that_is_checked(compiled):
    keeps = "void *PyList_New(long); void *PyInit_some(void) { return PyList_New(0); }"
    breaks = "void *_PyDict_Pop(void); void *PyInit_some(void) { return _PyDict_Pop(); }"
    assert judged(compiled("some.abi3.so", keeps)).stable_abi == "yes"
    assert judged(compiled("some.so", keeps)).stable_abi == "no"
    assert judged(compiled("some.abi3.so", breaks)).stable_abi == "it says so, but needs _PyDict_Pop"


def test_a_build_without_the_gil(compiled):
    source = "void _Py_DecRefShared(void *); void PyInit_some(void) { _Py_DecRefShared(0); }"
    assert judged(compiled("some.so", source)).free_threaded
    assert not judged(compiled("some.so", source.replace("DecRefShared", "DecRef"))).free_threaded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import ctypes\nlib = ctypes.CDLL('x')", "ctypes"),
        ("from ctypes import cdll\ncdll.LoadLibrary('x')", "ctypes"),
        ("from cffi import FFI\nFFI().dlopen('x')", "cffi"),
        ("import ctypes\nctypes.c_int(5)", None),
        ("'import ctypes; ctypes.CDLL'", None),
        ("import ctypes, this is no Python", None),
    ],
)
def test_python_is_parsed_and_not_searched(compiled, tmp_path, text, found):
    compiled("libx.so", "void f(void) {}")
    (tmp_path / "source.c").unlink()
    (tmp_path / "some.py").write_text(text)
    said = judge.report(package.find(str(tmp_path)))
    assert said.loads == ({"some.py": found} if found else {})
    assert said.roads == ({"ctypes": ("ctypes",), "cffi": ("cffi ABI",), None: ()}[found])


def test_a_wheel(tmp_path):
    wheel = tmp_path / "some-1-cp312-abi3-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.write(OURS, "some/hashtable.so")
        file.writestr("some-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp312-abi3-any\n")
    said = judge.report(package.find(str(wheel)))
    assert said.roads == ("C API by hand",)
    assert said.files[0].stable_abi.startswith("it says so, but needs ")


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [
        ("no_such_package", 2, "no installed package"),
        ("/no/such/file.so", 2, "there is no file"),
        ("sys", 2, "part of the interpreter"),
        (__file__, 0, "no native code"),
    ],
)
def test_what_cannot_be_told(what, code, told):
    done = road(what)
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_damaged_is_not_judged(tmp_path):
    cut = tmp_path / "hashtable.so"
    cut.write_bytes(b"\x7fELF but no more")
    done = road(cut)
    assert done.returncode == 1
    assert "unreadable" in done.stdout
    wheel = tmp_path / "some-1-py3-none-any.whl"
    wheel.write_bytes(b"no archive")
    assert road(wheel).returncode == 2


def test_without_its_packages_it_says_what_to_do(tmp_path):
    (tmp_path / "lief.py").write_text("raise ImportError")
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"]
    command[-1] += "from hashtable_lab.cli import main\nsys.exit(main(['road', 'hashtable']))"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "pip install '.[road]'" in done.stderr
