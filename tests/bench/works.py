"""What is measured, and what it is to come to.

A section is a number of groups (see measuring.py) or of measurements with a process each (see apart.py). A goal says which of a
section's ratios it is about, and how large they may be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from measuring import Candidate, Group, again

# ---- candidates ------------------------------------------------------------------------------------------------------

HASHTABLE = "from hashtable import HashTable"

#: What is said to a mapping; one stage each.
MAPPING = {
    "set": "for k in x: t[k] = k",
    "get": "for k in x: t[k]",
    "miss": "for k in x: k in t",
    "iterate": "for k in t: pass",
    "del": "for k in x: del t[k]",
}
MAPPING_LIFE = [("set", "fill"), ("get", "find"), ("miss", "absent"), ("iterate", "fill"), ("del", "drop")]

METHODS = {
    "setdefault, new key": "for k in x: t.setdefault(k, k)",
    "set": "for k in x: t.set(k, k)",
    "get": "for k in x: t.get(k)",
    "get, miss": "for k in x: t.get(k)",
    "setdefault, old key": "for k in x: t.setdefault(k, k)",
    "pop": "for k in x: t.pop(k)",
    "pop, miss": "for k in x: t.pop(k, None)",
    "set, new key": "for k in x: t.set(k, k)",
}
METHODS_LIFE = [
    ("setdefault, new key", "fill"),
    ("set", "find"),
    ("get", "find"),
    ("get, miss", "absent"),
    ("setdefault, old key", "find"),
    ("pop, miss", "absent"),
    ("pop", "drop"),
    ("set, new key", "fill"),
]

#: The `for` loop without anything in it, to see how much of a ratio is not the table's.
LOOP = Candidate("empty loop", "None", {stage: "for k in x: pass" for stage in MAPPING if stage != "iterate"})


def mapping(name: str, make: str, imports: str = "", **other: str) -> Candidate:
    """A candidate with the statements of a mapping, of which some may be said otherwise."""
    return Candidate(name, make, {**MAPPING, **{stage.rstrip("_"): code for stage, code in other.items()}}, imports)


def methods(name: str, make: str, imports: str = "", set_method: str = "set") -> Candidate:
    """A candidate whose methods are called."""
    code = {stage: text.replace("t.set(", f"t.{set_method}(") for stage, text in METHODS.items()}
    return Candidate(name, make, code, imports)


DICT = mapping("dict", "{}")
TABLE = mapping("HashTable", "HashTable()", HASHTABLE)


# ---- sections --------------------------------------------------------------------------------------------------------


def rounds(n: int, quick: bool) -> int:
    """How many rounds are measured with n keys."""
    full = 5 if n >= 10**7 else 9 if n >= 10**6 else 15
    return min(full, 7) if quick else full


def groups(
    section: str,
    life: Sequence[tuple[str, str]],
    candidates: Sequence[Candidate],
    kinds: Sequence[str],
    sizes: Sequence[int],
    quick: bool,
) -> Iterator[Group]:
    """Groups of the same life, for each kind and number of keys; the control is added."""
    for n in sizes:
        for kind in kinds:
            everyone = [candidates[0], again(candidates[0]), *candidates[1:]]
            yield Group(section, kind, n, life, everyone, rounds(n, quick))


def section_mapping(quick: bool) -> Iterator[Group]:
    sizes = [10**3, 10**5] if quick else [10**3, 10**4, 10**5, 10**6, 10**7]
    yield from groups("mapping", MAPPING_LIFE, [DICT, TABLE, LOOP], ["int", "str"], sizes, quick)


def section_methods(quick: bool) -> Iterator[Group]:
    sizes = [10**3, 10**5] if quick else [10**3, 10**5, 10**6]
    candidates = [methods("dict", "{}", set_method="__setitem__"), methods("HashTable", "HashTable()", HASHTABLE)]
    yield from groups("methods", METHODS_LIFE, candidates, ["int", "str"], sizes, quick)


SECTIONS = {"mapping": section_mapping, "methods": section_methods}
