"""A function before and after it got hot: its instructions as the compiler wrote them, and as the interpreter runs them.

python hot.py
"""

import dis
import importlib.util
import sys


def look_up(h, k):
    """What gets hot."""
    return h[k]


def instructions(adaptive):
    """The names of the function's instructions; with `adaptive` those that the interpreter has put there meanwhile."""
    more = {"adaptive": True} if adaptive and sys.version_info >= (3, 11) else {}
    return [one.opname for one in dis.get_instructions(look_up, **more) if one.opname != "CACHE"]


def counted(h, k, times):
    """How many instructions sys.monitoring reports of so many calls; None where there is no sys.monitoring."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is None:
        return None
    seen = []
    tool, event = monitoring.DEBUGGER_ID, monitoring.events.INSTRUCTION
    monitoring.use_tool_id(tool, "hot")
    monitoring.register_callback(tool, event, lambda code, offset: seen.append(offset))
    monitoring.set_local_events(tool, look_up.__code__, event)
    try:
        for _ in range(times):
            look_up(h, k)
    finally:
        monitoring.set_local_events(tool, look_up.__code__, 0)
        monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)
    return len(seen)


def jit():
    """What there is of a JIT compiler, in words."""
    if not hasattr(sys, "_jit"):
        return "this version cannot tell"
    if not sys._jit.is_available():
        return "not compiled in"
    if not sys._jit.is_enabled():
        return "compiled in, and off"
    seen = 0
    for _ in range(20000):
        seen += sys._jit.is_active()
    return "on; of 20000 rounds of a loop {} ran as machine code".format("most" if seen > 10000 else seen)


def main():
    k = "pi"
    print("CPython {}.{}".format(*sys.version_info[:2]))
    print("  as compiled:               ", *instructions(adaptive=False))
    hashtable = importlib.util.find_spec("hashtable") and importlib.import_module("hashtable")
    tables = [("a HashTable", hashtable.HashTable().set(k, 3))] if hashtable else []
    for title, h in [("a dict", {k: 3}), *tables, ("a list", [3])]:
        for _ in range(200):
            look_up(h, 0 if isinstance(h, list) else k)
        print("  {:27}".format("hot, with " + title + ":"), *instructions(adaptive=True))
    number = counted({k: 3}, k, 10)
    print("  sys.monitoring, 10 calls:  ", "there is none" if number is None else f"{number} instructions")
    print("  the JIT compiler:          ", jit())


if __name__ == "__main__":
    main()
