"""The interpreter's stack before each instruction of one line, and the references to one object on it.

    python stack.py

No function shows that stack. But who holds objects must tell the garbage collector which: a generator names its variables,
and then what lies on its stack. So the function to be watched is a generator, and before each instruction it is asked what the
collector would ask it. (Before 3.11 its frame is asked. In 3.12 and 3.13 one that is running tells nothing, and only the counts
are left.)
"""

import dis
import gc
import sys


class Key:
    """An object that nothing else refers to."""

    def __repr__(self):
        return "<key>"


def shown(h, k):
    """What is watched: its first line."""
    x = h[k] + 1
    yield x


def stack_of(holder, variables):
    """What a frame or generator holds behind its variables, in words: to keep it would count. None if it does not tell."""
    held = gc.get_referents(holder)
    for at in range(len(held) - len(variables) + 1):
        if all(one is other for one, other in zip(held[at:], variables)):
            names = dict(zip(map(id, variables), "hk"))
            return [names.get(id(one), repr(one)) for one in held[at + len(variables) :]]
    return None


def watched(h, k):
    """For each instruction of the line: where it is, the stack before it (None: not told), and how many references to k came."""
    seen, generator, code = [], shown(h, k), shown.__code__
    begin = sys.getrefcount(k)

    def trace(frame, event, argument):
        if frame.f_code is not code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_lineno == code.co_firstlineno + 2:
            count = sys.getrefcount(k) - begin
            seen.append((frame.f_lasti, stack_of(generator if sys.version_info >= (3, 11) else frame, [h, k]), count))
        return trace

    before = sys.gettrace()
    # CPython 3.12 reports instructions only if somebody wished for that before the tracing began.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        next(generator)
    finally:
        sys.settrace(before)
    return [(at, stack, count - seen[0][2]) for at, stack, count in seen]


def main():
    h, k = {}, Key()
    h[k] = 41
    print("CPython {}.{}: x = h[k] + 1".format(*sys.version_info[:2]))
    print("  {:44}{:22}{}".format("instruction", "stack before it", "references to k"))
    instructions = {one.offset: one for one in dis.get_instructions(shown)}
    for offset, stack, count in watched(h, k):
        one = instructions[offset]
        said = "not told" if stack is None else "[{}]".format(", ".join(stack))
        print("  {:44}{:22}{:+}".format(f"{one.opname} {one.argrepr}", said, count))


if __name__ == "__main__":
    main()
