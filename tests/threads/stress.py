"""Lets threads loose on tables, and looks for an order of their calls that explains what they saw: `make threads`.

    python tests/threads/stress.py [--rounds N] [SCENARIO]...

Each scenario of scenarios.py runs in a child of its own, with a limit of time: a crash is an exit code, and a deadlock an end. Then
the control: tables whose calls happen at two moments, of which the same scenarios must complain. (`make threads` has other controls
besides, NAME.diff here: each takes something out of the source, and names the scenario that must complain then.) On a
free-threaded CPython the children run without the GIL if the module declares that it can do without; --gil 0 takes it away all the
same, --gil 1 keeps it.

Exit codes: 0 all is explained, and the control is not; 1 something is not explained, crashed or hung; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
#: Those whose calls the control tears apart.
TORN = ["SetAndPop", "Setdefault", "Popitem", "ClearAndLength"]
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


class Seen(NamedTuple):
    """What was seen of a scenario.

    Attributes:
        gil: whether there was a GIL; None if that is not known.
        complaints: none if all is well.
        left_out: why the scenario has not run, "" if it has.
    """

    gil: bool | None
    complaints: list[str]
    left_out: str = ""


def controls() -> dict[str, tuple[dict[str, str], str]]:
    """Of each NAME.diff here the fields of its header, and the diff: `What` it does, and the `Scenario` that must complain."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.diff")):
        header, _, diff = file.read_text(encoding="utf-8").partition("\n--- ")
        fields = {
            match[1]: match[2].strip() for match in re.finditer(r"^(\w+):((?:.*\n?)(?:[ \t]+.*\n?)*)", header, re.M)
        }
        found[file.stem] = fields, "--- " + diff
    return found


def one(name: str, rounds: int, seed: int, control: bool) -> int:
    """Runs a scenario here. Prints what was seen as JSON."""
    import scenarios
    from subject import HashTable

    kind = scenarios.torn(HashTable) if control else HashTable
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    left_out = scenarios.left_out(name)
    print(json.dumps(Seen(enabled, [] if left_out else scenarios.run(name, kind, rounds, seed), left_out)))
    return 0


def in_child(name: str, rounds: int, seed: int, control: bool, limit: float, gil: str = "") -> Seen:
    """Runs a scenario in a child.

    Args:
        name, rounds, seed: as for `scenarios.run`.
        control: whether the tables are torn.
        limit: how many seconds it may take.
        gil: on a free-threaded CPython, "0" or "1" to take the GIL away or keep it; "" is as the module wants it.
    """
    arguments = ["--here", "--rounds", str(rounds), "--seed", str(seed), *(["--control"] if control else []), name]
    path = os.pathsep.join([str(TESTS), str(TESTS / "hostile"), *map(os.path.abspath, sys.path[1:])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONFAULTHANDLER": "1"}
    if FREE_THREADED and gil:
        environment["PYTHON_GIL"] = gil
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    try:
        ending = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return Seen(None, [f"it did not end within {limit:.0f} seconds: a deadlock, or a loop"])
    if ending.returncode < 0:
        return Seen(None, [f"it crashed: {signal.Signals(-ending.returncode).name}\n{ending.stderr[:2000]}"])
    if ending.returncode:
        return Seen(None, [f"it ended with {ending.returncode}: {ending.stderr.strip().splitlines()[-1:]}"])
    return Seen(*json.loads(ending.stdout))


def main() -> int:
    sys.path[:0] = [str(TESTS), str(TESTS / "hostile"), str(Path(__file__).parent)]
    import scenarios

    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help="one or more of " + ", ".join(scenarios.SCENARIOS))
    parser.add_argument("--rounds", type=int, default=300, help="rounds of each scenario (300)")
    parser.add_argument("--seed", type=int, default=0, help="decides what is called (0)")
    parser.add_argument("--limit", type=float, default=300, help="seconds that a scenario may take (300)")
    parser.add_argument("--gil", choices=("0", "1"), default="", help="without or with the GIL, if it is free-threaded")
    parser.add_argument("--control", action="store_true", help="with tables whose calls are torn: complaints are right")
    parser.add_argument("--only", action="store_true", help="without the control")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in scenarios.SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}; there are: {', '.join(scenarios.SCENARIOS)}.")
    if chosen.here:
        return one(chosen.names[0], chosen.rounds, chosen.seed, chosen.control)
    failed = 0
    names = chosen.names or list(scenarios.SCENARIOS)
    for control in [True] if chosen.control else [False] if chosen.only else [False, True]:
        for name in [name for name in names if name in TORN] if control else names:
            begin = time.monotonic()
            # The control ends with its first complaint. How many rounds it takes is chance; so many cannot all go well.
            rounds = min(chosen.rounds, scenarios.SCENARIOS[name].rounds_at_most)
            rounds = max(rounds, 20_000) if control else rounds
            enabled, found, left_out = in_child(name, rounds, chosen.seed, control, chosen.limit, chosen.gil)
            gil = {True: "with the GIL", False: "without the GIL", None: ""}[enabled]
            if control:
                right = bool(found) and enabled is not None
                said = "the control is found out" if right else "THE CONTROL IS NOT FOUND OUT"
            else:
                right = not found
                explained = f"left out: {left_out}" if left_out else f"{rounds} rounds, all explained"
                said = explained if right else found[0]
            print(f"{name:26} {gil:16} {time.monotonic() - begin:5.1f} s  {said}", flush=True)
            failed += not right
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
