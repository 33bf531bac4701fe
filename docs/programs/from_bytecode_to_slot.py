"""Which instruction of the bytecode lands in which slot of the type, on the traced build.

    python from_bytecode_to_slot.py

Nothing here knows the answer. A statement is compiled and run one instruction at a time, which is what a debugger does
(`f_trace_opcodes`). The extension announces where it was called, so each announcement belongs to the instruction that
was being carried out. And the source says in which function that announcement stands, and in which slot that function
is.
"""

import dis
import re
import sys
from pathlib import Path

import hashtable_traced

SOURCE = Path(__file__).resolve().parents[2] / "src" / "extension"

STATEMENTS = [
    "h[k]",
    "h[k] = v",
    "del h[k]",
    "k in h",
    "h.set(k, v)",
    "len(h)",
    "for key in h: pass",
]


class Heard:
    """A `sys.stdout` that notes what the extension announces, and during which instruction."""

    def __init__(self):
        self.at = None  # where in the bytecode we are
        self.lines = []

    def write(self, text):
        for line in text.splitlines():
            layer, _, words = line.partition(": ")
            if layer == "extension":
                self.lines.append((self.at, words))

    def flush(self):
        pass


def carry_out(statement, h, k, v):
    """Runs a statement. Returns its instructions, and for some of them the first thing that the extension then said."""
    names = {}
    exec(f"def function(h, k, v):\n {statement}", names)
    function, heard, stdout = names["function"], Heard(), sys.stdout

    def trace(frame, event, argument):
        if frame.f_code is not function.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            heard.at = frame.f_lasti
        return trace

    before = sys.gettrace()
    sys.stdout = heard
    hashtable_traced.announce(True)
    # CPython 3.12 reports instructions only if somebody wished for that before the tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        function(h, k, v)
    finally:
        sys.settrace(before)
        hashtable_traced.announce(False)
        sys.stdout = stdout
    first = {}
    for at, words in heard.lines:
        first.setdefault(at, words)
    return [(instruction, first.get(instruction.offset)) for instruction in dis.get_instructions(function)]


def slot_of(words):
    """The slot, or the method, whose function announces these words; None if there is none."""
    types = [(SOURCE / file).read_text(encoding="utf-8") for file in ("type_object.rs", "attributes.rs")]
    type_object = "\n".join(types)
    for file in sorted(SOURCE.rglob("*.rs")):
        source = file.read_text(encoding="utf-8")
        for part in source.split('extern "C" fn ')[1:]:
            name = re.match(r"\w+", part)[0]
            for said in re.findall(r'announce!\("((?:[^"\\]|\\.)*)"', part.split("\n}\n")[0]):
                if re.fullmatch(re.escape(said).replace(r"\{\}", ".*"), words):
                    here = f"{file.stem}::{name}"
                    slot = re.search(rf"(\w+): Some\({here}\)", type_object)
                    if slot:
                        return f"the slot {slot[1]}"
                    method = re.search(rf'c"(\w+)",\s+{here},', type_object)
                    return f"the method {method[1]}" if method else None
    return None


def main():
    hashtable_traced.announce(False)
    print("CPython {}.{}".format(*sys.version_info))
    for statement in STATEMENTS:
        h = hashtable_traced.HashTable().set("pi", 3.14159)
        print(f"\n{statement}")
        for instruction, words in carry_out(statement, h, "pi", 3.14159):
            if instruction.opname == "CACHE":
                continue
            line = f"    {instruction.opname} {instruction.argrepr}"
            print(line if words is None else f"{line:30} -> {slot_of(words)}: {words}")


if __name__ == "__main__":
    main()
