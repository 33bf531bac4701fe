"""One C file, compiled for three systems and taken apart: what each file says, side by side.

zig's C compiler can compile for other systems than its own (`pip install ziglang`), and lief reads the files.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import lief
except ImportError:
    sys.exit("lief is missing: pip install lief ziglang")

lief.logging.disable()
SOURCE = Path(__file__).with_name("hello.c")
# On Windows each name is needed from a certain DLL. A linker learns that from an import library, which is made of a list.
PYTHON3_DLL = "LIBRARY python3.dll\nEXPORTS\nPyModule_Create2\nPyUnicode_FromFormat\n_Py_NoneStruct DATA\n"


def zig(folder, *arguments):
    """Runs zig in a folder."""
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(folder / "cache"), "ZIG_LOCAL_CACHE_DIR": str(folder / "cache")}
    subprocess.run([sys.executable, "-m", "ziglang", *arguments], cwd=folder, check=True, env={**os.environ, **cache})


def compiled(folder):
    """The three files."""
    cc = ["cc", "-O2", "-s", "-shared", "-nostdlib", str(SOURCE)]
    zig(folder, *cc, "-target", "x86_64-linux-gnu", "-fPIC", "-o", "hello.abi3.so")
    (folder / "python3.def").write_text(PYTHON3_DLL)
    zig(folder, "dlltool", "-m", "i386:x86-64", "-d", "python3.def", "-l", "python3.lib")
    zig(folder, *cc, "-target", "x86_64-windows-gnu", "python3.lib", "-o", "hello.pyd")
    zig(folder, *cc, "-target", "aarch64-macos", "-Wl,-undefined,dynamic_lookup", "-o", "hello-macos.so")
    return folder / "hello.abi3.so", folder / "hello.pyd", folder / "hello-macos.so"


def last(kind):
    """The last word of one of lief's constants."""
    return str(kind).rpartition(".")[2]


def elf(path):
    """What an ELF file says."""
    file = lief.ELF.parse(path)
    exports = [symbol.name for symbol in file.dynamic_symbols if symbol.name and symbol.shndx]
    imports = [symbol.name for symbol in file.dynamic_symbols if symbol.name and not symbol.shndx]
    filled = [f"{last(one.type)} {one.symbol.name if one.symbol else ''}".strip() for one in file.relocations]
    sections = [section.name for section in file.sections if section.name]
    return (
        "ELF",
        last(file.header.machine_type),
        sections,
        exports,
        [f"{name}, from anybody" for name in imports],
        filled,
    )


def pe(path):
    """What a PE file says."""
    file = lief.PE.parse(path)
    imports = [f"{entry.name}, from {library.name}" for library in file.imports for entry in library.entries]
    filled = [
        f"{last(entry.type)} at {block.virtual_address + entry.position:#x}"
        for block in file.relocations
        for entry in block.entries
    ]
    filled = [one for one in filled if not one.startswith("ABS")]
    exports = [entry.name for entry in file.get_export().entries]
    return "PE", last(file.header.machine), [section.name for section in file.sections], exports, imports, filled


def macho(path):
    """What a Mach-O file says."""
    file = lief.MachO.parse(path).at(0)
    # -2 is written where a name may come from any library that is loaded.
    places = {one.symbol.name: one.library_ordinal for one in file.bindings if one.has_symbol}
    libraries = [library.name for library in file.libraries if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    imports = []
    for symbol in file.imported_symbols:
        place = places.get(symbol.name)
        imports.append(f"{symbol.name}, from {'anybody' if place == -2 else libraries[place - 1] if place else '?'}")
    filled = [f"{last(one.binding_class)} {one.symbol.name}" for one in file.bindings if one.has_symbol]
    filled += [f"REBASE at {one.address:#x}" for one in file.relocations]
    sections = [f"{section.segment.name},{section.name}" for section in file.sections]
    return (
        "Mach-O",
        last(file.header.cpu_type),
        sections,
        [symbol.name for symbol in file.exported_symbols],
        imports,
        filled,
    )


def tried(path):
    """Imports the one that is for this system."""
    specification = importlib.util.spec_from_file_location("hello", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.hello("world")


def main():
    with tempfile.TemporaryDirectory() as place:
        files = compiled(Path(place))
        parts = "sections", "offers", "needs", "to be filled in when it is loaded"
        for read, path in zip((elf, pe, macho), files):
            kind, machine, *found = read(str(path))
            print(f"{kind}, {machine}: {path.stat().st_size} bytes")
            for what, names in zip(parts, found):
                print(f"  {what}:")
                for name in names if what != "sections" else [" ".join(names)]:
                    print(f"    {name}")
        if sys.platform == "linux" and os.uname().machine == "x86_64":
            print("the first of them, imported:", tried(files[0]))


if __name__ == "__main__":
    main()
