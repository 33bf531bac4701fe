"""Pictures of the machine: the interpreter's stack, and a processor's registers."""

from __future__ import annotations

import dis

from drawings.svg import Picture, box, labelled, line, picture, words


@picture
def stack() -> Picture:
    """The interpreter's stack while `h[k]` runs, with the instructions of this Python."""
    names: dict = {}
    exec("def look_up(h, k):\n    return h[k]", names)
    shown: list[tuple[str, list[str]]] = []
    content: list[str] = []
    for instruction in dis.get_instructions(names["look_up"]):
        name = instruction.opname
        if name in ("CACHE", "RESUME", "NOT_TAKEN"):
            continue
        loads = [part.strip() for part in instruction.argrepr.split(",") if part.strip()]
        if name.startswith("LOAD"):
            content = [*content, *loads]
        elif name.startswith("BINARY"):
            content = [*content[:-2], "h[k]"]
        elif name == "RETURN_VALUE":
            content = content[:-1]
        shown.append((f"{name} {instruction.argrepr}".strip() if loads and name.startswith("LOAD") else name, content))
    svg, y = words(10, 18, "instruction", "strong") + words(270, 18, "the stack after it", "strong"), 30.0
    for name, now in shown:
        svg += box(10, y, 230, 30, "python" if not name.startswith("BINARY") else "extension") + words(
            20, y + 19, name, "code"
        )
        for at, thing in enumerate(now):
            svg += labelled(270 + 62 * at, y, 56, 30, thing, "soft")
        if not now:
            svg += words(270, y + 19, "empty", "small")
        y += 40
    text = (
        "<code>h[k]</code> on the interpreter's stack. The instructions are those of the Python that built this "
        "book. Two of them put the table and the key onto the stack; the one in another colour takes both, calls "
        "<code>PyObject_GetItem</code>, and puts the result there. That call is where the type's slot "
        "<code>mp_subscript</code> runs."
    )
    return Picture("The stack while h[k] runs", svg, y, text)


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
