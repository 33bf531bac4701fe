"""How time is measured.

A *candidate* is a thing that can be filled, read and emptied: dict, HashTable, a peer. A *stage* is one piece of work, such as
reading every key. A *life* is all stages one after another on one new table. A *group* is a number of candidates that live the same
life on the same keys; what it measures are ratios between them.

What makes the ratios worth something:

* A group has a process of its own, so that memory lies elsewhere in each, strings hash otherwise, and no group inherits the heap of
  another.
* In it, every life is lived in a child that is forked for it and ends with it. So every candidate finds the same settled heap, with
  nothing in it but the keys; no candidate pays for the nodes that another one gave back.
* In every round each candidate lives once (for a small number of keys: many times), in random order. Ratios are taken within a
  round, and the median of the rounds counts; its spread is the middle half of them.
* The clock counts the time in which the processor worked for this process, not that in which others had it. What reading the clock
  costs is measured and taken off.
* The garbage collector of Python is off: when it runs depends on what was allocated before.
* The candidate that the others are compared with, mostly dict, is there twice. Its ratio to itself must be within 5 % of 1 in every
  stage, or the machine was too noisy; then the group is measured again, at most `TRIES` times, and the quietest try is kept, with
  a mark if it was not quiet enough either.

Each statement is compiled anew for each candidate: an interpreter that adapts its bytecode to what it meets has met only this one.
The time of a statement has the `for` loop around it in it, on both sides of the ratio alike.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPT = HERE / "measuring.py"

#: How far from 1 the ratio of dict to itself may be.
NOISE = 0.05
#: How often a group is measured at most.
TRIES = 3
#: How many keys a sample goes through at least; for fewer there are several lives in it.
KEYS_IN_A_SAMPLE = 100_000


@dataclass(frozen=True)
class Candidate:
    """Something that is measured.

    Attributes:
        name: its name.
        make: a Python expression for a new, empty one.
        code: for each stage, the body of a function of `t`, the table, and `x`, the stage's material. One without is left out.
        imports: what must be imported for all that.
    """

    name: str
    make: str
    code: Mapping[str, str]
    imports: str = ""


def again(candidate: Candidate) -> Candidate:
    """The same candidate under another name: a control."""
    return replace(candidate, name=f"{candidate.name} again")


@dataclass(frozen=True)
class Group:
    """Candidates that are compared.

    Attributes:
        section: what it belongs to.
        kind: the kind of the keys, see keys.py.
        n: how many keys.
        stages: the life: each stage and the material that it is given.
        candidates: the first is what the others are compared with. The control is the same once more, called so by `again`.
        rounds: how many rounds.
        seed: of every random order.
    """

    section: str
    kind: str
    n: int
    stages: Sequence[tuple[str, str]]
    candidates: Sequence[Candidate]
    rounds: int
    seed: int = 1

    def title(self) -> str:
        return f"{self.section}, {self.kind}, {self.n:,} keys"


def within(largest: int | None, groups: Sequence[Group]) -> tuple[list[Group], dict[str, str]]:
    """The groups with at most so many keys, or all; and of the others why they are missing."""
    chosen = [group for group in groups if largest is None or group.n <= largest]
    why = f"it was left out, with all that has more than {largest:,} keys" if largest is not None else ""
    return chosen, {group.title(): why for group in groups if group not in chosen}


@dataclass
class Ratio:
    """The time of one candidate over that of the first, in one stage.

    Attributes:
        median, low, high: of the rounds: the median and the quartiles around it.
        each: what one key took in the median, in nanoseconds or bytes. Nanoseconds say something about this machine only.
    """

    median: float
    low: float
    high: float
    each: float


@dataclass
class Measured:
    """What came of a group.

    Attributes:
        ratios: by candidate and stage.
        failed: candidates that could not live, and the last line of why.
        noise: the largest distance from 1 of the control's ratios; None if there was no control.
        tries: how often it was measured.
        growth: by candidate, the numbers of pairs at which it changed its size, and the bytes that it then had.
    """

    section: str
    kind: str
    n: int
    ratios: dict[str, dict[str, Ratio]]
    failed: dict[str, str] = field(default_factory=dict)
    noise: float | None = None
    tries: int = 1
    growth: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def too_noisy(self) -> bool:
        return self.noise is not None and self.noise > NOISE


# ---- in the group's own process --------------------------------------------------------------------------------------


def clock_cost() -> float:
    """What it costs to read the clock, in nanoseconds."""
    clock = time.process_time_ns
    return statistics.median(-(clock() - clock()) for _ in range(1001))


def compiled(
    candidate: Candidate, stages: Sequence[tuple[str, str]]
) -> tuple[Callable[[], Any], dict[str, Callable[..., Any]]]:
    """What makes a candidate's table, and its stages as functions of a table and the material."""
    names: dict[str, Any] = {}
    exec(candidate.imports, names)
    functions = {}
    for stage, _ in stages:
        if stage in candidate.code:
            body = "\n".join("    " + line for line in candidate.code[stage].splitlines())
            exec(f"def stage(t, x):\n{body}\n", names)
            functions[stage] = names.pop("stage")
    return eval(f"lambda: {candidate.make}", names), functions


def live(group: Group, candidate: Candidate, material: Mapping[str, Any]) -> dict[str, float]:
    """A sample: one candidate's lives. Returns what each stage took per key, in nanoseconds."""
    make, functions = compiled(candidate, group.stages)
    clock = time.process_time_ns
    cost = clock_cost()
    # A forked process shares its memory with its parent until it writes to it. A count of references is written to.
    for objects in material.values():
        for _ in objects:
            pass
    lives = max(1, KEYS_IN_A_SAMPLE // group.n)
    spent = dict.fromkeys(functions, 0.0)
    # The first life of many is for the interpreter to get to know its statements.
    for life in range(lives + (lives > 1)):
        table = make()
        for stage, wanted in group.stages:
            if stage in functions:
                function, given = functions[stage], material[wanted]
                begin = clock()
                result = function(table, given)
                took = clock() - begin - cost
                del result
                if life or lives == 1:
                    spent[stage] += took
        del table
    return {stage: time / lives / group.n for stage, time in spent.items()}


def in_child(work: Callable[[], Any]) -> tuple[Any, str]:
    """Calls a function in a forked child. Returns its result and "", or None and why there is none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                answer = json.dumps([work(), ""])
            except BaseException:
                answer = json.dumps([None, traceback.format_exc().strip().splitlines()[-1]])
            with open(writer, "w") as pipe:
                pipe.write(answer)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if not answer:
        return None, f"it ended with status {status}"
    result, why = json.loads(answer)
    return result, why


def measure_here(group: Group, say: Callable[[str], None] = lambda line: None) -> Measured:
    """Measures a group in this process, once."""
    from keys import material

    gc.disable()
    made = material(group.kind, group.n, {wanted for _, wanted in group.stages}, group.seed)
    order = random.Random(group.seed)
    samples: dict[str, list[dict[str, float]]] = {candidate.name: [] for candidate in group.candidates}
    failed: dict[str, str] = {}
    for number in range(group.rounds):
        say(f"round {number + 1} of {group.rounds}")
        for candidate in order.sample(list(group.candidates), len(group.candidates)):
            if candidate.name not in failed:
                sample, why = in_child(lambda candidate=candidate: live(group, candidate, made))  # type: ignore[misc]
                if why:
                    failed[candidate.name] = why
                else:
                    samples[candidate.name].append(sample)
    return ratios_of(group, samples, failed)


def ratio_of(quotients: Sequence[float], each: Sequence[float]) -> Ratio:
    """The median of the rounds and their spread.

    Args:
        quotients: a ratio for each round.
        each: what was measured in each, in nanoseconds or bytes.
    """
    if len(quotients) > 1:
        low, median, high = statistics.quantiles(quotients, n=4, method="inclusive")
    else:
        low = median = high = quotients[0]
    return Ratio(median, low, high, statistics.median(each))


def ratios_of(group: Group, samples: Mapping[str, Sequence[Mapping[str, float]]], failed: dict[str, str]) -> Measured:
    """Makes ratios of samples: those of each candidate, one a round."""
    first = group.candidates[0].name
    if first in failed:
        raise RuntimeError(f"{group.title()}: {first} itself failed: {failed[first]}")
    result = Measured(group.section, group.kind, group.n, {}, failed)
    for name, rounds in samples.items():
        if name in failed:
            continue
        result.ratios[name] = {}
        for stage in rounds[0]:
            # What only a peer does (an empty loop) is compared with what the first one does in the same stage, if anything.
            pairs = [(mine[stage], base[stage]) for mine, base in zip(rounds, samples[first]) if base.get(stage)]
            if pairs:
                each = [mine for mine, _ in pairs]
                result.ratios[name][stage] = ratio_of([mine / base for mine, base in pairs], each)
    control = result.ratios.get(again(group.candidates[0]).name)
    if control:
        result.noise = max(abs(ratio.median - 1) for ratio in control.values())
    return result


def to_json(measured: Measured) -> dict[str, Any]:
    """For a file: a ratio is a list of its four numbers."""
    ratios = {
        name: {stage: list(asdict(ratio).values()) for stage, ratio in stages.items()}
        for name, stages in measured.ratios.items()
    }
    return {**asdict(measured), "ratios": ratios}


def from_json(read: Mapping[str, Any]) -> Measured:
    """What `to_json` wrote."""
    ratios = {
        name: {stage: Ratio(*ratio) for stage, ratio in stages.items()} for name, stages in read["ratios"].items()
    }
    return Measured(**{**read, "ratios": ratios})


def group_from_json(read: Mapping[str, Any]) -> Group:
    candidates = [Candidate(**candidate) for candidate in read["candidates"]]
    return Group(**{**read, "candidates": candidates, "stages": [tuple(stage) for stage in read["stages"]]})


# ---- from outside ----------------------------------------------------------------------------------------------------


def quietest(measure: Callable[[], Measured], warn: Callable[[str], None], tries: int = TRIES) -> Measured:
    """Measures until the control is as fast as what it is the same as, or `tries` times.

    Args:
        measure: measures once.
        warn: is told when the machine is too noisy.
        tries: how often it may be done.

    Returns:
        The first try that is quiet enough, or else the quietest.
    """
    best: Measured | None = None
    for number in range(1, tries + 1):
        now = measure()
        now.tries = number
        if best is None or (now.noise or 0) < (best.noise or 0):
            best = now
        if not now.too_noisy():
            return now
        after = "measured again" if number < tries else f"given up; the quietest of {tries} tries is kept"
        warn(f"the machine is too noisy: the same differs from itself by {now.noise or 0:.0%}; {after}")
    assert best is not None
    best.tries = tries
    return best


if __name__ == "__main__":
    # The group's own process: a group in, as JSON, and what came of it out.
    sys.path.insert(0, str(HERE))
    said = measure_here(group_from_json(json.loads(sys.argv[1])), lambda line: print(line, flush=True))
    print(json.dumps(to_json(said)))
