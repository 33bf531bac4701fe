"""What the ledger costs while it is kept: `make ledger-cost`.

The same operations are timed on the normal build and on the traced build, which enters every change of ownership, by
turns in one run; the fastest of several rounds counts. What is printed are ratios: the times themselves say something
about the machine only.

With `--in-full`, what the engine itself takes: nanoseconds for an event, which is the time that the traced build takes longer,
divided by the number of events; and, with a small extension in C that is built with the ledger (tests/foreign), for a
finding, first and later, and whether an object takes longer when many others live. These are times of this machine.

With `--suite NAME==VERSION`, how much longer a package's own tests take under the ledger (`make ledger-cost
SUITE=orjson==3.13.0`): those in the folder `test` or `tests` of its source distribution, with what a file `requirements.txt`
there asks for, by turns with the package as pip installs it and as `ledger --build` does. The seconds are pytest's own, without
the start of Python. Needs a network.

That the ledger costs nothing where it is not kept is another matter, shown by `make same-code`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import timeit
from pathlib import Path

import click
import hashtable
import hashtable_traced
from hashtable_lab import children
from hashtable_lab.audit import report
from hashtable_lab.audit.ledger import ledger
from hashtable_lab.field import packages
from hashtable_lab.field.suite import QUIET
from hashtable_lab.foreign.build import build, unpack
from hashtable_lab.stage import Stage

OPERATIONS = {
    "h.get(key)": "for key in keys: h.get(key)",
    "h[key] = value": "for key in keys: h[key] = key",
    "h.get(key), hash_func in Python": "for key in keys: own.get(key)",
    "make a table and let it go": "for _ in keys: HashTable()",
    "list(h.items())": "list(h.items())",
    "h.copy()": "h.copy()",
}


def prepared(module):
    """The names that the statements use, for one of the builds."""
    keys = [f"key {number}" for number in range(1000)]
    h = module.HashTable(2048)
    own = module.HashTable(2048, hash_func=lambda key: hash(key))
    for key in keys:
        h[key] = own[key] = key
    return {"h": h, "own": own, "keys": keys, "HashTable": module.HashTable}


def fastest(timers, rounds):
    """The shortest time of each timer, the timers by turns."""
    times = [[timer.timeit(1) for timer in timers] for _ in range(rounds)]
    return [min(column) for column in zip(*times)]


#: The package whose functions make findings: of two functions that do the same, one forgets what it made.
PACKAGE = Path(__file__).parents[1] / "foreign" / "package"

#: What is run against it. It writes seconds into a file: for the same call without a finding and with one, the first times and
#: later, and for an object, with few and with many others that live.
FINDINGS = """
import json, sys, time
import kept_c as m
def each(function, number):
    begun = time.perf_counter()
    for _ in range(number):
        function(None)
    return (time.perf_counter() - begun) / number
def objects(number):
    begun = time.perf_counter()
    kept = [m.plain(None) for _ in range(number)]
    del kept
    return (time.perf_counter() - begun) / number
each(m.pair, 1000)
first = each(m.leak_pair, 5)
each(m.leak_pair, 100)
times = {"first": first}
times["right"] = min(each(m.pair, 2000) for _ in range(5))
times["found"] = min(each(m.leak_pair, 2000) for _ in range(5))
times |= {"few": min(objects(1000) for _ in range(5)), "many": objects(30000)}
with open(sys.argv[1], "w") as file:
    json.dump(times, file)
"""


def of_findings(stage: Stage) -> dict[str, float]:
    """The times that `FINDINGS` writes down."""
    built = build(PACKAGE, stage)
    with tempfile.TemporaryDirectory() as folder:
        script, answer = Path(folder, "script.py"), Path(folder, "times.json")
        script.write_text(FINDINGS, encoding="utf-8")
        ended = report.run(report.Program(str(script), (str(answer),)), built.subject())
        if not ended.well:
            raise SystemExit(ended.ending)
        found: dict[str, float] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def events_of(statement: str) -> int:
    """How many events one run of a statement is."""
    names = prepared(hashtable_traced)
    with ledger(hashtable_traced) as opened:
        exec(statement, names)
    return len(opened.events)


def of_a_suite(which: str, rounds: int, stage: Stage) -> None:
    """Times the tests of a package by turns, and prints how much longer they take under the ledger."""
    package, _, version = which.partition("==")
    archive = packages.source(package, version)
    with tempfile.TemporaryDirectory() as place:
        source = unpack(archive, Path(place, "source"), archive.name)
        tests = next(folder for folder in (source / "test", source / "tests") if folder.is_dir())
        # Nothing else of the source may be imported in place of what is installed.
        tests = tests.rename(Path(place, tests.name))
        listed = tests / "requirements.txt"
        needs = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
        with stage.busy(f"installing {which}"):
            plain = report.Subject(None, (str(packages.installed(package, version, "", needs)),))
        kept = build(archive, stage, needs).subject()
        Path(place, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        arguments = ("-q", "-c", str(Path(place, "pytest.ini")), f"--rootdir={place}", *QUIET, str(tests))
        ways = {"as pip installs it": plain, "with the ledger": kept}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        ended = {}
        with stage.progress(which, rounds) as advance:
            for number in range(rounds):
                for way, subject in ways.items():
                    taken, ended[way] = _time_of(arguments, subject, way == "with the ledger", Path(place))
                    seconds[way].append(taken)
                advance(number + 1)
    least = {way: min(times) for way, times in seconds.items()}
    rows = [(way, ended[way], f"{least[way]:.2f}", f"{least[way] / least['as pip installs it']:.1f}") for way in ways]
    stage.table([f"the tests of {which}", "", "seconds", "ratio"], rows)


def _time_of(arguments: tuple[str, ...], subject: report.Subject, judged: bool, home: Path) -> tuple[float, str]:
    """The seconds that pytest says the tests took, and how they ended."""
    if judged:
        with open(home / "said", "w+", encoding="utf-8") as said:
            program = report.Program("pytest", arguments, is_module=True)
            report.run(program, subject, output=said.fileno(), errors=said.fileno(), folder=home)
            said.seek(0)
            output = said.read()
    else:
        variables = {"PYTHONPATH": os.pathsep.join(subject.path)}
        output = children.run_command([sys.executable, "-P", "-m", "pytest", *arguments], variables, 3600.0).output
    last = (output.strip().splitlines() or ["nothing"])[-1]
    told = re.search(r"(.*) in ([\d.]+)s", last)
    if told is None:
        raise SystemExit(f"the tests did not come to their end: {last}")
    return float(told[2]), told[1].strip("= ")


@click.command()
@click.option("--in-full", is_flag=True, help="Also what an event and a finding take, and an object among many.")
@click.option("--suite", metavar="NAME==VERSION", help="Only how much longer this package's own tests take.")
@click.option("--rounds", type=click.IntRange(min=1), default=30, show_default=True, help="Of each operation.")
def main(in_full: bool, suite: str | None, rounds: int) -> None:
    """Times the traced build, which keeps a ledger, against the normal build."""
    hashtable_traced.announce(False)
    stage = Stage()
    if suite is not None:
        of_a_suite(suite, min(rounds, 2), stage)
        return
    rows, events = [], []
    with stage.progress("ledger-cost", len(OPERATIONS)) as advance:
        for number, (name, statement) in enumerate(OPERATIONS.items()):
            normal, traced = (
                timeit.Timer(statement, globals=prepared(module)) for module in (hashtable, hashtable_traced)
            )
            without, kept = fastest([normal, traced], rounds)
            with ledger(hashtable_traced):
                # The record takes memory: a few rounds do.
                (recorded,) = fastest([traced], min(rounds, 5))
            rows.append((name, "1", f"{kept / without:.0f}", f"{recorded / without:.0f}"))
            if in_full:
                count = events_of(statement)
                events.append((name, f"{(kept - without) / count * 1e9:.0f}", str(count)))
            advance(number + 1)
    stage.table(["operation", "normal build", "ledger kept", "and every event recorded"], rows)
    stage.say(
        "Ratios of times, in one run. In the normal build there is no ledger: `make same-code` compares the code."
    )
    if not in_full:
        return
    stage.table(["operation", "ns per event", "events"], events)
    times = of_findings(stage)
    stage.table(
        ["in an extension in C", "microseconds"],
        [
            ("a finding, when its line is met first", f"{(times['first'] - times['right']) * 1e6:.1f}"),
            ("a finding", f"{(times['found'] - times['right']) * 1e6:.2f}"),
            ("a call without one", f"{times['right'] * 1e6:.2f}"),
            ("an object, made and freed, 1000 alive", f"{times['few'] * 1e6:.2f}"),
            ("an object, made and freed, 30000 alive", f"{times['many'] * 1e6:.2f}"),
        ],
    )


if __name__ == "__main__":
    main()
