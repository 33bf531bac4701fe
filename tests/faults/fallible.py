"""Finds, in the source text, every line of the extension on which something can be made to fail.

The ledger (src/ledger) knows the lines that were *reached*. Those that no call ever reaches it cannot know, so they are looked
for here, without running anything:

    names   the functions of src/ledger/ffi.rs that ask `faults.rs` whether they are to fail, and those of the extension that
            ask by themselves (`received`, `parsed`, `no_memory`). A function marked `#[track_caller]` that calls one of them
            speaks for its caller, so it is one of them too.
    sites   the lines of the crate on which one of these names is called: of src/extension, or of another form of the module.

And since src/extension/ffi/calls.rs lists what may fail of all that is used of the C API, each of those must be among the names, or
in `NOT_MADE_TO_FAIL`, with the reason.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

#: What calls.rs lists as fallible and the ledger lets through, with the reason.
NOT_MADE_TO_FAIL = {
    "PyTuple_Pack": "variadic: what it answers passes `received`, which can fail",
    "PyUnicode_FromFormat": "variadic: what it answers passes `received`, which can fail",
    "PyArg_ParseTuple": "variadic: what it answers passes `parsed`, which can fail",
    "PyArg_ParseTupleAndKeywords": "variadic: what it answers passes `parsed`, which can fail",
    "PyDict_Size": "fails if the object is no dict, and is only called with one",
    "PyLong_AsLongLongAndOverflow": "fails if the object is no int, and is only called with one",
    "PyUnicode_CompareWithASCIIString": "cannot fail, says its documentation",
    "PyObject_SelfIter": "stands in a slot and is not called; takes a reference and cannot fail",
    "PyObject_HashNotImplemented": "stands in a slot and is not called; to raise is all that it does",
}


@dataclasses.dataclass(frozen=True)
class Site:
    """A line of the extension on which something can be made to fail.

    Attributes:
        file, line: where; the file as the compiler names it, relative to the project.
        call: what the ledger calls it.
        text: the line.
    """

    file: str
    line: int
    call: str
    text: str


#: The file in which the form for the stable ABI has functions of its own for what the C API has otherwise.
OWN = "src/forms/limited.rs"


def without_comments(text: str) -> str:
    """Rust source with comments and the contents of strings blanked out. Every character that is left stays in its place."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(r"""//[^\n]*|b?'(?:\\.|[^\\'\n])'|"(?:\\.|[^"\\])*\"""", blank, text)


@dataclasses.dataclass(frozen=True)
class Function:
    """A function in the source text: its name, whether it is `#[track_caller]`, and where its body is."""

    name: str
    track_caller: bool
    begin: int
    end: int


def functions(code: str) -> Iterator[Function]:
    """The functions in Rust source without comments."""
    for match in re.finditer(
        r"((?:#\[[^\]]*\]\s*)*)(?:\b(?:pub(?:\(\w+\))?|const|unsafe|extern)\s+)*\bfn\s+(\w+)", code
    ):
        depth, at = 0, match.end()
        while depth or code[at] not in "{;":
            depth += (code[at] in "([") - (code[at] in ")]")
            at += 1
        begin = at
        if code[at] == "{":
            depth = 1
            while depth:
                at += 1
                depth += (code[at] == "{") - (code[at] == "}")
        yield Function(match[2], "track_caller" in match[1], begin, at)


class Source:
    """A Rust file: its text, the same without comments, and its functions."""

    def __init__(self, file: Path, name: str) -> None:
        self.name = name
        self.text = file.read_text(encoding="utf-8")
        self.code = without_comments(self.text)
        self.functions = list(functions(self.code))
        self.called: dict[str, list[int]] = defaultdict(list)
        # What is called past the ledger never fails: so is called what cannot.
        for match in re.finditer(r"(?<!fn )(?<!pyo3_ffi::)\b(\w+)\s*\(", self.code):
            self.called[match[1]].append(match.start())

    def around(self, at: int) -> Function | None:
        """The innermost function with this place in its body."""
        return max((f for f in self.functions if f.begin < at < f.end), key=lambda f: f.begin, default=None)

    def calls(self, name: str) -> list[int]:
        """Where a function of this name is called."""
        return self.called.get(name, [])


def names(ledger: Path, sources: list[Source]) -> dict[str, set[str]]:
    """What can be made to fail: for each name under which it is called, what the ledger calls it.

    Args:
        ledger: the text of the ledger's `ffi.rs`.
        sources: the extension's files.
    """
    api = Source(ledger, ledger.name)
    found: dict[str, set[str]] = {}
    for table in re.finditer(r"^(?:new_references|statuses)! \{$(.*?)^\}$", api.code, re.MULTILINE | re.DOTALL):
        for name in re.findall(r"^    (\w+)\(", table[1], re.MULTILINE):
            found[name] = {name}
    # A form may have a function of such a name for itself, which then says by itself whether it fails.
    for source in sources:
        if source.name.endswith(OWN):
            for function in source.functions:
                found.pop(function.name, None)
    asks = re.compile(r"\bfaults::due\(\"(\w+)\"|\b(?:fails|failed)\(\"([^\"]+)\"\)")
    for source in [api, *sources]:
        for match in asks.finditer(source.text):
            function = source.around(match.start())
            if function is not None and function.track_caller and source.code[match.start()] != " ":
                found.setdefault(function.name, set()).add(match[1] or match[2])
    # Those that speak for their callers, and those that speak for them.
    known = -1
    while known != sum(map(len, found.values())):
        known = sum(map(len, found.values()))
        for source in [api, *sources]:
            for name, calls in list(found.items()):
                for at in source.calls(name):
                    function = source.around(at)
                    if function is not None and function.track_caller:
                        found[function.name] = found.get(function.name, set()) | calls
    return found


#: What the form for the stable ABI has in the place of another file, and the other way round.
LIMITED, NOT_LIMITED = "cfg(limited_api)", "cfg(not(limited_api))"
MOD = re.compile(r"^((?:\s*#\[[^\n]*\]\n)*)\s*(?:pub(?:\(\w+\))? )?mod (\w+);", re.MULTILINE)


def files_of(file: Path, limited: bool = False) -> Iterator[Path]:
    """The files of a crate, from its first one on: those that it names with `mod`, and those that they name.

    Args:
        file: the first one.
        limited: whether it is built for the limited API.
    """
    yield file
    folder = file.parent if file.name in ("lib.rs", "mod.rs") else file.with_suffix("")
    for attributes, name in MOD.findall(re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8"))):
        if (NOT_LIMITED if limited else LIMITED) in attributes:
            continue
        path = re.search(r'path = "([^"]+)"', attributes)
        places = [file.parent / path[1]] if path else [folder / f"{name}.rs", folder / name / "mod.rs"]
        yield from files_of(next(place.resolve() for place in places if place.is_file()), limited)


def scan(root: Path, crate: str = "src/extension/lib.rs", limited: bool = False) -> list[Site]:
    """All sites of the extension.

    Args:
        root: the project's folder.
        crate: the first file of the crate, in that folder: another form of the module may be meant.
        limited: whether that is built for the limited API.

    Returns:
        The sites, in the order of files and lines.
    """
    root = root.resolve()
    sources = [Source(file, file.relative_to(root).as_posix()) for file in sorted(set(files_of(root / crate, limited)))]
    sites = set()
    fallible = names(root / "src" / "ledger" / "ffi.rs", sources)
    for source in sources:
        lines = source.text.splitlines()
        for name, calls in fallible.items():
            for at in source.calls(name):
                function = source.around(at)
                if function is not None and not function.track_caller:
                    line = source.text.count("\n", 0, at) + 1
                    sites.update(Site(source.name, line, call, lines[line - 1].strip()) for call in calls)
    return sorted(sites, key=lambda site: (site.file, site.line, site.call))


def overlooked(root: Path) -> list[str]:
    """Complaints about fallible functions that the extension uses and the ledger does not make fail."""
    listed = root / "src" / "extension" / "ffi" / "calls.rs"
    uses = re.findall(
        r"// Functions that may fail[^{;]*\bapi::(?:(\w+)|\{([^}]*)\});", listed.read_text(encoding="utf-8"), re.DOTALL
    )
    used = {name.strip() for one, several in uses for name in (one or several).split(",") if name.strip()}
    by_the_ledger = names(root / "src" / "ledger" / "ffi.rs", [])
    never = sorted(used - {*by_the_ledger, *NOT_MADE_TO_FAIL})
    for_nothing = sorted(name for name in NOT_MADE_TO_FAIL if name in by_the_ledger or name not in used)
    return [
        *(f"calls.rs: {name} may fail, and the ledger never makes it" for name in never),
        *(f"fallible.py: {name} is excused for no reason" for name in for_nothing),
    ]


if __name__ == "__main__":
    project = Path(__file__).resolve().parents[2]
    for found in scan(project):
        print(f"{found.file}:{found.line}: {found.call}: {found.text}")
    print("\n".join(overlooked(project)))
