"""What follows from a file's names: which road it is, and what it promises about Python's version and lock."""

from __future__ import annotations

import importlib
import re
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from hashtable_lab.road import binary
from hashtable_lab.road.binary import Binary
from hashtable_lab.road.package import Package, brought_along
from hashtable_lab.road.tools import FREE_THREADED, TOOLS, language

BY_HAND = "C API by hand"
CTYPES, CFFI_ABI = "ctypes", "cffi ABI"


@dataclass(frozen=True)
class Judgement:
    """What is said of one native file.

    Attributes:
        path: the file.
        kind: "module", "library", "library that uses Python", "program", or "unreadable".
        roads: the roads that lead through it; none but for a module.
        why: for each, what tells.
        language: of the source, if something in the file tells it.
        stripped: whether the names that only debuggers need are gone, so that a tool may have been missed.
        stable_abi: "no", "yes", or what speaks against the claim in its name.
        free_threaded: whether it was built for an interpreter without the GIL.
        libraries: what it needs that the package does not bring along.
    """

    path: str
    kind: str
    roads: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    format: str = ""
    language: str = ""
    stripped: bool = False
    stable_abi: str = "no"
    free_threaded: bool = False
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What is said of a package.

    Attributes:
        name: the package.
        roads: all its roads.
        files: its native files, one by one.
        loads: its Python files that load a library, and how.
    """

    name: str
    roads: tuple[str, ...]
    files: tuple[Judgement, ...]
    loads: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The same, for machines."""
        return asdict(self)


def stable_names() -> frozenset[str]:
    """Every name of the stable ABI, in the newest version that the package abi3info knows."""
    abi3info = importlib.import_module("abi3info")
    return frozenset(symbol.name for known in (abi3info.FUNCTIONS, abi3info.DATAS) for symbol in known)


def _stable_abi(path: str, file: Binary, tags: tuple[str, ...]) -> str:
    name = PurePosixPath(path).name
    claims = re.search(r"\.abi3t?\.", name) or any(re.search("-abi3t?-", tag) for tag in tags)
    claims = claims or any(re.fullmatch(r"python3t?\.dll", one, re.IGNORECASE) for one in file.libraries)
    if not claims:
        return "no"
    # Names with an underscore are what the headers' macros call; those that are in no list are not promised.
    beyond = sorted(file.python - stable_names())
    return "yes" if not beyond else f"it says so, but needs {', '.join(beyond[:3])}"


def judge(path: str, content: bytes, beside: frozenset[str] = frozenset(), tags: tuple[str, ...] = ()) -> Judgement:
    """Judges one native file.

    Args:
        path: its path, of which the name counts.
        content: its bytes.
        beside: the names of the package's other native files.
        tags: those of the wheel.
    """
    file = binary.read(content)
    if file is None:
        return Judgement(path, "unreadable")
    libraries = tuple(name for name in file.libraries if PurePosixPath(name).name not in beside)
    common: dict[str, Any] = {"format": file.format, "language": language(file), "libraries": libraries}
    common["stripped"] = not file.local - file.exports - file.imports
    if file.module is None:
        kind = "program" if file.program else "library that uses Python" if file.python else "library"
        return Judgement(path, kind, **common)
    found = {tool.title: trace for tool in TOOLS if (trace := tool.trace(file))}
    if not found:
        found = {BY_HAND: f"it needs {len(file.python)} names of the C API, and no tool left a trace"}
    tagged = re.search(r"\.cp(?:ython-)?3\d+t-", PurePosixPath(path).name) is not None
    return Judgement(
        path,
        "module",
        roads=tuple(found),
        why=tuple(found.values()),
        stable_abi=_stable_abi(path, file, tags),
        free_threaded=tagged or bool(file.imports & FREE_THREADED),
        **common,
    )


def report(package: Package) -> Report:
    """Judges a whole package."""
    beside = frozenset(PurePosixPath(path).name for path in package.native)
    files = tuple(
        judge(path, content, beside, package.tags)
        for path, content in package.native.items()
        if not brought_along(path)
    )
    roads = dict.fromkeys(road for file in files for road in file.roads)
    ways = {"ctypes": CTYPES, "cffi": CFFI_ABI}
    # A library that no module was found for is reached by the code that loads it. Without any file, the library is the system's.
    own = any(file.kind.startswith("library") for file in files)
    if package.loads and (own or not files):
        roads.update(dict.fromkeys(ways[how] for how in sorted(set(package.loads.values()))))
    return Report(package.name, tuple(roads), files, package.loads)
