"""Makes everything fail that can fail, and sees that nothing comes of it but an exception. `make faults` does it.

    python tests/faults/faults.py [--json] [CALL...]

Runs on the traced build, of the classic form or, with --form and --folder, of another one (`make forms SUITES=faults`). Each call
of injection.py is made again and again: the first thing in it that may fail does, then the second, and so on until the call
succeeds. The import of the module is driven likewise, each time in a process of its own. With CALL, only calls that contain one
of these words (`setdefault`, `.update(`, `import`).

At the end it says how many places there are at which something may fail (fallible.py finds them in the source), how many of them
did fail, and what was wrong. Exit code 1 if anything was wrong, or a place never failed that is not in `CANNOT_BE_REACHED`.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import posixpath
import sys
import sysconfig
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tools")]
import fallible  # noqa: E402
from commands import ROOT, console, run_command  # noqa: E402
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: E402
from rich.table import Table  # noqa: E402

#: Of each form: the traced module, the first file of its crate, and whether it is built for the limited API.
FORMS = {
    "classic": ("hashtable_traced", "src/extension/lib.rs", False),
    "heap": ("hashtable_heap_traced", "src/forms/lib.rs", False),
    "abi3": ("hashtable_abi3_traced", "src/forms/lib.rs", True),
    "abi3t": ("hashtable_abi3t_traced", "src/forms/lib.rs", True),
}

#: The end of the versions in which something is so with the GIL only, and the beginning of those without it: all of them, or none.
WITH_THE_GIL = (3, 9) if sysconfig.get_config_var("Py_GIL_DISABLED") else (4, 0)
WITHOUT_THE_GIL = (4, 0) if WITH_THE_GIL == (4, 0) else (3, 9)

#: Places that no call can make fail: a file, what its line says, what fails there, with which versions of Python that is so (from
#: the first to before the second), and the proof. If such a place fails after all, that is an error; so is an entry that is no
#: place.
CANNOT_BE_REACHED = [
    ("src/extension/slots/picture.rs", "checked_mul(3)", "memory for Rust", (3, 9), (4, 0),
     "the length overflows only if there are 2**62 buckets of 4 bytes each, for which there are not enough addresses"),
    ("src/extension/fast/tuples.rs", "replace_in_tuple(pair, 0", "received", (3, 9), (4, 0),
     "a tuple hands out the item that it has: nothing is asked for that could be missing"),
    ("src/extension/fast/tuples.rs", "replace_in_tuple(pair, 1", "received", (3, 9), (4, 0),
     "a tuple hands out the item that it has: nothing is asked for that could be missing"),
    ("src/extension/ffi/versions.rs", "super::api::PyModule_AddObject(", "PyModule_AddObject", (3, 10), (4, 0),
     "compiled for Python 3.9 only; from 3.10 on PyModule_AddObjectRef takes its place"),
    ("src/extension/module.rs", "PyModule_AddObjectRef(", "PyModule_AddObjectRef", (3, 9), (3, 10),
     "Python 3.9 has no such function; versions.rs has one of that name, in which PyModule_AddObject fails"),
    ("src/extension/slots/mapping.rs", "type_lookup(Py_TYPE(op), name)", "PyDict_GetItemRef", (3, 9), (3, 13),
     "there is no such function before Python 3.13; versions.rs calls PyDict_GetItemWithError in its place"),
    ("src/extension/slots/mapping.rs", "type_lookup(Py_TYPE(op), name)", "PyDict_GetItemWithError", (3, 13), (4, 0),
     "from Python 3.13 on versions.rs calls PyDict_GetItemRef"),
    ("src/extension/slots/operators.rs", "dict_item(dict, key)", "PyDict_GetItemRef", (3, 9), WITH_THE_GIL,
     "compiled without the GIL only; with it, the function above borrows what is in the dict"),
    ("src/extension/slots/operators.rs", "dict_item(dict, key)", "PyDict_GetItemWithError", (3, 9), (4, 0),
     "compiled without the GIL only, and there versions.rs calls PyDict_GetItemRef"),
    ("src/extension/slots/operators.rs", "PyDict_GetItemWithError(dict, key)", "PyDict_GetItemWithError", WITHOUT_THE_GIL, (4, 0),
     "compiled with the GIL only; without it, the function below asks for a reference"),
    ("src/extension/fast/at_once.rs", "no_memory()", "memory for Rust", (3, 9), WITH_THE_GIL,
     "compiled without the GIL only; with it, the long way is short"),
]  # fmt: skip
#: What else cannot be reached in a form for the stable ABI: a file, what its line says, what fails there, and the proof.
NOT_REACHED_IF_LIMITED = [
    ("src/extension/fast/at_once.rs", "no_memory()", "memory for Rust",
     "the lock lies in the head of the object, where this form does not look: it always goes the long way (src/forms/limited.rs)"),
]  # fmt: skip
#: What is not so in the form for the stable ABI, which has another way at these places.
OTHERWISE_IF_LIMITED = {"type_lookup(Py_TYPE(op), name)"}


@dataclasses.dataclass(frozen=True)
class Wrong:
    """Something that misbehaved.

    Attributes:
        call: which call.
        fault: what was put in.
        nth: at which place of the call, counted from 1.
        place: `file:line: what failed`, if it is known.
        complaint: what was wrong.
    """

    call: str
    fault: str
    nth: int
    place: str
    complaint: str


@dataclasses.dataclass
class Outcome:
    """What came of all runs: how many calls and runs there were, how often each place failed, and what was wrong."""

    calls: int = 0
    runs: int = 0
    failed: Counter[tuple[str, int, str]] = dataclasses.field(default_factory=Counter)
    wrong: list[Wrong] = dataclasses.field(default_factory=list)


def normal(place: Sequence[object]) -> tuple[str, int, str]:
    """A place, with its file as fallible.py has it. Another form names the files of the classic one from its own folder."""
    file, line, call = place
    return posixpath.normpath(str(file)), int(str(line)), str(call)


def in_words(place: Sequence[object] | None) -> str:
    """A place as `file:line: what failed`."""
    return "{}:{}: {}".format(*place) if place else ""


# ---- the calls -------------------------------------------------------------------------------------------------------


def drive(module: str, statements: list[str], folder: Path | None, source: Path, outcome: Outcome) -> Iterator[str]:
    """Makes all calls, in children: one that dies is named, and another goes on with the next call.

    Args:
        module: the name of the traced module.
        statements: the calls.
        folder: where to look for the traced module first.
        source: the project's folder, or the copy from which the module was built.
        outcome: what came of them is added to it.

    Yields:
        Each call as it begins.
    """
    from hashtable_lab import children

    path = [str(folder)] * (folder is not None) + [str(HERE), *map(os.path.abspath, sys.path)]
    environment = {
        **os.environ,
        "HASHTABLE_MODULE": module,
        "HASHTABLE_SOURCE": str(source),
        "PYTHONPATH": os.pathsep.join(path),
    }
    left = list(statements)
    while left:
        call, fault, nth, said = "", "", 0, []
        command = [sys.executable, str(HERE / "injection.py"), json.dumps(left)]
        with children.start(command, env=environment) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if not line.startswith("["):
                    said.append(line.rstrip())
                    continue
                what, *words = json.loads(line)
                if what == "call":
                    call, fault, nth = words[0], "", 0
                    yield call
                elif what == "run":
                    fault, nth = words
                    outcome.runs += 1
                else:
                    left.remove(call)
                    outcome.calls += 1
                    for *place, times in words[2]:
                        outcome.failed[normal(place)] += times
                    outcome.wrong += [Wrong(call, f, n, in_words(place), text) for f, n, place, text in words[3]]
        if child.returncode != 0:
            ending = children.Ending("\n".join(said), child.returncode)
            if not call:
                raise click.ClickException(f"the child could not begin: {ending}\n{ending.output}")
            outcome.wrong.append(
                Wrong(call, fault, nth, "", f"the process {ending}: {' | '.join(said[-4:])}"),
            )
            left.remove(call)
            outcome.calls += 1


# ---- the import ------------------------------------------------------------------------------------------------------


def imported(name: str) -> dict[str, object]:
    """Imports the module, with the fault that the environment orders (src/ledger/faults.rs), and again. Runs in a child.

    Returns:
        What came of the first import, what is left of the order, the places that failed, what is in hand and what was found in
        the end, and whether the module works.
    """
    import importlib
    import sys
    from collections import Counter

    try:
        importlib.import_module(name)
        outcome = ["returned"]
    except Exception as error:
        outcome = ["raised", type(error).__name__, str(error)]
    half_made = outcome[0] == "raised" and name in sys.modules
    traced = importlib.import_module(name)
    left = traced.ledger_fail(None)
    traced.announce(False)
    in_hand = Counter(f"{type_name} taken at {file}:{line}" for file, line, _, type_name, _ in traced.ledger_outside())
    return {
        "outcome": outcome,
        "half made": half_made,
        "left": left,
        "failed": [[file, line, call] for file, line, call, _, failed, _ in traced.ledger_places() if failed],
        "in hand": dict(in_hand),
        "found": [f"{finding[0]}: {finding[1]}, at {finding[2]}:{finding[3]}" for finding in traced.ledger_findings(0)],
        "works": traced.HashTable().set("a", 1).get("a") == 1,
    }


def drive_import(module: str, kinds: Sequence[str], folder: Path | None, outcome: Outcome) -> Iterator[str]:
    """Imports the module with every exception at every place, each in a child of its own.

    Args:
        module: its name.
        kinds: the names of the exceptions.
        folder, outcome: as for `drive`.

    Yields:
        What it is about to do.
    """
    from hashtable_lab import children

    def run(order: str) -> children.Ending:
        return children.run_function(imported, module, module_folder=folder, environment={"LEDGER_FAIL": order})

    outcome.calls += 1
    right = run("0")
    if not right.well:
        raise click.ClickException(f"the traced module cannot be imported: {right}\n{right.output}")
    for kind in kinds:
        for nth in range(1, 1000):
            yield f"import {module}, {kind} {nth}"
            ending = run(f"{nth} {kind}")
            outcome.runs += 1
            complaints, place = [], None
            if not ending.well:
                complaints.append(f"the process {ending}: {ending.output.strip()[-500:]}")
            else:
                seen = ending.result
                if seen["left"]:
                    break
                outcome.failed.update(map(normal, seen["failed"]))
                place = seen["failed"][0] if seen["failed"] else None
                said = seen["outcome"]
                if said[:2] != ["raised", kind] or "ordered by LEDGER_FAIL" not in said[2]:
                    complaints.append(f"{kind} was due, and this came: {' '.join(said)}")
                if seen["half made"]:
                    complaints.append("the module that could not be made is in sys.modules")
                if not seen["works"]:
                    complaints.append("imported again, the module does not work")
                complaints += seen["found"]
                more = Counter(seen["in hand"]) - Counter(right.result["in hand"])
                complaints += [f"surplus: {what}" for what in more]
            outcome.wrong += [
                Wrong(f"import {module}", kind, nth, in_words(place), complaint) for complaint in complaints
            ]
            if not ending.well:
                break


# ---- the report ------------------------------------------------------------------------------------------------------


def excused(site: fallible.Site, limited: bool = False) -> str | None:
    """Why this site cannot be reached, in a form for the limited API or in another one; or None."""
    entries = [
        (file, part, call, proof)
        for file, part, call, first, before, proof in CANNOT_BE_REACHED
        if first <= sys.version_info < before
    ]
    for file, part, call, proof in entries + (NOT_REACHED_IF_LIMITED if limited else []):
        if (site.file, site.call) == (file, call) and part in site.text:
            return proof
    return None


def judged(
    sites: list[fallible.Site],
    outcome: Outcome,
    everything: bool,
    files: set[str] | None = None,
    limited: bool = False,
) -> dict[str, object]:
    """The report, as `--json` prints it.

    Args:
        sites: what fallible.py found.
        outcome: what came of the runs.
        everything: whether all calls were made, so that every site must have failed.
        files: those of the crate, if it has not all that `CANNOT_BE_REACHED` names.
        limited: whether it is built for the limited API.

    Returns:
        A dict of what JSON can carry. `well` says whether all is as it should be.
    """
    failed = {site for site in sites if outcome.failed[site.file, site.line, site.call]}
    proofs = {site: excused(site, limited) for site in sites}
    missing = [site for site in sites if everything and site not in failed and proofs[site] is None]
    errors = [
        f"{site.file}:{site.line}: {site.call} failed, and is said to be out of reach"
        for site in failed
        if proofs[site]
    ]
    errors += [
        f"{in_words(place)} failed, and fallible.py has not found it"
        for place in outcome.failed
        if place not in {(site.file, site.line, site.call) for site in sites}
    ]
    errors += [
        f"{file}: no line with `{part}` that can fail: take it out of CANNOT_BE_REACHED"
        for file, part, call, *_ in CANNOT_BE_REACHED
        if (files is None or file in files)
        and not (limited and part in OTHERWISE_IF_LIMITED)
        and not any((site.file, site.call) == (file, call) and part in site.text for site in sites)
    ]
    alike: dict[tuple[str, str, str], list[Wrong]] = defaultdict(list)
    for wrong in outcome.wrong:
        alike[wrong.place, wrong.complaint, wrong.call].append(wrong)
    return {
        "python": sys.version.split()[0],
        "calls": outcome.calls,
        "runs": outcome.runs,
        "sites": [
            {**dataclasses.asdict(site), "failed": outcome.failed[site.file, site.line, site.call]} for site in sites
        ],
        "out of reach": [
            {"site": f"{site.file}:{site.line}: {site.call}", "proof": proof} for site, proof in proofs.items() if proof
        ],
        "never failed": [f"{site.file}:{site.line}: {site.call}" for site in missing],
        "errors": errors,
        "wrong": [
            {
                "place": place,
                "complaint": complaint,
                "call": call,
                "nth": found[0].nth,
                "faults": list(dict.fromkeys(wrong.fault for wrong in found)),
            }
            for (place, complaint, call), found in alike.items()
        ],
        "well": not (missing or errors or alike),
    }


def show(report: dict[str, object], everything: bool, seconds: float) -> None:
    """Prints the report for a reader."""
    sites = report["sites"]
    failed = sum(1 for site in sites if site["failed"])
    if report["wrong"]:
        console.print("misbehaved:")
    for wrong in report["wrong"]:
        console.print(f"  {wrong['place'] or 'at an unknown place'}\n    {wrong['complaint']}")
        console.print(f"    in `{wrong['call']}`, fault {wrong['nth']}: {', '.join(wrong['faults'])}")
    for kind in ("never failed", "errors"):
        if report[kind]:
            console.print(f"{kind}:")
            for line in report[kind]:
                console.print(f"  {line}")
    if not everything:
        console.print("made to fail:")
        for site in sites:
            if site["failed"]:
                console.print(f"  {site['file']}:{site['line']}: {site['call']}, {site['failed']} times")
    if everything and report["out of reach"]:
        console.print("cannot be reached, and why:")
        for entry in report["out of reach"]:
            console.print(f"  {entry['site']}\n    {entry['proof']}")
    figures = Table.grid(padding=(0, 2))
    figures.add_column()
    figures.add_column(justify="right")
    for name, number in (
        ("calls driven", report["calls"]),
        ("runs, one fault each", report["runs"]),
        ("call sites known", len(sites)),
        ("call sites failed at least once", failed),
        *([("call sites out of reach", len(report["out of reach"]))] if everything else []),
        *([("call sites missing", len(report["never failed"]))] if everything else []),
        ("misbehaved", len(report["wrong"]) + len(report["errors"])),
    ):
        figures.add_row(name, str(number))
    console.print(figures)
    verdict = "all is well" if report["well"] else "not well"
    if console.is_terminal:
        verdict += f", after {seconds:.0f} seconds"
    console.print(verdict)


@click.command(help=str(__doc__), context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("calls", nargs=-1, metavar="[CALL]...")
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Find the module here.")
@click.option(
    "--source", type=click.Path(exists=True, file_okay=False, path_type=Path), default=ROOT, help="Its source."
)
@click.option("--form", type=click.Choice(list(FORMS)), default="classic", help="Which form of the module it is.")
@click.option("--list", "only_list", is_flag=True, help="Print the calls, and make none.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def main(calls: tuple[str, ...], folder: Path | None, source: Path, form: str, only_list: bool, as_json: bool) -> int:
    module, crate, limited = FORMS[form]
    the_import = f"import {module}"
    if folder is not None:
        sys.path.insert(0, str(folder))
    try:
        importlib.import_module("hashtable_lab.children")
        importlib.import_module(module)
    except ImportError as error:
        raise click.ClickException(f"{error.name} is missing: run `make install`, or say where it is.") from None
    os.environ["HASHTABLE_MODULE"] = module
    import injection

    begin = time.monotonic()
    chosen = [s for s in injection.STATEMENTS if not calls or any(word in s for word in calls)]
    with_import = not calls or any(word in the_import for word in calls)
    if not chosen and not with_import:
        raise click.ClickException(f"no call contains {' or '.join(calls)}.")
    if only_list:
        click.echo("\n".join([*chosen, the_import][: len(chosen) + with_import]))
        return 0
    outcome = Outcome()
    columns = (TextColumn("{task.description:.60}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Without a terminal, or for programs, nothing is drawn.
    with Progress(*columns, console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen) + with_import)
        for call in drive(module, chosen, folder, source, outcome):
            progress.update(task, description=call.replace("\n", " "), completed=outcome.calls)
        if with_import:
            for step in drive_import(module, list(injection.EXCEPTIONS), folder, outcome):
                progress.update(task, description=step, completed=outcome.calls - 1)
    source = source.resolve()
    sites = fallible.scan(source, crate, limited)
    files = {file.relative_to(source).as_posix() for file in fallible.files_of(source / crate, limited)}
    report = judged(sites, outcome, not calls, files, limited)
    report["errors"] += fallible.overlooked(source)
    report["not counted"] = injection.not_counted()
    report["well"] = bool(report["well"] and not report["errors"])
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        for what in report["not counted"]:
            console.print(f"not counted: {what}")
        show(report, not calls, time.monotonic() - begin)
    return 0 if report["well"] else 1


if __name__ == "__main__":
    run_command(main)
