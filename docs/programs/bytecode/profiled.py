"""A hash function in Python, called by the table: what two profilers see of the way there and back.

python profiled.py
"""

import cProfile
import os
import pstats
import sys

from hashtable import HashTable


def hash_of(key):
    """The hash function."""
    return len(key)


def work():
    """A thousand look-ups, each of which asks for the hash once."""
    h = HashTable(size=64, hash_func=hash_of).set("pi", 3.14159)
    for _ in range(1000):
        h.get("pi")


def by_cprofile():
    """For each function that cProfile saw: its name, how often it was called, and by whom."""
    profile = cProfile.Profile()
    profile.runcall(work)
    found = {}
    for (_, _, name), (_, calls, _, _, callers) in pstats.Stats(profile).stats.items():
        found[name] = calls, sorted(caller[2] for caller in callers)
    return found


def by_perf_map():
    """The Python functions of which `perf` would know the names; None where Python offers none."""
    start = getattr(sys, "activate_stack_trampoline", None)
    if start is None:
        return None
    file = f"/tmp/perf-{os.getpid()}.map"
    try:
        start("perf")
    except (ValueError, OSError):
        return None
    try:
        # A function gets an entry when it is called for the first time: so these are new ones.
        fresh = {"HashTable": HashTable}
        exec("def hash_in_perf(key): return len(key)\nHashTable(hash_func=hash_in_perf).set('pi', 1)", fresh)
        with open(file, encoding="utf-8") as lines:
            return [line.split(" ", 2)[2].strip() for line in lines if "hash_in_perf" in line or "HashTable" in line]
    finally:
        sys.deactivate_stack_trampoline()
        os.path.exists(file) and os.remove(file)


def main():
    print("CPython {}.{}, cProfile:".format(*sys.version_info[:2]))
    found = by_cprofile()
    for name in "work", "<method 'get' of 'hashtable.HashTable' objects>", "hash_of", "<built-in method builtins.len>":
        calls, callers = found[name]
        print("  {:4} calls  {:50} from {}".format(calls, name, ", ".join(callers) or "outside"))
    names = by_perf_map()
    print("for perf:", "this version offers no names" if names is None else ", ".join(names))


if __name__ == "__main__":
    main()
