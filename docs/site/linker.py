#!/usr/bin/env python3
"""Links a module for Pyodide: takes what rustc would tell Emscripten's compiler, and calls Rust's own linker instead.

rustc's target for Emscripten expects `emcc` as its linker. An extension module needs none of what `emcc` adds: it takes
everything from the interpreter that loads it, libc included. So it is a *side module*, a shared library of WebAssembly,
and the linker that comes with every Rust toolchain makes it. Cargo finds this file by an environment variable
(see wasm.py).
"""

import re
import subprocess
import sys
from pathlib import Path

# What makes a side module: shared, its memory is the interpreter's, whatever it lacks is looked up when it is loaded.
SIDE_MODULE = [
    *("-flavor", "wasm", "-shared", "--experimental-pic", "--unresolved-symbols=import-dynamic", "--import-memory"),
    *("--no-entry", "--strip-all", "--gc-sections"),
    # The loader calls these two: one puts addresses where they belong, the other runs what must run first.
    *("--export-if-defined=__wasm_apply_data_relocs", "--export-if-defined=__wasm_call_ctors"),
]


def expand(arguments):
    """Replaces `@FILE` by the lines of the file: that is how rustc passes on a long command."""
    for argument in arguments:
        if argument.startswith("@"):
            for line in Path(argument[1:]).read_text().splitlines():
                yield line.strip().strip('"')
        else:
            yield argument


def translate(arguments):
    """From `emcc`'s words to the linker's. Settings of Emscripten's own are left out, but for the names to export.

    A program (the Rust tests are one) becomes a module too: what loads it calls its `main`.
    """
    words = iter(expand(arguments))
    output, inputs, exports = "a.wasm", [], []
    for word in words:
        if word == "-o":
            output = next(words)
        elif word == "-L":
            inputs.append("-L" + next(words))
        elif word.startswith(("-sEXPORTED_FUNCTIONS", "-s")):
            setting = next(words) if word == "-s" else word
            if "EXPORTED_FUNCTIONS" in setting:
                exports += re.findall(r"_(Py(?:Init|ModExport)_\w+|main)", setting)
        elif word.startswith("-L") or word.endswith((".o", ".rlib", ".a")):
            inputs.append(word)
    return [*SIDE_MODULE, *(f"--export={name}" for name in exports), *inputs, "-o", output]


if __name__ == "__main__":
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    linker = next(Path(sysroot).glob("lib/rustlib/*/bin/rust-lld"), None)
    if linker is None:
        sys.exit(f"{sysroot} has no rust-lld: the linker that rustup installs with every toolchain is needed.")
    sys.exit(subprocess.call([str(linker), *translate(sys.argv[1:])]))
