"""The tests know the source; the source does not know the tests. Nothing in src imports from tests, or names a file there.

The rule is a function that takes a project's folder and returns what breaks it there. It is run on the project, and on copies
into which somebody has put what it forbids. Comments and docstrings may speak of the tests.
"""

from __future__ import annotations

import ast
import functools
import re
import shutil
import sys

import pytest
from test_layers import mended, without_comments

#: What joins the parts of a path.
JOINS = {"Path", "joinpath", "join"}

#: A path that goes through a folder `tests`.
THROUGH_TESTS = re.compile(r"[\w./\\-]*(?<![\w-])tests[/\\][\w./\\-]*")

#: In which languages what begins how is a comment.
HASH_COMMENT = re.compile(r"(?:^|\s)#.*")


def sources(root):
    """The files in src that can reach for something: neither prose nor what was built."""
    for file in sorted((root / "src").rglob("*")):
        built = {"target", "__pycache__"} & set(file.relative_to(root).parts) or ".egg-info" in str(file)
        if file.is_file() and not built and file.suffix in {".py", ".rs", ".c", ".h", ".cpp", ".toml", ".sh", ".pyi"}:
            yield file


def reaching_into_tests(root):
    """What in src reaches into tests, as `file:line: what`, or `file: what`."""
    modules = frozenset(file.stem for file in (root / "tests").rglob("*.py")) - set(sys.stdlib_module_names)
    found = []
    for file in sources(root):
        text = file.read_text(encoding="utf-8")
        reach = in_python(file, text, modules) if file.suffix in {".py", ".pyi"} else in_other(root, file, text)
        found += [f"{file.relative_to(root)}{place}" for place in reach]
    return found


@functools.cache
def in_python(file, text, modules):
    """The imports of modules that only tests has, and the strings that make a path through it, as a list."""
    found = []
    tree = ast.parse(text)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts |= {id(node.left), id(node.right)}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in JOINS:
            parts |= set(map(id, node.args))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        for name in names:
            first = name.partition(".")[0]
            here = (file.parent / f"{first}.py").is_file() or (file.parent / first).is_dir()
            if first == "tests" or (first in modules and not here):
                found.append(f":{node.lineno}: import {name}")
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            through = THROUGH_TESTS.search(node.value)
            if through or (id(node) in parts and node.value == "tests"):
                found.append(f":{node.lineno}: {node.value!r}")
    return found


def in_other(root, file, text):
    """The paths through a folder `tests` that is not the crate's own."""
    code = HASH_COMMENT.sub("", text) if file.suffix in {".toml", ".sh"} else without_comments(text)
    for path in THROUGH_TESTS.findall(code):
        folders = [file.parent, *file.parent.parents]
        within = [folder for folder in folders if (root / "src") in [folder, *folder.parents]]
        targets = [(folder / path).resolve() for folder in within]
        if not any(target.exists() and (root / "src").resolve() in target.parents for target in targets):
            yield f": {path}"


pytestmark = pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names came in 3.10")


def test_the_source_does_not_reach_into_the_tests(source):
    assert reaching_into_tests(source) == []
    assert len(list(sources(source))) > 100


# ---- the controls ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_copy(source, tmp_path_factory):
    """A copy of what the rule looks at."""
    place = tmp_path_factory.mktemp("copy")
    for folder in ("src", "tests"):
        ignore = shutil.ignore_patterns("target", "__pycache__", "*.so", "*.egg-info", "*.json", "*.png")
        shutil.copytree(source / folder, place / folder, ignore=ignore)
    return place


@pytest.fixture
def copy(whole_copy):
    """The same, to be broken: it is mended after each test."""
    with mended(whole_copy):
        yield whole_copy


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("lab/hashtable_lab/cli.py", 'KNOWN = source_folder() / "tests" / "valgrind.supp"'),
        ("lab/hashtable_lab/cli.py", 'KNOWN = os.path.join("..", "tests")'),
        ("lab/hashtable_lab/cli.py", 'COMMAND = "python tests/faults/faults.py"'),
        ("lab/hashtable_lab/cli.py", "import conftest"),
        ("bindings/compare.py", "from commands import run_command"),
        ("bindings/compare.py", "from tests.tools import commands"),
        ("core/lib.rs", 'include!("../../tests/faults/injection.rs");'),
        ("extension/lib.rs", 'const WHERE: &str = "tests/subject.py";'),
        ("c_library/tests/c-demo.sh", "cat ../../../tests/subject.py"),
        ("core/Cargo.toml", '[[bench]]\npath = "../../tests/bench/run.rs"'),
    ],
)
def test_a_reach_into_the_tests_is_seen(copy, file, line):
    with open(copy / "src" / file, "a", encoding="utf-8") as opened:
        opened.write(f"\n{line}\n")
    [place] = reaching_into_tests(copy)
    assert place.startswith(f"src/{file}")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("lab/hashtable_lab/cli.py", '"""As tests/lab/test_audit.py proves."""'),
        ("lab/hashtable_lab/cli.py", 'FOUND = {"tests": 3}  # tests/subject.py'),
        ("core/lib.rs", "// tests/project/test_layers.py proves it\n"),
        ("core/Cargo.toml", "# see tests/tools/fuzz.py"),
        ("core/Cargo.toml", '[[test]]\npath = "tests/properties.rs"'),
    ],
)
def test_prose_and_a_crates_own_tests_are_let_be(copy, file, line):
    with open(copy / "src" / file, "a", encoding="utf-8") as opened:
        opened.write(f"\n{line}\n")
    assert reaching_into_tests(copy) == []
