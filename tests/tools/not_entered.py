"""`python tests/tools/not_entered.py`: which functions that pyo3-ffi declares does the ledger not know, and why?

Compared are all functions that pyo3-ffi declares with a pointer to an object, as an argument or as the result, with the table of
calls, from which the header for C and the patched pyo3-ffi are made, and with `src/ledger/ffi.rs`, the way in by one `use`. What is
left over is written to docs/not-entered.txt, which the book shows and a test compares.
"""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

import click
from hashtable_lab.foreign import declared, rust, table

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "not-entered.txt"
#: The way in by one `use`.
DOOR = ROOT / "src" / "ledger" / "ffi.rs"

#: Why a function is not in `ffi.rs`, and what follows from it.
WHY = {
    "variadic": "Rust cannot put a function before one with any number of arguments. What it returns is not known; "
    "`received` enters it.",
    "pointer": "They stand in slots or are passed on as pointers, where a function that knows its caller cannot stand.",
    "made": "They make functions, types and modules. What is made by them is called without being judged.",
    "steals": "They steal or exchange references, and that is not seen: what was stolen may look lost.",
    "out": "They hand out a new reference through an argument. It is not known, and not judged; `received` enters it.",
    "new": "They return a new reference. It is not known, and not judged; `received` enters it.",
    "lends": "They lend. It is not seen that what they lend is only borrowed; `lent` enters it.",
    "fails": "They only borrow, and can fail; fault injection does not make them fail.",
    "table": "Not in the table of calls, whatever the language. They return no object and hand none out; whether one of them "
    "steals was not looked at one by one.",
}

#: What has trampolines put in front of it where it is known.
MAKES = re.compile(
    r"PyCFunction_New|PyCMethod_New|PyDescr_New|PyModule_(From|New|AddFunctions)|PyType_From|PyStructSequence_NewType"
)


def declared_functions() -> dict[str, declared.Function]:
    """What the pyo3-ffi of this workspace declares with objects."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", str(ROOT / "Cargo.toml")]
    packages = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["packages"]
    (package,) = (package for package in packages if package["name"] == rust.CRATE)
    found = declared.functions(Path(package["manifest_path"]).parent / "src")
    return {name: function for name, function in found.items() if function.has_objects}


def entered(door: str) -> set[str]:
    """The functions that `ffi.rs` has, by themselves or as a row of one of its macros."""
    by_themselves = re.findall(r'pub unsafe (?:extern "C" )?fn (\w+)', door)
    return {*by_themselves, *re.findall(r"^    (_?Py\w+)\(", door, re.M), *re.findall(r"^    (Py_\w+);", door, re.M)}


def why_not(function: declared.Function, call: table.Call | None) -> str | None:
    """Why a function is not entered: a key of `WHY`. None: there is nothing to enter."""
    if call is None:
        return "table"
    if not (call.is_entered or call.special):
        return None
    if function.variadic:
        return "variadic"
    if call.name in rust.POINTERS:
        return "pointer"
    if MAKES.match(call.name):
        return "made"
    if call.steals or call.steals_if_well or call.in_out:
        return "steals"
    if call.out:
        return "out"
    return "lends" if call.result.startswith("lends") else "new" if call.result else "fails"


def left_out(functions: Mapping[str, declared.Function], door: str) -> dict[str, list[str]]:
    """The functions that are not entered, by the reason."""
    known, has = table.calls(), entered(door)
    found: dict[str, list[str]] = {reason: [] for reason in WHY}
    for name in sorted(functions):
        reason = None if name in has else why_not(functions[name], known.get(name))
        if reason:
            found[reason].append(name)
    return found


def text(functions: Mapping[str, declared.Function], door: str) -> str:
    """The record."""
    found = left_out(functions, door)
    here = sum(name in entered(door) for name in functions)
    number = sum(map(len, found.values()))
    lines = [
        f"pyo3-ffi declares {len(functions)} functions with pointers to objects. {here} are entered by src/ledger/ffi.rs,",
        f"{len(functions) - here - number} only borrow and need no entry, and {number} are left out, for these reasons.",
    ]
    for reason, names in found.items():
        lines += ["", *textwrap.wrap(f"{len(names)}. {WHY[reason]}", 118)]
        lines += textwrap.wrap(", ".join(names), 114, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


@click.command()
def main() -> None:
    """Write docs/not-entered.txt: the functions of the C API that the ledger does not know, and why."""
    RECORD.write_text(text(declared_functions(), DOOR.read_text(encoding="utf-8")), encoding="utf-8")
    click.echo(f"written: {RECORD.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
