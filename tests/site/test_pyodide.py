"""The extension on 32 bits: inside Pyodide, which Node runs.

`make site` (or `python docs/site/wasm.py`) builds the modules; `make test-site` runs this.
"""

from __future__ import annotations

import functools
import json
import shutil

import pytest
from in_pyodide import HERE, ROOT, WORK, Unavailable, run
from wasm import core_tests, wheel

pytestmark = [pytest.mark.site, pytest.mark.timeout(1200)]

# Tests that cannot run there, each with its reason: {part of the name: reason}.
LEFT_OUT = json.loads((HERE / "left_out.json").read_text())
MODULES = WORK / "modules"


def in_pyodide(command, *, modules=MODULES, path=(), environment=None, mounts=None):
    """Runs Python inside Pyodide with the project's own code on its path. The arguments are those of in_pyodide.run."""
    if not list(modules.glob("hashtable.*")):
        pytest.skip("the extension was not built for Pyodide: run `make site`")
    try:
        return run(
            list(command),
            mounts={"/repo": ROOT, "/modules": modules, **(mounts or {})},
            path=[*path, "/modules", "/repo/src/lab"],
            environment=environment,
        )
    except Unavailable as problem:
        pytest.skip(str(problem))


def pytest_in_pyodide(*arguments, **options):
    plain = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:timeout", "-o", "timeout=0", "-q"]
    left_out = [word for name in LEFT_OUT for word in ("--deselect", name)]
    return in_pyodide(["-m", "pytest", *plain, *left_out, *arguments], **options)


@pytest.mark.parametrize("folder", ["behaviour", "ownership", "hostile"])
def test_the_suite(folder):
    ran = pytest_in_pyodide(f"tests/{folder}")
    print(ran.stdout[-600:])
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-3000:]
    assert " passed" in ran.stdout


RUST_TESTS = """
import ctypes, sys
words = [word.encode() for word in ("tests", "--test-threads=1", *sys.argv[2:])]
# Calls what a shell would: int main(int argc, char **argv).
code = ctypes.CDLL(sys.argv[1]).main(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None))
sys.exit(code)
"""


@functools.cache
def rust_tests():
    try:
        return {path.stem: path for path in core_tests(WORK / "core-tests" / "modules")}
    except Unavailable as problem:
        pytest.skip(str(problem))


@pytest.mark.parametrize("program", ["hashtable_core", "properties"])
def test_the_core(program):
    """The tests of src/core, with their random tables."""
    inside = f"/repo/{rust_tests()[program].relative_to(ROOT)}"
    ran = in_pyodide(["-c", RUST_TESTS, inside])
    print(ran.stdout[-600:])
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "test result: ok." in ran.stdout
    assert " 0 passed" not in ran.stdout


def test_a_failing_test_fails(tmp_path):
    """The control: the harness tells a failure from a success."""
    modules = tmp_path / "modules"
    shutil.copytree(WORK / "modules", modules)
    wrong = "import hashtable\n\n\ndef test_wrong():\n    assert hashtable.HashTable().size == 5\n"
    (modules / "test_wrong.py").write_text(wrong)
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=/modules", "/modules/test_wrong.py"]
    ran = in_pyodide(command, modules=modules)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout


def test_a_pointer_has_32_bits():
    ran = in_pyodide(
        ["-c", "import sys, hashtable; assert sys.maxsize == 2**31 - 1; print(hashtable.HashTable().hash_of(2**40))"]
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "512"


def test_the_wheel(tmp_path):
    """micropip installs it. That it is complete and refused where it should be is for `make wheels` to show."""
    try:
        made = wheel(tmp_path)
    except Unavailable as problem:
        pytest.skip(str(problem))
    use = "import hashtable, hashtable_traced; print(hashtable.__file__); print(hashtable.HashTable().set('pi', 3.14))"
    ran = run(["-c", use], wheel=made)
    assert ran.returncode == 0, ran.stderr
    file, picture = ran.stdout.split("\n", 1)
    assert "/site-packages/" in file
    assert picture.count("*") == 1
    assert run(["-c", use]).returncode == 1, "without the wheel there is nothing to import"


def test_the_notebook_in_pyodide(tmp_path):
    cells = json.loads((ROOT / "docs" / "talk.ipynb").read_text())["cells"]
    program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    ran = in_pyodide(["-c", program])
    assert ran.returncode == 0, ran.stderr
    assert "hash 1 " in ran.stdout or "library_hash" in ran.stdout


def test_the_notebook_on_this_python():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(ROOT / "docs" / "talk.ipynb", as_version=4)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")
