"""What a native file says of itself, whether it is ELF (Linux), PE (Windows) or Mach-O (macOS)."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from hashtable_lab.errors import Missing

#: How the files of each format begin. (`cafebabe` is also how a Java class begins: lief then says that it is none.)
MAGIC = {
    b"\x7fELF": "ELF",
    b"MZ": "PE",
    b"\xcf\xfa\xed\xfe": "Mach-O",
    b"\xce\xfa\xed\xfe": "Mach-O",
    b"\xca\xfe\xba\xbe": "Mach-O",
}


@dataclass(frozen=True)
class Binary:
    """One native file.

    Attributes:
        format: ELF, PE or Mach-O.
        exports: the names that it offers.
        imports: the names that it needs. A PE file needs each from a certain library; that is left out here.
        local: the names that are there for debuggers only. A stripped file has none.
        libraries: the libraries that it needs.
        program: whether it is to be started, not loaded.
        content: all its bytes.
    """

    format: str
    exports: frozenset[str]
    imports: frozenset[str]
    local: frozenset[str]
    libraries: tuple[str, ...]
    program: bool
    content: bytes

    @cached_property
    def names(self) -> str:
        """All names, one a line, to be searched."""
        return "\n".join(sorted(self.exports | self.imports | self.local))

    @property
    def module(self) -> str | None:
        """The name of the module that it is: of the function that `import` looks for. None if it is no module."""
        for name in sorted(self.exports):
            found = re.fullmatch(r"PyInit_(\w+)|init(_?[a-z]\w*)", name)
            if found and (found[1] or self.python):
                return found[1] or found[2]
        return None

    @cached_property
    def python(self) -> frozenset[str]:
        """What it needs of Python's C API."""
        return frozenset(name for name in self.imports if re.match("_?Py[A-Z_]", name))

    @cached_property
    def rust(self) -> bool:
        """Whether its source is Rust, as far as can be seen: the standard library's paths are in it, or its names."""
        known = re.search(rb"/rustc/[0-9a-f]{40}[/\\]library", self.content)
        return known is not None or "rust_eh_personality" in self.names or "__rust_" in self.names

    def constant(self, pattern: bytes, begins: bool = True) -> bool:
        """Whether it has a constant string that matches as a whole.

        Args:
            pattern: for all of it but the NUL at its end.
            begins: whether it begins behind the NUL of the one before it, as it does in C.
        """
        for found in re.finditer(pattern + rb"\0", self.content):
            if not begins or found.start() == 0 or self.content[found.start() - 1] == 0:
                return True
        return False


def format_of(content: bytes) -> str | None:
    """The format of a file that begins so, or None."""
    return next((name for magic, name in MAGIC.items() if content.startswith(magic)), None)


def reader() -> ModuleType:
    """The library that reads the formats.

    Raises:
        Missing: it is not installed.
    """
    try:
        lief = importlib.import_module("lief")
    except ImportError:
        raise Missing(
            "`road` needs the packages lief and abi3info: run `python -m pip install '.[road]'` in the project's folder."
        ) from None
    lief.logging.disable()
    return lief


def read(content: bytes) -> Binary | None:
    """Reads a native file.

    Args:
        content: all its bytes.

    Returns:
        What it says, or None if it is none of the three formats, or damaged.
    """
    lief = reader()
    kind = format_of(content)
    if kind is None:
        return None
    parsed = {"ELF": _elf, "PE": _pe, "Mach-O": _macho}[kind](lief, content)
    return None if parsed is None else Binary(format=kind, content=content, **parsed)


def _text(names: Any) -> frozenset[str]:
    """Names as lief gives them: some are bytes."""
    found = (name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names)
    return frozenset(name for name in found if name)


def _elf(lief: ModuleType, content: bytes) -> dict[str, Any] | None:
    file = lief.ELF.parse(content)
    if file is None:
        return None
    # Not lief's own lists: they leave out what is needed but has no type, as functions of another file often have none.
    undefined = 0
    dynamic = list(file.dynamic_symbols)
    return {
        "exports": _text(symbol.name for symbol in dynamic if symbol.shndx != undefined),
        "imports": _text(symbol.name for symbol in dynamic if symbol.shndx == undefined),
        "local": _text(symbol.name for symbol in file.symtab_symbols),
        "libraries": tuple(str(name) for name in file.libraries),
        "program": file.has_interpreter,
    }


def _pe(lief: ModuleType, content: bytes) -> dict[str, Any] | None:
    file = lief.PE.parse(content)
    if file is None:
        return None
    exports = file.get_export()
    return {
        "exports": _text(entry.name for entry in exports.entries) if exports else frozenset(),
        "imports": _text(entry.name for library in file.imports for entry in library.entries),
        "local": _text(symbol.name for symbol in file.symbols),
        "libraries": tuple(library.name for library in file.imports),
        "program": lief.PE.Header.CHARACTERISTICS.DLL not in file.header.characteristics_list,
    }


def _macho(lief: ModuleType, content: bytes) -> dict[str, Any] | None:
    every = lief.MachO.parse(content)
    if every is None or every.size == 0:
        return None
    file = every.at(0)  # a fat file holds the same for several processors

    def bare(names: Any) -> frozenset[str]:
        # In C's names the first underscore is the format's.
        return frozenset(name[1:] if name.startswith("_") else name for name in _text(names))

    return {
        "exports": bare(symbol.name for symbol in file.exported_symbols),
        "imports": bare(symbol.name for symbol in file.imported_symbols),
        "local": bare(symbol.name for symbol in file.symbols),
        "libraries": tuple(library.name for library in file.libraries),
        "program": file.header.file_type == lief.MachO.Header.FILE_TYPE.EXECUTE,
    }
