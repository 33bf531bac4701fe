"""The ways in: `python setup.py build`, `pip install .`, `pip install -e .`, `python setup.py bdist_wheel`.

Each is tried on a copy of the source, from which the module is then imported in another folder, with nothing else of the project at
hand. They build the extension several times, so they run only when asked for: `make ways-in`, or `pytest -m ways_in`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "target" / "ways-in"

pytestmark = [
    pytest.mark.ways_in,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not there"),
    pytest.mark.skipif(not (ROOT / "setup.py").is_file(), reason="the source is not at hand"),
]

TRY = "import hashtable; print(hashtable.HashTable().set('pi', 3.14159).get('pi')); print(hashtable.__file__)"


def run(command: Sequence[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command without what this process's environment would add to a Python's path."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name != "HASHTABLE_SOURCE"
    }
    return subprocess.run(
        command, cwd=cwd, env={**bare, "CARGO_TARGET_DIR": str(TARGET), **environment}, capture_output=True, text=True
    )


def succeed(command: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Runs a command that must succeed, and returns what it printed."""
    done = run(command, cwd, **environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def imported_from(python: str | Path, folder: Path) -> Path:
    """Imports the module in a folder, uses it, and returns the file that it is in."""
    value, file = succeed([python, "-c", TRY], folder).splitlines()
    assert value == "3.14159"
    return Path(file)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source, without anything that was built."""
    copy = tmp_path / "source"
    copy.mkdir()
    for name in ("Cargo.toml", "Cargo.lock", "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(
        ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "target")
    )
    return copy


@pytest.fixture
def fresh_python(tmp_path: Path) -> Path:
    """The interpreter of a virtual environment with pip and nothing else."""
    venv.create(tmp_path / "venv", with_pip=True)
    return tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


def test_setup_py_build(source: Path) -> None:
    succeed([sys.executable, "setup.py", "build"], source)
    (folder,) = (source / "build").glob("lib*")
    file = imported_from(sys.executable, folder)
    assert file.parent == folder
    if sys.platform.startswith("linux"):
        needed = succeed(["readelf", "--dynamic", file], folder)
        assert "NEEDED" in needed and "libc.so" in needed
        assert "libpython" not in needed
        # A debug build keeps its debugging information and is many times as large.
        assert ".debug_info" not in succeed(["readelf", "--sections", file], folder)


def test_setup_py_says_what_is_missing(source: Path, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "setuptools_rust.py").write_text("raise ModuleNotFoundError(name='setuptools_rust')")
    done = run([sys.executable, "setup.py", "build"], source, PYTHONPATH=str(tmp_path / "without"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "setuptools_rust" in line and "pip install setuptools setuptools-rust" in line


def test_pip_install(source: Path, fresh_python: Path, tmp_path: Path) -> None:
    succeed([fresh_python, "-m", "pip", "install", "--quiet", "."], source)
    assert "site-packages" in imported_from(fresh_python, tmp_path).parts
    listed = succeed([fresh_python, "-m", "pip", "list", "--format=freeze"], tmp_path).split()
    assert {line.split("==")[0].lower() for line in listed} <= {"hashtable", "pip", "setuptools", "wheel"}, (
        "no dependency"
    )


def test_pip_install_editable(source: Path, fresh_python: Path, tmp_path: Path) -> None:
    succeed([fresh_python, "-m", "pip", "install", "--quiet", "--editable", "."], source)
    assert source in imported_from(fresh_python, tmp_path).parents
    succeed([fresh_python, "-c", "import hashtable_traced, hashtable_lab"], tmp_path)


def test_bdist_wheel(source: Path, tmp_path: Path) -> None:
    succeed([sys.executable, "setup.py", "bdist_wheel"], source)
    (wheel,) = (source / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "unpacked")
    assert {"hashtable_lab/cli.py", "hashtable-stubs/__init__.pyi", "hashtable_traced-stubs/__init__.pyi"} <= set(names)
    assert imported_from(sys.executable, tmp_path / "unpacked").parent == tmp_path / "unpacked"
