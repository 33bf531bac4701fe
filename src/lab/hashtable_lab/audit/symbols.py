"""Names for addresses: which function, in which file and line, calls at a place in a file of machine code.

The ledger keeps addresses only. What they mean is in the file's debugging information, which compilers write on request (`-g`),
and which `addr2line` reads, a part of the binutils that every C compiler comes with. An address can stand for several functions:
one was made a part of the other (inlined), and that of a third.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

#: How a chain is written: `file+0xoffset|file+0xoffset`, the innermost first.
BETWEEN = "|"

#: Functions that nobody looks for: of the ledger itself, and of the standard libraries.
_OF_OTHERS = re.compile(
    r"^(rl_|refcount_ledger|__rl_|std::|core::|alloc::|<(std|core|alloc|refcount_ledger)::|__gnu_cxx::|operator )"
)
#: Files of which the same holds.
_FILES_OF_OTHERS = re.compile(r"/(c\+\+/\d+|rustc/[0-9a-f]+|library/(std|core|alloc))/|/refcount_ledger\.h$")
#: Files that hold no code of the extension's.
_NO_EXTENSION = re.compile(r"/(lib(python|c|m|pthread|stdc\+\+|gcc_s)[.\d-][^/]*|python[\d.]*|ld-[^/]*)$")


class Frame(NamedTuple):
    """One caller. The line is 0, and the file empty, where it is not known."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line})" if self.line else self.function


def resolve(chains: Iterable[str]) -> dict[str, tuple[Frame, ...]]:
    """Finds names for chains of callers.

    Args:
        chains: as the ledger writes them.

    Returns:
        For each chain its frames, the innermost first, without those of the ledger and of the standard libraries.
    """
    chains = {chain for chain in chains if chain}
    wanted: dict[str, set[str]] = defaultdict(set)
    for chain in chains:
        for file, offset in _places(chain):
            wanted[file].add(offset)
    known = {(file, offset): frames for file, offsets in wanted.items() for offset, frames in _ask(file, offsets)}
    return {
        chain: tuple(frame for place in _places(chain) for frame in known.get(place, ()) if not _is_of_others(frame))
        for chain in chains
    }


#: How C calls the objects that are always there, by how they are shown.
_BY_NAME = {"None": "Py_None", "True": "Py_True", "False": "Py_False", "NotImplemented": "Py_NotImplemented"}


def in_function(begins: Frame, shown: str) -> tuple[str, int, str]:
    """A line of a function of which it is known that it did something to an object, and not where.

    Where the object is one that is always there, and one line of the function alone names it, that is the line.

    Args:
        begins: where the function begins.
        shown: the object, as a finding shows it.

    Returns:
        The file, the line, and which line that is, in words.
    """
    named, body = _BY_NAME.get(shown), list(_body(begins))
    lines = [number for number, line in body if re.search(rf"\b{named}\b", line)] if named else []
    if len(lines) == 1:
        return begins.file, lines[0], f"no other line of the function names {shown}"
    return begins.file, body[0][0] if body else begins.line, "the line is where the function begins"


def _body(somewhere: Frame) -> Iterator[tuple[int, str]]:
    """The lines of a function in C, with their numbers, from the brace that opens it to the one that closes it.

    Args:
        somewhere: a line of it. (Of a very short function the compiler names its last line where it begins.)
    """
    if not Path(somewhere.file).is_file():
        return
    source = Path(somewhere.file).read_text(encoding="utf-8", errors="replace").splitlines()
    # As C is written, nothing but the beginning and the end of a function stands at the left margin.
    before = range(min(somewhere.line, len(source)), 0, -1)
    first = next((number for number in before if re.match(r"\{|[^\s}#].*\{", source[number - 1])), somewhere.line)
    depth = 0
    for number, line in enumerate(source[first - 1 :], start=first):
        yield number, line
        depth += line.count("{") - line.count("}")
        if depth <= 0 and "}" in line:
            return


def _places(chain: str) -> list[tuple[str, str]]:
    places = [place.rpartition("+")[::2] for place in chain.split(BETWEEN)]
    return [
        (file, offset) for file, offset in places if file and not _NO_EXTENSION.search(file) and file != sys.executable
    ]


def _is_of_others(frame: Frame) -> bool:
    return bool(_OF_OTHERS.match(frame.function) or _FILES_OF_OTHERS.search(frame.file))


def _ask(file: str, offsets: Iterable[str]) -> Iterable[tuple[str, tuple[Frame, ...]]]:
    """Puts addresses of one file to `addr2line`."""
    tool = shutil.which("addr2line")
    offsets = sorted(offsets)
    if tool is None or not Path(file).is_file():
        return [(offset, (Frame(f"{Path(file).name}+{offset}", "", 0),)) for offset in offsets]
    command = [tool, "-a", "-f", "-i", "-C", "-e", file]
    done = subprocess.run(command, input="\n".join(offsets), capture_output=True, text=True)
    answers: list[tuple[str, tuple[Frame, ...]]] = []
    lines = iter(done.stdout.splitlines())
    frames: list[Frame] = []
    for line in lines:
        if line.startswith("0x"):
            frames = []
            answers.append((line, ()))
            continue
        place = next(lines, "")
        name, _, number = place.partition(" ")[0].rpartition(":")
        known = number.isdigit() and name not in ("", "??")
        function = re.sub(r"::h[0-9a-f]{16}$", "", line)
        if function != "??":
            frames.append(Frame(function, _short(name) if known else "", int(number) if known else 0))
        answers[-1] = (answers[-1][0], tuple(frames))
    return [(offset, answer) for offset, (_, answer) in zip(offsets, answers)]


def _short(file: str) -> str:
    """A path without detours."""
    parts: list[str] = []
    for part in file.split("/"):
        if part == "." or (part == "" and parts):
            continue
        if part == ".." and parts and parts[-1] not in ("", ".."):
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
