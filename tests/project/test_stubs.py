"""The type stubs say what is there: stubtest compares them with the modules, and mypy reads programs through them.

stubtest comes with mypy. It imports the module and compares each name, argument and default with the stub. There is
no list of exceptions. The stubs are those that are installed beside the modules, or else those of the source.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

if importlib.util.find_spec("mypy") is None:
    pytest.skip("mypy is not installed", allow_module_level=True)

# Each starts mypy anew.
pytestmark = pytest.mark.slow

MODULES = ["hashtable", "hashtable_traced"]


def stub_of(module):
    """The text of a module's stub."""
    for folder in [*map(Path, sys.path), ROOT / "src" / "lab", ROOT / "src" / "extension" / "stubs"]:
        file = folder / f"{module}-stubs" / "__init__.pyi"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    pytest.skip(f"the stub of {module} is not installed")


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory):
    """What mypy has read of the standard library, for the next run."""
    return tmp_path_factory.mktemp("mypy-cache")


@pytest.fixture
def mypy(tmp_path, mypy_cache):
    """A function that runs `mypy` or `mypy.stubtest`, with the stubs in reach and changed as asked."""

    def run(tool, *arguments, change=lambda text: text):
        for module in MODULES:
            folder = tmp_path / "stubs" / module
            folder.mkdir(parents=True)
            (folder / "__init__.pyi").write_text(change(stub_of(module)), encoding="utf-8")
        workplace = tmp_path / "workplace"
        workplace.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "MYPYPATH": str(tmp_path / "stubs"),
            "MYPY_CACHE_DIR": str(mypy_cache),
            # So that the module under test is found from the workplace too.
            "PYTHONPATH": os.pathsep.join(os.path.abspath(place) for place in sys.path),
        }
        command = [sys.executable, "-m", tool, *arguments]
        return subprocess.run(command, cwd=workplace, env=environment, capture_output=True, text=True, timeout=240)

    return run


@pytest.mark.parametrize("module", MODULES)
def test_stubtest_has_nothing_to_say(mypy, module):
    pytest.importorskip(module)
    ending = mypy("mypy.stubtest", module)
    assert ending.returncode == 0, ending.stdout + ending.stderr


WRONG = {
    "an argument that is not there": ("def buckets(self)", "def buckets(self, more: int)"),
    "a method that is not there": (
        "def clear(self) -> None",
        "def empty(self) -> None: ...\n    def clear(self) -> None",
    ),
    "a method that is missing": ("    def buckets(self) -> list[list[tuple[_K, _V]]]: ...\n", ""),
    "a wrong default": ("value: None = None, /", "value: int = 3, /"),
    "a function that is missing": ("def library_hash(key: float | str, /) -> int: ...\n", ""),
    "a name for an argument without one": ("def hash_of(self, key: _K, /)", "def hash_of(self, key: _K)"),
}


@pytest.mark.parametrize(("right", "wrong"), WRONG.values(), ids=WRONG.keys())
def test_stubtest_sees_a_wrong_stub(mypy, right, wrong):
    """The control."""
    pytest.importorskip("hashtable")
    assert right in stub_of("hashtable")
    ending = mypy("mypy.stubtest", "hashtable", change=lambda text: text.replace(right, wrong))
    assert ending.returncode == 1, ending.stdout + ending.stderr
    assert "error: hashtable" in ending.stdout


GOOD = """
from collections.abc import MutableMapping
from hashtable import HashTable, library_hash, mixed_hash
import hashtable_traced

def count(word: str) -> int:
    return len(word)

table: HashTable[str, int] = HashTable(4, 0.5, count, typed=False)
table.set("a", 1).set("b", 2)
mapping: MutableMapping[str, int] = table
number: int = table["a"]
number = table.get("a", 0)
number = table.pop("a")
perhaps: int | None = table.get("z")
either: int | str = table.pop("z", "none")
for key, value in table.items():
    text: str = key + str(value)
chains: list[list[tuple[str, int]]] = table.buckets()
probes: float = table.stats()["mean_probes"]
size: int = table.stats()["size"] + table.size + table.load + table.bucket_of("a") + table.hash_of("a")
other: HashTable[str, int] = HashTable(hash_func=library_hash)
mixed: HashTable[tuple[str, int], int] = HashTable(hash_func=mixed_hash)
hash_value: int = mixed_hash(None) + library_hash(2.5) + library_hash("word") + library_hash(3)
del table["b"]
here: bool = "a" in table

class Sub(HashTable[str, int]):
    def twice(self, key: str) -> Sub:
        return self.set(key, 1).set(key, 2)

hashtable_traced.announce(False)
"""

BAD = [
    ("HashTable('4')", "arg-type"),
    ("HashTable(4, 0.5, hash, True)", "call-arg|misc"),
    ("HashTable(hash_func=str.upper)", "arg-type"),
    ("HashTable[str, int]().set('a', 'b')", "arg-type"),
    ("HashTable[str, int]().set('a')", "call-arg"),
    ("HashTable().size = 3", "misc"),
    ("HashTable[str, int]().get('a') + 1", "operator"),
    ("HashTable().stats()['colour']", "typeddict-item"),
    ("library_hash(None)", "arg-type"),
    ("mixed_hash()", "call-arg"),
]


def test_a_right_program_passes(mypy, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("from __future__ import annotations\n" + GOOD, encoding="utf-8")
    ending = mypy("mypy", "--strict", str(program))
    assert ending.returncode == 0, ending.stdout + ending.stderr


def test_each_wrong_line_is_found(mypy, tmp_path):
    program = tmp_path / "program.py"
    lines = ["from hashtable import HashTable, library_hash, mixed_hash", *(line for line, _ in BAD)]
    program.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ending = mypy("mypy", str(program))
    said = [line for line in ending.stdout.splitlines() if ": error: " in line]
    for number, (text, kinds) in enumerate(BAD, start=2):
        errors = [line for line in said if f"program.py:{number}:" in line]
        assert errors, f"nothing was said of {text}"
        assert any(f"[{kind}]" in line for line in errors for kind in kinds.split("|")), errors
