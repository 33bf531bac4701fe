"""Three layers, one direction: Python code stands on the extension, the extension on the library.

* The library, src/core, depends on no other crate and does not know that there is such a thing as Python.
* The extension, src/extension, goes to CPython's C API through one door: `pyo3_ffi` is named in src/extension/ffi/
  and nowhere else.
* Inside the extension the arrows run one way: a file uses only what stands below it on the map at the head of
  src/extension/lib.rs. What goes against it are the addresses of the types, and nothing else.
* The ledger, src/ledger, knows nothing of the hash table, and the extension knows of the ledger in src/extension/ffi/ only.
* The laboratory, src/lab, uses what `import hashtable` offers to everybody, and reaches for nothing behind it.

Each rule is a function that takes a project's folder and returns what breaks the rule there. It is run on the
project, and on copies into which somebody has put what the rule forbids.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# ---- the rules -------------------------------------------------------------------------------------------------------

#: What must be read as one piece: a string, a character, a comment to the end of the line, a comment in the line.
RUST_TOKEN = re.compile(
    r"""
    (?P<string> r(?P<hashes>\#*)".*?"(?P=hashes) | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])' )
  | (?P<comment> //[^\n]* | /\*.*?\*/ )
    """,
    re.DOTALL | re.VERBOSE,
)


def without_comments(rust):
    """Rust source without comments, in which docs are included. Strings stay, whatever they contain."""
    return RUST_TOKEN.sub(lambda token: token.group("string") or "", rust)


def rust_lines(folder):
    """Every line of Rust below a folder that is not a comment, as (place, text)."""
    for file in sorted(set(folder.rglob("*.rs")) - set(folder.rglob("target/**/*.rs"))):
        for number, line in enumerate(without_comments(file.read_text(encoding="utf-8")).splitlines(), start=1):
            yield f"{file.relative_to(folder)}: line {number} or below", line


def dependencies_of_the_library(root, cargo):
    """The crates that the library needs to be built, as cargo sees them. What its tests need does not count."""
    command = [cargo, "metadata", "--format-version=1", "--no-deps", "--offline"]
    metadata = json.loads(subprocess.run(command, cwd=root, capture_output=True, check=True, timeout=120).stdout)
    (core,) = (package for package in metadata["packages"] if package["name"] == "hashtable-core")
    return [dependency["name"] for dependency in core["dependencies"] if dependency["kind"] != "dev"]


def python_in_the_library(root):
    """The lines of the library's code that know of Python."""
    forbidden = re.compile(r"python|py_?o3|pyobject|\bPy[A-Z_]\w+", re.IGNORECASE)
    return [place for place, line in rust_lines(root / "src" / "core") if forbidden.search(line)]


def pyo3_ffi_outside_the_door(root):
    """The lines of the extension's code, and of its other forms, that name pyo3_ffi, outside the folder ffi, ffi.rs and the file
    that takes the place of one of that folder."""
    return [
        place
        for folder, door in (("extension", "ffi/"), ("forms", ("ffi.rs", "limited.rs")))
        for place, line in rust_lines(root / "src" / folder)
        if "pyo3_ffi" in line and not place.startswith(door)
    ]


def map_of_the_extension(extension):
    """The files of the extension from the top of lib.rs's map to its bottom, less build.rs. The folder ffi is one entry."""
    text = (extension / "lib.rs").read_text(encoding="utf-8")
    listed, folder = [], ""
    for indent, name in re.findall(
        r"^//! ( {4})?([\w/]+(?:/|\.rs))(?= )", text.partition("```text")[2].partition("```")[0], re.M
    ):
        if name.endswith("/") and name != "ffi/":
            folder = name
        else:
            listed.append(f"{folder}{name}" if indent else name)
    return listed


def paths_in_rust(text):
    """Every path that begins with `crate` or `super` in Rust without comments; a `use` with braces is one path for each name."""
    for root, rest in re.findall(r"\b(crate|super)::((?:[\w*]+::)*(?:[\w*]+|\{(?:[^{}]|\{[^{}]*\})*\}))", text):
        path, braces, inside = rest.partition("{")
        names = re.findall(r"(?:^|,)\s*(\w+)", inside.rstrip("}")) if braces else [""]
        yield from ((root, [part for part in f"{path}{name}".split("::") if part]) for name in names)


#: A function that returns an address, or compares an object's type with one.
ADDRESS = (
    r"fn NAME\((_near: \*mut PyObject|op: \*mut PyObject|)\) -> "
    r"(\*mut PyModuleDef {\s*&raw mut \w+"
    r"|Result<\*mut PyTypeObject, Raised> {\s*Ok\(&raw mut \w+\)"
    r"|bool {\s*unsafe { (Py_IS_TYPE\(op, &raw mut \w+\)|PyObject_TypeCheck\(op, &raw mut \w+\) != 0) })\s*}"
)


def arrows_against_the_map(root):
    """Where a file of the extension uses one that stands above it on the map, or beside the map altogether.

    An address, of a type or of the module's definition, may be taken from anywhere, and an object's type may be compared with
    one: a function that does nothing else.
    """
    extension = root / "src" / "extension"
    order = map_of_the_extension(extension)
    sources = {
        file.relative_to(extension).as_posix(): without_comments(file.read_text(encoding="utf-8"))
        for file in sorted(extension.rglob("*.rs"))
        if file.name not in ("mod.rs", "build.rs")
    }
    on_the_map = {file: "ffi/" if file.startswith("ffi/") else file for file in sources}
    found = [f"{file} is not on the map" for file, entry in on_the_map.items() if entry not in order]
    found += [f"{entry} is on the map and not there" for entry in order if entry not in on_the_map.values()]
    if found:
        return found
    for file, text in sources.items():
        above = Path(file).parent.parts
        for start, path in paths_in_rust(text):
            if start == "super" and file.startswith("ffi/"):
                continue
            path = [*above, *path] if start == "super" else path
            # A file, or a room as a whole, which then counts as its topmost file.
            places = (f"{'/'.join(path[:2])}.rs", f"{path[0]}.rs", f"{path[0]}/")
            used = next((entry for place in places for entry in order if entry.startswith(place)), None)
            if used is None or order.index(used) >= order.index(on_the_map[file]):
                continue
            if not re.search(ADDRESS.replace("NAME", path[-1]), sources[used]):
                found.append(f"{file} uses {'::'.join(path)}, which stands above it")
    return found


def table_in_the_ledger(root):
    """The lines of the ledger's code, and of its example's, that know of the hash table; and what its manifests need of it."""
    ledger = root / "src" / "ledger"
    forbidden = re.compile(r"hash_?table|HashTable|bucket", re.IGNORECASE)
    found = [place for place, line in rust_lines(ledger) if forbidden.search(line)]
    manifests = (ledger / "Cargo.toml", ledger / "example" / "Cargo.toml")
    return found + [str(file.relative_to(root)) for file in manifests if forbidden.search(file.read_text("utf-8"))]


def ledger_outside_the_door(root):
    """The lines of the extension's code, and of the library's, that name the ledger's crate outside the folder ffi."""
    extension = rust_lines(root / "src" / "extension")
    found = [place for place, line in extension if "refcount_ledger" in line and not place.startswith("ffi/")]
    return found + [place for place, line in rust_lines(root / "src" / "core") if "refcount_ledger" in line]


#: What the laboratory may import beside the standard library and itself.
MODULES = {"hashtable", "hashtable_traced"}


def needed_by_the_laboratory(root):
    """What pyproject.toml says that the laboratory needs, and ourselves."""
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    requirements = re.search(r"^lab = \[(.*)\]$", pyproject, re.MULTILINE).group(1)
    return {re.match(r"[\w-]+", requirement).group() for requirement in re.findall(r'"([^"]+)"', requirements)}


def imports_of_the_laboratory(root):
    """The laboratory's imports that are neither public nor declared, and its uses of our private names."""
    # tomllib came with 3.11, and what needs it is for 3.11 and later.
    allowed = MODULES | needed_by_the_laboratory(root) | {"hashtable_lab", "tomllib"} | sys.stdlib_module_names
    forbidden = {"ctypes", "_ctypes", "_testcapi", "_testinternalcapi"}  # ways around the front door
    # A replay asks the interpreter for a trace function in C. It does not look into a table with it.
    elsewhere = {"hashtable_lab/replay/watching.py": {"ctypes"}}
    lab = root / "src" / "lab"
    found = []
    for file in sorted(lab.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [
                    f"{node.module}.{alias.name}" if node.module in MODULES else node.module for alias in node.names
                ]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in MODULES:
                names = [f"{node.value.id}.{node.attr}"]
            for name in names:
                first, _, rest = name.partition(".")
                # Our modules have no submodules, and names of their own that begin with an underscore are private.
                inside = first in MODULES and rest.startswith("_") and not rest.startswith("__")
                inside = inside or (isinstance(node, ast.Import) and first in MODULES and rest)
                around = first in forbidden - elsewhere.get(file.relative_to(lab).as_posix(), set())
                if inside or first not in allowed or around:
                    found.append(f"{file.relative_to(lab)}:{node.lineno}: {name}")
    return found


# ---- on the project --------------------------------------------------------------------------------------------------

needs_names = pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names came in 3.10")


def test_the_library_depends_on_nothing(source, cargo):
    assert dependencies_of_the_library(source, cargo) == []


def test_the_library_does_not_know_of_python(source):
    assert python_in_the_library(source) == []


def test_the_c_api_has_one_door(source):
    assert pyo3_ffi_outside_the_door(source) == []


def test_the_arrows_inside_the_extension_run_one_way(source):
    assert arrows_against_the_map(source) == []


def test_the_ledger_does_not_know_of_the_table(source):
    assert table_in_the_ledger(source) == []


def test_the_ledger_is_kept_at_the_door(source):
    assert ledger_outside_the_door(source) == []
    # It is named there, so that the rule is not kept for looking for the wrong name.
    lines = rust_lines(source / "src" / "extension")
    assert any("refcount_ledger" in line and place.startswith("ffi/") for place, line in lines)


@needs_names
def test_the_laboratory_uses_what_is_public(source):
    if not (source / "src" / "lab" / "hashtable_lab").is_dir():
        pytest.skip("there is no laboratory in this source")
    assert imports_of_the_laboratory(source) == []


# ---- the controls ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_copy(source, tmp_path_factory):
    """A copy of what the rules look at."""
    place = tmp_path_factory.mktemp("copy")
    ignore = shutil.ignore_patterns("target", "__pycache__", "*.so", "*.egg-info", "exercises", "bindings")
    shutil.copytree(source / "src", place / "src", ignore=ignore)
    for file in ("Cargo.toml", "Cargo.lock", "pyproject.toml"):
        shutil.copyfile(source / file, place / file)
    return place


@pytest.fixture
def copy(whole_copy):
    """The same, to be broken: it is mended after each test."""
    with mended(whole_copy):
        yield whole_copy


@contextlib.contextmanager
def mended(folder):
    """A block that may write to the files below a folder, and add new ones: afterwards all of it is as it was."""
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    stamps = {file: file.stat().st_mtime_ns for file in before}
    yield
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        if file not in before:
            file.unlink()
        elif file.stat().st_mtime_ns != stamps[file]:
            file.write_bytes(before[file])
    for file in before.keys() - set(folder.rglob("*")):
        file.write_bytes(before[file])


def add(file, text):
    with open(file, "a", encoding="utf-8") as opened:
        opened.write(text)


@pytest.mark.parametrize("kind", ["dependencies", "build-dependencies"])
def test_a_dependency_of_the_library_is_seen(copy, cargo, kind):
    manifest = copy / "src" / "core" / "Cargo.toml"
    entry = "pyo3-ffi.workspace = true\n"
    text = manifest.read_text(encoding="utf-8")
    if f"[{kind}]\n" in text:
        manifest.write_text(text.replace(f"[{kind}]\n", f"[{kind}]\n{entry}"), encoding="utf-8")
    else:
        add(manifest, f"\n[{kind}]\n{entry}")
    assert dependencies_of_the_library(copy, cargo) == ["pyo3-ffi"]


@pytest.mark.parametrize(
    "line",
    [
        "use pyo3_ffi::PyObject;",
        "type Key = *mut PyObject;",
        'const TOLD: &str = "Python // here";',
        "fn f() { Py_DECREF() }",
    ],
)
def test_python_in_the_library_is_seen(copy, line):
    add(copy / "src" / "core" / "stats.rs", f"\n{line}\n")
    (place,) = python_in_the_library(copy)
    assert place.startswith("stats.rs")


def test_comments_may_say_python(copy):
    add(
        copy / "src" / "core" / "stats.rs",
        '\n// Python, pyo3_ffi "\n/* PyObject\n " */\n/// Python\nfn f() { g("//") }\n',
    )
    assert python_in_the_library(copy) == []
    add(copy / "src" / "extension" / "views" / "view.rs", "\n//! pyo3_ffi\n")
    assert pyo3_ffi_outside_the_door(copy) == []


@pytest.mark.parametrize(
    "line",
    [
        "use pyo3_ffi::*;",
        "unsafe { pyo3_ffi::Py_DECREF(op) }",
        'f("a // b"); pyo3_ffi::g();',
        "f('\"'); pyo3_ffi::g('\"');",
    ],
)
def test_another_door_is_seen(copy, line):
    add(copy / "src" / "extension" / "views" / "view.rs", f"\n{line}\n")
    (place,) = pyo3_ffi_outside_the_door(copy)
    assert place.startswith("views/view.rs")


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("object.rs", "use crate::table::pairs::set_item;", "table::pairs::set_item"),
        ("object.rs", "use crate::{ffi::*, slots};", "slots"),
        ("errors.rs", "fn f() { crate::type_object::SLOTS }", "type_object::SLOTS"),
        ("errors.rs", "fn f() { crate::views::iterators::iterate() }", "views::iterators::iterate"),
        ("table/lookup.rs", "use super::pairs::{get_item};", "table::pairs::get_item"),
        ("fast/tuples.rs", "use super::batch;", "fast::batch"),
        ("announce.rs", "use crate::errors::{\n    entry,\n};", "errors::entry"),
        ("ffi/calls.rs", "use crate::errors::entry;", "errors::entry"),
    ],
)
def test_an_arrow_against_the_map_is_seen(copy, file, line, complaint):
    add(copy / "src" / "extension" / file, f"\n{line}\n")
    assert arrows_against_the_map(copy) == [f"{file} uses {complaint}, which stands above it"]


def test_a_knot_is_seen(copy):
    """Whichever of the two stands below, one arrow runs against the map."""
    add(copy / "src" / "extension" / "slots" / "update.rs", "\nuse crate::slots::pickling::copy;\n")
    add(copy / "src" / "extension" / "slots" / "pickling.rs", "\nuse crate::slots::update::update;\n")
    assert len(arrows_against_the_map(copy)) == 1


def test_an_address_may_be_taken_from_below_and_nothing_that_only_looks_like_one(copy):
    added = "\nfn f() { crate::type_object::hash_table_type(); crate::type_object::other_type() }\n"
    add(copy / "src" / "extension" / "object.rs", added)
    body = "{\n    make_ready();\n    Ok(&raw mut HASH_TABLE)\n}"
    answer = "Result<*mut PyTypeObject, Raised>"
    add(copy / "src" / "extension" / "type_object.rs", f"\npub(crate) fn other_type() -> {answer} {body}\n")
    assert arrows_against_the_map(copy) == ["object.rs uses type_object::other_type, which stands above it"]


def test_a_file_beside_the_map_is_seen(copy):
    (copy / "src" / "extension" / "table" / "more.rs").write_text("//! More.\n", encoding="utf-8")
    assert arrows_against_the_map(copy) == ["table/more.rs is not on the map"]
    (copy / "src" / "extension" / "table" / "more.rs").rename(copy / "src" / "extension" / "more.rs")
    (copy / "src" / "extension" / "table" / "pairs.rs").unlink()
    assert arrows_against_the_map(copy) == ["more.rs is not on the map", "table/pairs.rs is on the map and not there"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("account/ledger.rs", "use hashtable_core::Table;"),
        ("ffi.rs", 'const NAME: &str = "HashTable";'),
        ("example/right.rs", "fn bucket() {}"),
    ],
)
def test_the_table_in_the_ledger_is_seen(copy, file, line):
    add(copy / "src" / "ledger" / file, f"\n{line}\n")
    (place,) = table_in_the_ledger(copy)
    assert place.startswith(file)


def test_the_table_among_the_needs_of_the_ledger_is_seen(copy):
    add(copy / "src" / "ledger" / "Cargo.toml", "\n[dependencies.hashtable-core]\nworkspace = true\n")
    assert table_in_the_ledger(copy) == [str(Path("src", "ledger", "Cargo.toml"))]


def test_the_ledger_away_from_the_door_is_seen(copy):
    add(copy / "src" / "extension" / "views" / "view.rs", "\nuse refcount_ledger::given;\n// refcount_ledger\n")
    (place,) = ledger_outside_the_door(copy)
    assert place.startswith("views/view.rs")


def test_the_door_itself_is_full_of_what_is_forbidden_elsewhere(source):
    """So that the rule is not kept merely because it looks for the wrong name."""
    lines = rust_lines(source / "src" / "extension")
    assert sum("pyo3_ffi" in line and place.startswith("ffi/") for place, line in lines) > 5


@needs_names
@pytest.mark.parametrize(
    "line",
    [
        "from hashtable_traced import _panic",
        "import hashtable\nhashtable._table",
        "import hashtable.inside",
        "import ctypes",
        "from _testcapi import set_nomemory",
        "import numpy",
        "from reference import ReferenceTable",
    ],
)
def test_a_back_door_of_the_laboratory_is_seen(copy, line):
    lab = copy / "src" / "lab" / "hashtable_lab"
    lab.mkdir(parents=True, exist_ok=True)
    (lab / "added.py").write_text(f"{line}\n", encoding="utf-8")
    found = imports_of_the_laboratory(copy)
    assert found
    assert all(str(Path("hashtable_lab", "added.py")) in place for place in found)
