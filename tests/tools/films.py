"""Films, for those who test replays: scripts that ask for counts while they are recorded, and what a film says in answer.

A script probes: it prints what `sys.getrefcount` gives for one of its names, in a line of its own. The film has a step for that
line, and at that step a count for the object of that name. The two must agree, at every probe, in the script and in functions
that the extension calls in the middle of its own work.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st

#: What a step can be, and what can change at it. docs/replay-format.md says what each means.
KINDS = ("line", "call", "return", "exception", "enter", "leave", "event", "said", "table", "finding", "end", "crash")
CHANGES = (
    *("born", "count", "unfollowed", "gone", "freed", "push", "pop", "name", "items", "enter", "leave", "hand", "lend"),
    *(
        "field",
        "exchange fields",
        "entry",
        "exchange entries",
        "walk",
        "passed",
        "candidate",
        "end",
        "entry at",
        "hole",
    ),
    *("rebuilt", "no table", "lost", "owed"),
)

NAMES = ("a", "b", "c", "d")

# Whatever the collector finds and takes apart may have held one of the small ints, which before CPython 3.11 are counted like
# everything else: it shall not do so between a count and the question for it.
PRELUDE = """\
import gc
import hashtable
from sys import getrefcount

gc.collect()
gc.disable()

class Key:
    def __init__(self, number):
        self.number = number
    def __eq__(self, other):
        mine = object()
        cost = getrefcount(mine) - 1
        print("PROBE self", getrefcount(self) - cost)
        print("PROBE other", getrefcount(other) - cost)
        return self.number == other.number
    def __hash__(self):
        return 7

def hash_by_hand(key):
    mine = object()
    cost = getrefcount(mine) - 1
    print("PROBE key", getrefcount(key) - cost)
    return hash(key)

def borrow(thing):
    mine = object()
    cost = getrefcount(mine) - 1
    print("PROBE thing", getrefcount(thing) - cost)
    other = thing
    print("PROBE thing", getrefcount(thing) - cost)
    return other

fresh = object()
cost = getrefcount(fresh) - 1
a, b, c, d = Key(1), Key(2), "".join(["x", "y"]), [Key(3)]
h = hashtable.HashTable(2, 1.0, hash_by_hand)
g = hashtable.HashTable()
l, m = [], {}
"""


def _probe() -> str:
    return "\n".join(f'print("PROBE {name}", getrefcount({name}) - cost)' for name in (*NAMES, "h"))


def example(ints: bool = True) -> str:
    """A script that always is the same; with small ints in it, or not."""
    steps = ["h.set(a, b)", "l.append(a)", "b = a", "h.set(Key(1), c)", "borrow(c)", "h.get(a)", "h.pop(a, None)"]
    steps += ["a = Key(9)", "b = None", "g.update({'k': c})", "del l[:]", "a = b = c = 1", "h.clear()"]
    # The recorder has small ints of its own, for lines, frames and what not.
    if ints:
        steps += ["a, b, c = 0, 2, 3", "g.set(a, b)", "borrow(c)", "l += [a, b, c]", "a = 17; b = 256; c = 40"]
    return script(steps)


def script(steps: list[str]) -> str:
    """A script of such steps, with probes between them."""
    return PRELUDE + "\n".join(f"{step}\n{_probe()}" for step in steps) + "\n"


def scripts() -> st.SearchStrategy[str]:
    """Scripts that do what programs do with tables, lists, dicts and names."""
    name, table = st.sampled_from(NAMES), st.sampled_from(("h", "g"))
    key = st.sampled_from(("a", "b", "c", "Key(1)", "Key(2)", "'k'", "(a, c)"))

    def made(form: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.fixed_dictionaries(parts).map(lambda chosen: form.format(**chosen))

    step = st.one_of(
        made("{t}.set({k}, {n})", t=table, k=key, n=name),
        made("{t}.set({k}, {n})", t=table, k=key, n=name),
        made("{t}.get({k}, {n})", t=table, k=key, n=name),
        made("{t}.pop({k}, None)", t=table, k=key),
        made("{n} = {t}.get({k}, {n})", t=table, k=key, n=name),
        made("{n} = {t}.setdefault({k}, {n})", t=table, k=key, n=name),
        made("{n} = {o}", n=name, o=name),
        made("{n} = Key({i})", n=name, i=st.sampled_from("123")),
        made("{n} = {i}", n=name, i=st.integers(-5, 300)),
        made("{n} = [a, b, [c]]", n=name),
        made("l.append({n})", n=name),
        made("m['x'] = {n}", n=name),
        made("borrow({n})", n=name),
        made("{t} = {t}.copy()", t=table),
        made("list({t}.items())", t=table),
        made("{t}.clear()", t=table),
        st.sampled_from(["del l[:]", "m.clear()", "h.update(g.copy())", "e = iter(h.values()); next(e, None); del e"]),
    )
    # A list is no key; what is made of one may not be hashed.
    guarded = step.map(lambda text: f"try: {text}\nexcept TypeError: pass" if ";" not in text else text)
    return st.lists(guarded, min_size=4, max_size=12).map(script)


def probes(film: dict) -> list[tuple[int, int, int]]:
    """Step, object and count of each probe: the film's step, and what the script printed."""
    lines = film["files"][0]["parts"][0][1]
    printed = re.findall(r"^PROBE (\w+) (-?\d+)$", film["output"], re.MULTILINE)
    frames: dict[int, dict[str, int]] = {}
    found = []
    for at, step in enumerate(film["steps"]):
        for change in step["changes"]:
            if change[0] == "push":
                frames[change[1]] = {}
            elif change[0] == "name" and change[3] is None:
                frames[change[1]].pop(change[2], None)
            elif change[0] == "name":
                frames[change[1]][change[2]] = change[3]
        asked = re.match(r'print\("PROBE (\w+)"', lines[step["line"] - 1].strip()) if step["kind"] == "line" else None
        if asked:
            name, count = printed[len(found)]
            assert name == asked[1], (at, name, asked[1])
            found.append((at, frames[step["frame"]][name], int(count)))
    assert len(found) == len(printed)
    return found


def counts_by_python(film: dict) -> list[int | str | None]:
    """For each probe, the count that the film has for its object at its step."""
    wanted = probes(film)
    counts: dict[int, int | str] = {}
    found = []
    for at, step in enumerate(film["steps"]):
        for change in step["changes"]:
            if change[0] == "count":
                counts[change[1]] = change[2]
        while len(found) < len(wanted) and wanted[len(found)][0] == at:
            found.append(counts.get(wanted[len(found)][1]))
    return found


def wrong_counts(film: dict, told: list) -> list[str]:
    """Where a film is wrong, in words."""
    wrong = []
    for (at, thing, count), says in zip(probes(film), told):
        # What is never freed has a count that says so, and no other.
        never_freed = count >= 2**28 or film["objects"][thing]["type"] in ("NoneType", "bool")
        if says != count and not (says == "immortal" and never_freed):
            wrong.append(
                f"step {at}: object {thing} {film['objects'][thing]}: {says} in the film, {count} by getrefcount"
            )
    return wrong


def break_a_count(film: dict, how: str) -> bool:
    """Falsifies one count of an object that is probed, before the probe. Whether there was one."""
    for at, thing, _ in reversed(probes(film)):
        for step in reversed(film["steps"][: at + 1]):
            for change in step["changes"]:
                if change[0] == "count" and change[1] == thing and change[2] != "immortal":
                    if how == "forgotten":
                        step["changes"].remove(change)
                        if wrong_counts(film, counts_by_python(film)):
                            return True
                        step["changes"].append(change)
                    else:
                        change[2] += 1
                    if how != "forgotten":
                        return True
                    break
    return False
