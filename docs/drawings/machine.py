"""Pictures of the machine: the interpreter's stack, and a processor's registers."""

from __future__ import annotations

import dis
import json
from html import escape

from drawings.svg import STEPPING, Picture, box, labelled, line, picture, words


def _instructions() -> list[tuple[str, str, list[str]]]:
    """For each instruction of `return h[k]`, in the words of this Python: its name, what it does, and the stack after it."""
    names: dict = {}
    exec("def look_up(h, k):\n    return h[k]", names)
    shown, content = [], []
    for instruction in dis.get_instructions(names["look_up"]):
        name = instruction.opname
        loads = [part.strip() for part in instruction.argrepr.split(",") if part.strip()]
        if name.startswith("LOAD"):
            content, said = [*content, *loads], f"pushes {' and '.join(loads)}"
            name = f"{name} {instruction.argrepr}"
        elif name.startswith("BINARY"):
            content, said = ["h[k]"], "takes both, calls PyObject_GetItem, pushes the result"
        elif name == "RETURN_VALUE":
            content, said = [], "takes the result, and gives it to the caller"
        else:
            continue
        shown.append((name, said, content))
    return shown


@picture
def stack() -> Picture:
    """The interpreter's stack while `h[k]` runs, with the instructions of this Python."""
    steps = _instructions()
    tokens = ["h", "k", "h[k]"]
    high = 34 * len(steps)

    def seat(place: int) -> tuple[float, float]:
        return 388, 30 + high - 34 * place - 17

    full = max(number for number, (_, _, content) in enumerate(steps) if len(content) == 2)
    svg = words(10, 18, "instruction", "strong") + words(388, 18, "the stack", "strong mid")
    svg += box(334, 28, 108, high + 4, "soft")
    for token in tokens:
        content = steps[full][2]
        x, y = seat(content.index(token) if token in content else 0)
        style = f'style="transform: translate({x:g}px, {y:g}px)"'
        inside = labelled(-48, -14, 96, 28, token, "library")
        svg += f'<g class="token{"" if token in content else " away"}" data-token="{token}" {style}>{inside}</g>'
    for number, (name, said, content) in enumerate(steps):
        seen = {thing: seat(place) for place, thing in enumerate(content)}
        state = escape(json.dumps({"at": seen, "said": f"{name}: {said}"}))
        kind = "extension" if name.startswith("BINARY") else "python"
        y = 30 + 34 * number
        svg += f'<g class="token-step" data-state="{state}"{" data-first" if number == full else ""}>'
        svg += box(10, y, 300, 28, kind) + words(20, y + 18, name, "code") + "</g>"
    text = (
        "<code>return h[k]</code> on the interpreter's stack, which grows upwards. The instructions are those of the Python "
        "that built this book. The table and the key are pushed onto the stack; the instruction in another colour takes "
        "both, calls <code>PyObject_GetItem</code>, and pushes the result. That call is where the type's slot "
        "<code>mp_subscript</code> runs. The last instruction takes the result, and the stack is empty, as it was before. "
        "Press <em>play</em>, or an instruction."
    )
    return Picture("The stack while h[k] runs", svg, high + 42, text, STEPPING)


@picture
def registers() -> Picture:
    """Where the arguments of a C call go."""
    whole, real = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"], [f"xmm{number}" for number in range(8)]
    svg = words(10, 18, "hash_str(text, size, seed, 0.5)", "code strong")
    svg += words(10, 46, "integers and pointers", "small")
    used = {"rdi": "text", "rsi": "size", "rdx": "seed", "xmm0": "0.5"}
    for number, name in enumerate(whole):
        x = 10 + 74 * number
        svg += box(x, 54, 68, 40, "extension" if name in used else "soft") + words(x + 34, 70, name, "code mid")
        svg += words(x + 34, 86, used.get(name, ""), "small mid")
    svg += words(10, 120, "floating-point numbers", "small")
    for number, name in enumerate(real):
        x = 10 + 55.5 * number
        svg += box(x, 128, 50, 40, "library" if name in used else "soft") + words(x + 25, 144, name, "code mid")
        svg += words(x + 25, 160, used.get(name, ""), "small mid")
    svg += words(10, 194, "what is left: on the stack", "small") + words(250, 194, "the result: rax, or xmm0", "small")
    text = (
        "The System V convention on x86-64, as numbered slots. The first six integers and pointers of a call go "
        "into the upper row, from left to right; the first eight floating-point numbers into the lower one. A call "
        "made with the wrong types fills the wrong slots, and the function reads whatever was in them."
    )
    return Picture("The slots for the arguments of a call", svg, 204, text)


@picture
def layers_edge() -> Picture:
    """Rust's Result and C's NULL, with entry between."""
    svg = labelled(10, 10, 150, 60, "Rust: Result\nOk(value), Err(Raised)", "extension", "small")
    svg += labelled(190, 10, 80, 60, "entry", "soft")
    svg += labelled(300, 10, 150, 60, "C: a pointer, or NULL\nand an exception set", "python", "small")
    svg += line((160, 40), (188, 40)) + line((270, 40), (298, 40))
    text = (
        "<code>entry</code> stands at the edge: it turns Rust's <code>Result</code> into what C expects, and a panic "
        "into an exception."
    )
    return Picture("The edge between Rust and C", svg, 80, text)
