"""Which files belong to a package: installed, in a wheel, or in a folder."""

from __future__ import annotations

import ast
import contextlib
import importlib.metadata
import importlib.util
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from hashtable_lab.errors import Missing
from hashtable_lab.road.binary import format_of

#: Native files are recognised by how they begin. These names are worth a look: an ending of theirs, or none as programs have.
NATIVE = re.compile(r"\.(so|pyd|dll|dylib|exe)$|\.so\.[\d.]+$|(^|/)[^./]+$")
#: Where the tools that repair wheels put libraries from elsewhere.
BROUGHT_ALONG = re.compile(r"(^|/)([\w.-]+\.libs|\.dylibs)/")


@dataclass(frozen=True)
class Package:
    """A package's files.

    Attributes:
        name: what was asked for.
        native: the native files, by path.
        loads: for each Python file that calls C without a module of its own, how: "ctypes" or "cffi".
        tags: what the wheel that it came from says of itself, such as "cp312-abi3-win_amd64".
    """

    name: str
    native: dict[str, bytes]
    loads: dict[str, str]
    tags: tuple[str, ...] = ()


def find(asked: str) -> Package:
    """Finds the files.

    Args:
        asked: a native file, a wheel, a folder, or the name of an installed package.

    Raises:
        Missing: there is no such thing; the message says what there could be.
    """
    path = Path(asked)
    try:
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
            return _sorted(path.name or asked, ((str(file.relative_to(path)), file.read_bytes) for file in inside))
        if path.suffix == ".whl":
            return _wheel(path)
        if path.is_file():
            return _sorted(path.name, [(path.name, path.read_bytes)])
    except OSError as error:
        raise Missing(f"{asked} cannot be read: {error.strerror}.") from None
    if "/" in asked or re.search(r"\.(so|pyd|dll|dylib|exe|whl)$", asked):
        raise Missing(f"there is no file {asked}.")
    return _installed(asked)


def _wheel(path: Path) -> Package:
    try:
        with zipfile.ZipFile(path) as wheel:
            return _sorted(path.name, ((name, partial(wheel.read, name)) for name in sorted(wheel.namelist())))
    except zipfile.BadZipFile:
        raise Missing(f"{path} is no wheel, or is damaged.") from None


def _installed(name: str) -> Package:
    files: list[tuple[str, Path]] = []
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        files = [(str(file), Path(str(file.locate()))) for file in importlib.metadata.files(name) or []]
    listed = bool(files)
    if not any(NATIVE.search(shown) and path.is_file() for shown, path in files):
        # Not a distribution, or one that says little of itself, as after `pip install -e`: perhaps it is what one imports.
        files += _imported(name)
    if not files and not listed:
        raise Missing(f"there is no file and no installed package {name!r}. Name a file, a wheel, or a package.")
    return _sorted(name, ((shown, path.read_bytes) for shown, path in files if path.is_file()))


def _imported(name: str) -> list[tuple[str, Path]]:
    """The files of what one imports by a name; it is found, not imported."""
    try:
        found = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return []
    if found is None:
        return []
    files = []
    for folder in found.submodule_search_locations or []:
        inside = [file for file in sorted(Path(folder).rglob("*")) if file.is_file()]
        files += [(str(file.relative_to(folder)), file) for file in inside]
    if files:
        return files
    if found.origin is None or not Path(found.origin).is_file():
        raise Missing(f"{name!r} is part of the interpreter itself: it has no file.")
    return [(Path(found.origin).name, Path(found.origin))]


def _sorted(name: str, files: Iterable[tuple[str, Callable[[], bytes]]]) -> Package:
    """Sorts a package's files into native ones, and Python that calls C. Each is a path and what reads it."""
    native, loads, tags = {}, {}, ()
    for path, content in files:
        if path.endswith(".py"):
            how = _calls(content())
            if how:
                loads[path] = how
        elif path.endswith(".dist-info/WHEEL"):
            tags = tuple(re.findall(r"^Tag: (\S+)", content().decode("utf-8", "replace"), re.MULTILINE))
        elif NATIVE.search(path) and format_of(content()):
            native[path] = content()
    return Package(name, native, loads, tags)


def _calls(source: bytes) -> str | None:
    """How a Python file calls C, if it loads a library: "ctypes", "cffi" or None. It is read, not run."""
    if b"ctypes" not in source and b"cffi" not in source:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    imported, used = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
    if "ctypes" in imported and used & {"CDLL", "PyDLL", "cdll", "pydll", "WinDLL", "LoadLibrary"}:
        return "ctypes"
    if imported & {"cffi", "_cffi_backend"} and used & {"dlopen", "FFI"}:
        return "cffi"
    return None


def brought_along(path: str) -> bool:
    """Whether a file is a library from elsewhere, put into the wheel by a tool."""
    return BROUGHT_ALONG.search(str(PurePosixPath(path))) is not None
