"""What is measured, and what it is to come to.

A section is a number of groups (see measuring.py) or of measurements with a process each (see apart.py). A goal says which of a
section's ratios it is about, and how large they may be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from measuring import Candidate, Group, Measured, Ratio, again, ratio_of
from peers import FOLDER

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
    "setdefault(), new key": "for k in x: t.setdefault(k, k)",
    "set()": "for k in x: t.set(k, k)",
    "get()": "for k in x: t.get(k)",
    "get(), miss": "for k in x: t.get(k)",
    "setdefault(), old key": "for k in x: t.setdefault(k, k)",
    "pop(), miss": "for k in x: t.pop(k, None)",
    "pop()": "for k in x: t.pop(k)",
    "set(), new key": "for k in x: t.set(k, k)",
}
METHODS_MATERIAL = ["fill", "find", "find", "absent", "find", "absent", "drop", "fill"]
METHODS_LIFE = list(zip(METHODS, METHODS_MATERIAL))

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
    full = 5 if n >= 10**6 else 15
    return min(full, 7) if quick else full


def sizes_of(quick: bool) -> list[int]:
    """How many keys there are where the goal does not say."""
    return [10**3] if quick else [10**3, 10**5]


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
    candidates = [methods("dict", "{}", set_method="__setitem__"), methods("HashTable", "HashTable()", HASHTABLE)]
    sizes = [10**3] if quick else [10**3, 10**5, 10**6]
    yield from groups("methods", METHODS_LIFE, candidates, ["int", "str"], sizes, quick)


def section_bulk(quick: bool) -> Iterator[Group]:
    update = "u = {make}\nu.update({what})\nreturn u".format
    both = {"fill": "t.update(x)", "copy": "return t.copy()"}
    updates = {"update with pairs": "x", "update with a dict": "x"}
    constructions = {"construct from pairs": "x", "construct from a dict": "x", "construct from a table": "t"}
    # dict's constructor takes pairs. HashTable's has other parameters; one updates a new one.
    of_dict = {
        **both,
        **{stage: update(make="{}", what=what) for stage, what in updates.items()},
        **{stage: f"return dict({what})" for stage, what in constructions.items()},
    }
    of_table = {
        **both,
        **{stage: update(make="HashTable()", what=what) for stage, what in {**updates, **constructions}.items()},
    }
    life = [
        ("fill", "pairs"),
        ("update with pairs", "pairs"),
        ("update with a dict", "dict"),
        ("construct from pairs", "pairs"),
        ("construct from a dict", "dict"),
        ("construct from a table", "fill"),
        ("copy", "fill"),
    ]
    candidates = [
        Candidate("dict", "{}", of_dict),
        Candidate("HashTable", "HashTable()", of_table, HASHTABLE),
    ]
    sizes = [10**5] if quick else [10**6]
    yield from groups("bulk", life, candidates, ["int", "str"], sizes, quick)


def section_views(quick: bool) -> Iterator[Group]:
    # `b` has the pairs in another order, `c` in the same.
    code = {
        "fill": "for k in x: t.a[k] = k",
        "fill another": "for k in x: t.b[k] = k\nt.c = t.a.copy()",
        "==, same order": "t.a == t.c",
        "==, other order": "t.a == t.b",
        "items()": "for k, v in t.a.items(): pass",
        "values()": "for v in t.a.values(): pass",
    }
    life = [(stage, "find" if stage == "fill another" else "fill") for stage in code]
    imports = f"{HASHTABLE}\nfrom types import SimpleNamespace"
    candidates = [
        Candidate("dict", "SimpleNamespace(a={}, b={})", code, imports),
        Candidate("HashTable", "SimpleNamespace(a=HashTable(), b=HashTable())", code, imports),
    ]
    sizes = [10**5] if quick else [10**6]
    yield from groups("views", life, candidates, ["int", "str"], sizes, quick)


def section_keys(quick: bool) -> Iterator[Group]:
    yield from groups(
        "other keys", MAPPING_LIFE, [DICT, TABLE], ["tuple", "own class", "plain class"], sizes_of(quick), quick
    )
    code = {
        "fill": "for k in x: t[k] = k",
        "get, equal key": "for k in x: t[k]",
        "in, equal key": "for k in x: k in t",
        "set, equal key": "for k in x: t[k] = k",
        "del, equal key": "for k in x: del t[k]",
    }
    life = [(stage, "fill" if stage == "fill" else "equal") for stage in code]
    candidates = [Candidate("dict", "{}", code), Candidate("HashTable", "HashTable()", code, HASHTABLE)]
    yield from groups("other keys", life, candidates, ["int", "str"], sizes_of(quick), quick)


def section_hash_function(quick: bool) -> Iterator[Group]:
    for body in ("k", "k * 2654435761 & 0xFFFFFFFF"):
        stage = f"return {body}"
        imports = f"{HASHTABLE}\nfrom collections import deque\ndef function(k):\n    return {body}"
        fill = "for k in x: t[k] = k"
        candidates = [
            Candidate("map", "None", {stage: "deque(map(function, x), maxlen=0)"}, imports),
            Candidate(
                "HashTable",
                "HashTable(hash_func=function)",
                {"fill": fill, stage: "deque(map(t.get, x), maxlen=0)"},
                imports,
            ),
        ]
        yield from groups("hash function", [("fill", "fill"), (stage, "find")], candidates, ["int"], [10**3], quick)


def section_textbook(quick: bool) -> Iterator[Group]:
    candidates = [
        methods("textbook", "Table()", "from textbook import Table"),
        methods("HashTable", "HashTable()", HASHTABLE),
    ]
    yield from groups("textbook", METHODS_LIFE, candidates, ["int", "str"], sizes_of(quick), quick)


def section_pyo3(quick: bool) -> Iterator[Group]:
    # Both lives: the second begins with the table that the first has emptied.
    code = {**MAPPING, **METHODS}
    life = [*MAPPING_LIFE, *METHODS_LIFE]
    candidates = [
        Candidate("PyO3", "Table()", code, "from with_pyo3 import Table"),
        Candidate("HashTable", "HashTable()", code, HASHTABLE),
    ]
    yield from groups("PyO3", life, candidates, ["int", "str"], sizes_of(quick), quick)


def section_call(quick: bool) -> Iterator[Group]:
    code = {"get, empty": "for k in x: t.get(k)"}
    candidates = [
        Candidate("C function", "Table()", code, "from fastcall import Table"),
        Candidate("HashTable", "HashTable()", code, HASHTABLE),
    ]
    yield from groups("call", [("get, empty", "find")], candidates, ["int", "str"], [10**3], quick)


def section_sizes(quick: bool) -> Iterator[Group]:
    for n in sizes_of(quick):
        # The size to which the defaults would grow.
        size = 4
        while n > size / 2:
            size *= 2
        roomy = mapping(f"size {size}", f"HashTable(size={size})", HASHTABLE)
        odd = mapping("HashTable", f"HashTable(size={size - 1})", HASHTABLE)
        # One bucket less must not make it double.
        assert n <= (size - 1) / 2
        yield from groups("odd size", MAPPING_LIFE, [roomy, odd], ["int", "str"], [n], quick)
        small = mapping("size 4", "HashTable(size=4)", HASHTABLE)
        seven = mapping("HashTable", "HashTable(size=7)", HASHTABLE)
        yield from groups("odd size, grown from 7", MAPPING_LIFE, [small, seven], ["int", "str"], [n], quick)


def section_hard_keys(quick: bool) -> Iterator[Group]:
    n = 10**3 if quick else 4 * 10**3
    # Multiplied by 2^64 over the golden ratio, and from the middle of the product: every bit of the hash has a say in it.
    mixing = f"{HASHTABLE}\ndef mixed(key):\n    return hash(key) * 0x9E3779B97F4A7C15 >> 61"
    candidates = [
        DICT,
        TABLE,
        mapping("an odd size", f"HashTable(size={2 * n + 1})", HASHTABLE),
        mapping("a mixing hash_func", "HashTable(hash_func=mixed)", mixing),
        mapping("mixed_hash", "HashTable(hash_func=mixed_hash)", "from hashtable import HashTable, mixed_hash"),
    ]
    kinds = [
        "random int",
        "multiples of 1024",
        "multiples of 65536",
        "i << 32",
        "floats (i / 1024)",
        "floats (i * 0.1)",
    ]
    for group in groups("hard keys", MAPPING_LIFE, candidates, kinds, [n], quick):
        yield replace(group, rounds=5)


def section_peers(quick: bool) -> Iterator[Group]:
    holder = {
        "set": "m = t[0]\nfor k in x: m = m.insert(k, k)\nt[0] = m",
        "get": "m = t[0]\nfor k in x: m[k]",
        "miss": "m = t[0]\nfor k in x: k in m",
        "iterate": "for k in t[0]: pass",
        "del": "m = t[0]\nfor k in x: m = m.remove(k)\nt[0] = m",
    }
    mutation = mapping("immutables", "Map().mutate()", "from immutables import Map")
    # What is being changed cannot be walked over; it is first made immutable, and then no longer the same to change.
    mutation = replace(mutation, code={stage: code for stage, code in mutation.code.items() if stage != "iterate"})
    candidates = [
        DICT,
        TABLE,
        mapping("PyO3", "Table()", "from with_pyo3 import Table"),
        mapping("cykhash", "PyObjectMap()", "from cykhash import PyObjectMap"),
        mutation,
        mapping("sortedcontainers", "SortedDict()", "from sortedcontainers import SortedDict"),
        Candidate("rpds-py", "[HashTrieMap()]", holder, "from rpds import HashTrieMap"),
    ]
    strings_only = [mapping("multidict", "MultiDict()", "from multidict import MultiDict")]
    for kind in ("int", "str"):
        everyone = candidates + strings_only * (kind == "str")
        sizes = [10**3] if quick else [10**3, 10**5]
        yield from groups("peers", MAPPING_LIFE, everyone, [kind], sizes, quick)


#: Section, and the groups in it.
SECTIONS: dict[str, Callable[[bool], Iterator[Group]]] = {
    "mapping": section_mapping,
    "methods": section_methods,
    "bulk": section_bulk,
    "views": section_views,
    "keys": section_keys,
    "hash function": section_hash_function,
    "textbook": section_textbook,
    "PyO3": section_pyo3,
    "call": section_call,
    "sizes": section_sizes,
    "hard keys": section_hard_keys,
    "peers": section_peers,
}


# ---- sections whose measurements have a process each -----------------------------------------------------------------

Run = Callable[..., Any]
MAPPINGS = {"dict": ("", "{}"), "HashTable": (HASHTABLE, "HashTable()")}


def compared(section: str, kind: str, n: int, samples: Mapping[str, Mapping[str, Sequence[float]]]) -> Measured:
    """What came of samples of dict and others: by candidate and stage, a sample a round."""
    result = Measured(section, kind, n, {})
    for name, stages in samples.items():
        result.ratios[name] = {}
        for stage, values in stages.items():
            quotients = [value / base for value, base in zip(values, samples["dict"][stage])]
            result.ratios[name][stage] = ratio_of(quotients, values)
    return result


def section_memory(quick: bool, run: Run) -> Iterator[Measured]:
    largest = 10**6 if quick else 10**7
    for kind in ("int", "str"):
        steps = {
            name: [(n, size) for n, size in run("growth", *how, kind, largest) if n] for name, how in MAPPINGS.items()
        }
        # The worst is right after a change; of those between a tenth of the largest number of pairs and all of it, one is tried
        # for RSS too.
        worst = {
            name: max((s for s in taken if s[0] >= 1000), key=lambda s: s[1] / s[0]) for name, taken in steps.items()
        }
        for_rss = {
            name: max((s for s in taken if s[0] >= largest // 10), key=lambda s: s[1] / s[0])[0]
            for name, taken in steps.items()
        }
        times = range(1 if quick else 3)
        plain = {name: [run("memory", *how, kind, 10**6) for _ in times] for name, how in MAPPINGS.items()}
        fullest = {name: [run("memory", *how, kind, for_rss[name]) for _ in times] for name, how in MAPPINGS.items()}
        samples = {
            name: {
                "arrays": [sample["arrays"] for sample in plain[name]],
                "RSS": [sample["RSS"] for sample in plain[name]],
                "arrays, worst": [worst[name][1] / worst[name][0]],
                "RSS, worst": [sample["RSS"] for sample in fullest[name]],
            }
            for name in MAPPINGS
        }
        measured = compared("memory", kind, 10**6, samples)
        measured.growth = {name: [(0, 0), *taken, (largest, taken[-1][1])] for name, taken in steps.items()}
        yield measured


def section_pause(quick: bool, run: Run) -> Iterator[Measured]:
    n = 10**6 if quick else 10**7
    for kind in ("int", "str"):
        everyone = {"dict": MAPPINGS["dict"], "dict again": MAPPINGS["dict"], "HashTable": MAPPINGS["HashTable"]}
        samples: dict[str, list[float]] = {name: [] for name in everyone}
        # Three, and not again if it is noisy: each takes a good many seconds.
        for number in range(3):
            # Not always in the same order.
            for name in sorted(everyone, reverse=number % 2 == 1):
                samples[name].append(run("pause", *everyone[name], kind, n))
        measured = compared("pause", kind, n, {name: {"longest insert": taken} for name, taken in samples.items()})
        measured.noise = abs(measured.ratios["dict again"]["longest insert"].median - 1)
        yield measured


def section_import(quick: bool, run: Run) -> Iterator[Measured]:
    folder = str(FOLDER / "import")
    samples: dict[str, list[float]] = {"empty": [], "hashtable": []}
    for number in range(11 if quick else 41):
        for module in sorted(samples, reverse=number % 2 == 1):
            samples[module].append(run("load", module, folder))
    more = [mine - base for mine, base in zip(samples["hashtable"], samples["empty"])]
    yield Measured("import", "", 0, {"HashTable": {"milliseconds": ratio_of(more, more)}})


APART: dict[str, Callable[[bool, Run], Iterator[Measured]]] = {
    "memory": section_memory,
    "pause": section_pause,
    "import": section_import,
}


# ---- goals -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Goal:
    """What HashTable is to reach.

    Attributes:
        work: what is measured.
        sections: the sections of the results that it is about.
        text: the goal in words.
        worst: no ratio may be above.
        mean: nor their geometric mean above this; None if there is no such limit.
        kinds: kinds of keys that it is about; all if empty.
        stages: stages that it is about; all but what only prepares if empty.
    """

    work: str
    sections: tuple[str, ...]
    text: str
    worst: float
    mean: float | None = None
    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


GOALS = [
    Goal("set, get, miss, iterate, del against dict", ("mapping",), "none above 1.0; mean at most 0.80", 1.0, 0.80),
    Goal(
        "get, set, pop, setdefault against dict's methods", ("methods",), "none above 1.0; mean at most 0.85", 1.0, 0.85
    ),
    Goal("update, construction, copy against dict", ("bulk",), "at most 0.6", 0.6),
    Goal("==, items(), values() against dict", ("views",), "at most 0.9", 0.9),
    Goal("bytes per pair at 10^6, int", ("memory",), "at most 0.7", 0.7, None, ("int",), ("arrays", "RSS")),
    Goal("bytes per pair at 10^6, str", ("memory",), "at most 1.0", 1.0, None, ("str",), ("arrays", "RSS")),
    Goal(
        "bytes per pair just after a doubling",
        ("memory",),
        "at most dict's own worst",
        1.0,
        None,
        (),
        ("arrays, worst", "RSS, worst"),
    ),
    Goal("keys that are equal and not identical, tuples, objects", ("other keys",), "at most 1.0", 1.0),
    Goal("a Python hash function: get against map", ("hash function",), "at most 1.15", 1.15),
    Goal("against the textbook extension in C", ("textbook",), "at most 0.2: five times faster", 0.2),
    Goal("against PyO3 over hashbrown", ("PyO3",), "below 1.0 on every operation", 1.0),
    Goal("get on an empty table against a C function", ("call",), "at most 1.05", 1.05),
    Goal("the longest insert while growing, against dict", ("pause",), "at most 1.0", 1.0),
    Goal("import, over an empty extension", ("import",), "at most 1 ms", 1.0),
    Goal(
        "a size that is no power of two against one that is",
        ("odd size", "odd size, grown from 7"),
        "at most 1.10",
        1.10,
    ),
]

#: Stages that only prepare another.
PREPARING = {"fill", "fill another"}


@dataclass(frozen=True)
class Finding:
    """What a goal came to.

    Attributes:
        goal: the goal.
        worst: the largest ratio that it is about.
        where: kind, number of keys and stage of that.
        mean: the geometric mean of all.
        above: how many are above the limit, of how many.
        noisy: whether a group that it rests on was too noisy.
    """

    goal: Goal
    worst: Ratio
    where: str
    mean: float
    above: int
    of: int
    noisy: bool

    def reached(self) -> bool:
        return self.worst.median <= self.goal.worst and (self.goal.mean is None or self.mean <= self.goal.mean)


def finding(goal: Goal, results: Sequence[Measured]) -> Finding | None:
    """What a goal came to, in these results; None if nothing was measured of it."""
    found = []
    noisy = False
    for measured in results:
        if measured.section in goal.sections and (not goal.kinds or measured.kind in goal.kinds):
            noisy = noisy or measured.too_noisy()
            for stage, ratio in measured.ratios.get("HashTable", {}).items():
                if stage in goal.stages if goal.stages else stage not in PREPARING:
                    found.append((ratio, f"{stage}; {measured.kind}, {measured.n:,}" if measured.kind else stage))
    if not found:
        return None
    worst, where = max(found, key=lambda pair: pair[0].median)
    # Of what is not a ratio (milliseconds, which may be below 0) there is no geometric mean.
    medians = [ratio.median for ratio, _ in found]
    mean = math.exp(sum(map(math.log, medians)) / len(medians)) if min(medians) > 0 else math.nan
    above = sum(median > goal.worst for median in medians)
    return Finding(goal, worst, where, mean, above, len(found), noisy)
