"""The picture of a module's file."""

from __future__ import annotations

import re
import subprocess

import hashtable

from drawings.svg import Picture, box, picture, words

#: The sections that matter here, and what each is for.
SECTIONS = {
    ".gnu.hash": "finds a name fast",
    ".dynsym": "names offered, names needed",
    ".dynstr": "the letters of the names",
    ".rela.dyn": "addresses to be filled in",
    ".text": "the machine code",
    ".rodata": "constants",
    ".dynamic": "which other files are needed",
    ".data": "variables: the type objects",
}


@picture
def module_file() -> Picture:
    """The sections of the module, to be read as a drawing."""
    said = subprocess.run(
        ["readelf", "--wide", "--section-headers", hashtable.__file__], capture_output=True, text=True, check=True
    ).stdout
    sizes = {name: int(size, 16) for name, size in re.findall(r"\] (\.\S+)\s+\S+\s+\S+ \S+ (\S+)", said)}
    shown = {name: what for name, what in SECTIONS.items() if name in sizes}
    largest = max(sizes[name] for name in shown)
    svg, y = words(10, 18, "hashtable.….so", "code strong"), 28.0
    for name, what in shown.items():
        kind = {".text": "library", ".data": "extension"}.get(name, "soft")
        svg += box(10, y, 440, 30, kind) + words(20, y + 19, name, "code") + words(120, y + 19, what)
        size = f"{sizes[name] / 1024:,.1f} KiB" if sizes[name] >= 1024 else f"{sizes[name]} bytes"
        svg += words(440, y + 19, size, "small end")
        svg += f'<rect class="bar" x="10" y="{y + 26:g}" width="{max(440 * sizes[name] / largest, 2):g}" height="4"/>'
        y += 38
    text = (
        "The parts of the module's file that this chapter is about, in the order in which they lie. The bar below "
        f"each shows its size. The machine code is {sizes['.text'] / 1024:,.0f} KiB; the rest is for the loader, and "
        "data."
    )
    return Picture("The parts of the module's file", svg, y, text)
