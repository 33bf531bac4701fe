"""Lets threads loose on tables, on every kind of CPython where that differs: `make threads`.

    the CPython of .venv                     mostly with the GIL
    a free-threaded one (3.14t)              without it, if the module declares that it can do without
    one that ThreadSanitizer watches         the module is built for it too; and once more with a race planted in it

What the threads do, and what must hold, is in tests/threads, with controls: what is taken out of the source there, a scenario must
notice without the GIL, and ThreadSanitizer where it is a race. (With --specimen the controls are left out.) Then the laboratory's
specimens with threads: each must be found out by what its header names, and nothing may be found in the source as it is. `make
interpreters` gets what is missing here; what is not there is left out, and said so.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import click
from building import build
from commands import ROOT, console, run_command
from hashtable_lab import children, specimens
from hashtable_lab.children.interpreters import interpreters
from hashtable_lab.detectors.matrix import CONTROL as RIGHT
from hashtable_lab.detectors.matrix import digest
from hashtable_lab.specimens.building import Form, copy_source
from hashtable_lab.specimens.pages import threads_record_file
from hashtable_lab.stage import Silent
from rich.table import Table

sys.path.append(str(ROOT / "tests" / "threads"))
import stress

STRESS = Path(stress.__file__)
#: The race: a counter that all threads add to, in a function that many call at once.
FUNCTION = re.compile(r"(fn mp_length\([^)]*\) -> Py_ssize_t \{\n)")
PLANTED = (
    r"\1    static mut CALLS: usize = 0;\n    unsafe {\n"
    r"        (&raw mut CALLS).write_volatile((&raw const CALLS).read_volatile().wrapping_add(1));\n    }\n"
)
#: A program that runs into it, and what ThreadSanitizer must then name. (The calls of a scenario come one after another too often.)
CONTROL = """
import threading, hashtable
together = threading.Barrier(2)
def ask():
    table = hashtable.HashTable()
    together.wait()
    for _ in range(500_000):
        len(table)
threads = [threading.Thread(target=ask) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
NAMED = "mp_length"
#: The scenario that looks for memory that is not freed.
LEAK = "CountersFreed"
#: Unstable flags, of a stable compiler; the standard library is not watched, which is linked as it is.
SANITIZED = {"RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -g"}
RACE = re.compile(r"WARNING: ThreadSanitizer: .*?\n==================", re.S)


def run_stress(python: str, module: Path | None, rounds: int, *names: str, **variables: str) -> int:
    """Runs stress.py, which prints what comes of it. Returns its exit code."""
    # pytest, which the tests' own modules import, is plain Python: any interpreter can use that of .venv.
    path = [str(module), sysconfig.get_path("purelib")] if module else []
    environment = {**os.environ, **({"PYTHONPATH": os.pathsep.join(path)} if path else {}), **variables}
    command = [python, str(STRESS), "--rounds", str(rounds), *names]
    if variables:
        command = ["setarch", "-R", *command]  # ThreadSanitizer needs an address space that is not laid out at random
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode


def planted(folder: Path) -> Path:
    """A copy of the source with the race in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, folder / file)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("lab", "__pycache__", "*.egg-info"))
    found = 0
    for file in (folder / "src" / "extension").rglob("*.rs"):
        text, number = FUNCTION.subn(PLANTED, file.read_text("utf-8"))
        if number:
            file.write_text(text, "utf-8")
        found += number
    if found != 1:
        raise click.ClickException("the race cannot be planted: there is no `mp_length` as it was.")
    return folder


def races(log: Path) -> tuple[list[str], int]:
    """What ThreadSanitizer has written: the reports in which the module occurs, and how many are about CPython alone."""
    text = "".join(file.read_text(errors="replace") for file in sorted(log.parent.glob(f"{log.name}.*")))
    reports = RACE.findall(text)
    ours = [report for report in reports if re.search(r"hashtable[^/\n]*\.so", report)]
    return ours, len(reports) - len(ours)


def control_builds(kind: str, python: str, **variables: str) -> Iterator[tuple[str, str, Path]]:
    """Builds each control of tests/threads. Yields its name, its scenario, and the folder of the module."""
    target = ROOT / "target" / "threads" / kind
    for name, (fields, diff) in stress.controls().items():
        source, module = target / "control-source", target / f"control-{name}"
        copy_source(ROOT, source, specimens.patched(specimens.variant(name, diff).patch, ROOT, name))
        build(
            f"CPython {kind}: building without {name}", python, source, target / "cargo-controls", module, **variables
        )
        yield name, fields["Scenario"], module


def complains(kind: str, python: str) -> bool:
    """Runs the scenarios of the controls, without the GIL. Returns whether they complain of each."""
    well = True
    for name, scenario, module in control_builds(kind, python):
        # A run ends with the first complaint. How many rounds it takes is chance; so many cannot all go well.
        code = run_stress(python, module, 20_000, "--only", "--limit", "1200", scenario)
        console.print(f"without {name}: {'found out' if code == 1 else 'NOT FOUND OUT'}")
        well = well and code == 1
    return well


def sanitize(kind: str, python: str, rounds: int, controls: bool) -> bool:
    """Runs the stress under ThreadSanitizer, and the controls. Returns whether all is well."""
    target = ROOT / "target" / "threads" / kind
    build(f"CPython {kind}: building", python, ROOT, target / "cargo", target / "module", **SANITIZED)
    source = planted(target / "source")
    build(
        f"CPython {kind}: building the control",
        python,
        source,
        target / "cargo-planted",
        target / "planted",
        **SANITIZED,
    )
    well = True
    builds = [("the module", "module", ""), ("the control", "planted", "")]
    if controls:
        # What is not freed is no race.
        racing = [
            (name, scenario) for name, scenario, _ in control_builds(kind, python, **SANITIZED) if scenario != LEAK
        ]
        builds += [(f"without {name}", f"control-{name}", scenario) for name, scenario in racing]
    for what, module, scenario in builds:
        log = target / f"races-{module}"
        for old in target.glob(f"{log.name}.*"):
            old.unlink()
        options = {"TSAN_OPTIONS": f"log_path={log}:exitcode=0"}
        if what == "the module":
            code = run_stress(python, target / module, rounds, **options)
        elif scenario:
            # What races is chance; in so many rounds not nothing.
            run_stress(python, target / module, max(30, rounds), "--only", "--limit", "1200", scenario, **options)
        else:
            environment = {**os.environ, **options, "PYTHONPATH": str(target / module)}
            code = subprocess.run(["setarch", "-R", python, "-c", CONTROL], env=environment).returncode
        ours, others = races(log)
        console.print(f"ThreadSanitizer, {what}: {len(ours)} races in the module, {others} in CPython alone")
        if what == "the module":
            well = well and code == 0 and not ours
        elif scenario and not ours:
            console.print("NO RACE WAS FOUND")
            well = False
        elif not scenario and not any(NAMED in report for report in ours):
            console.print("THE PLANTED RACE WAS NOT FOUND")
            well = False
        if ours:
            console.print("\n".join(ours[0].splitlines()[:40]))
    return well


# ---- the specimens -------------------------------------------------------------------------------------------------------

#: The scenario of tests/threads that must complain of a specimen, and in how many rounds at most.
HISTORIES = {"missing-critical-section": ("TakenInARow", 20_000)}
#: How long a script may take. Under ThreadSanitizer it may take longer.
LIMIT, SANITIZED_LIMIT = 90.0, 400.0

Cell = dict[str, object]


def cell(found: str) -> Cell:
    """What a detector found, "" for nothing. None of them names a line: ThreadSanitizer names functions."""
    words = re.sub(r"0x[0-9a-f]+", "0x...", found)
    return {"state": "found" if found else "silent", "words": words, "line": False}


def by_running(python: str, folder: Path, script: str) -> Cell:
    """Runs a script with the module in a folder."""
    ending = children.run_program(
        script, module_folder=folder, environment=children.FREED_MEMORY_SHOWS, time_limit=LIMIT, python=python
    )
    said = [line for line in ending.output.strip().splitlines() if line.strip()]
    if specimens.ENDINGS["hang"](ending):
        return cell("it did not end: stopped by its time limit")
    # What a script says, it says last; what a crash says has no end.
    return cell("" if ending.well else f"{ending}{': ' + said[-1] if ending.code > 0 and said else ''}")


def by_history(python: str, folder: Path, scenario: str, rounds: int) -> Cell:
    """Puts a scenario to the module in a folder."""
    path = os.pathsep.join([str(folder), sysconfig.get_path("purelib")])
    command = [python, str(STRESS), "--only", "--rounds", str(rounds), scenario]
    ending = children.run_command(command, {"PYTHONPATH": path}, LIMIT)
    if ending.timed_out:
        return cell("")  # until then there was nothing to complain of
    said = ending.output.strip().splitlines() or [str(ending)]
    # After the name of the scenario, which child it was, and how long it took.
    found = re.sub(r"^\S+\s+(with(out)? the GIL)?\s*[\d.]+ s\s+", "", said[0])
    return cell("" if ending.well else f"{scenario}: {found}")


def by_sanitizer(python: str, kind: str, specimen: specimens.Specimen, scripts: list[str]) -> Cell:
    """Builds a specimen for ThreadSanitizer, and runs scripts."""
    target = ROOT / "target" / "threads" / kind
    source = target / "specimen-source"
    copy_source(ROOT, source, specimens.patched(specimen.patch, ROOT, specimen.name))
    module = target / f"specimen-{specimen.name}"
    build(f"CPython {kind}: building {specimen.name}", python, source, target / "cargo-specimens", module, **SANITIZED)
    for script in scripts:
        log = target / f"races-{specimen.name}"
        for old in target.glob(f"{log.name}.*"):
            old.unlink()
        file = target / "script.py"
        file.write_text(script, "utf-8")
        environment = {"PYTHONPATH": str(module), "TSAN_OPTIONS": f"log_path={log}:exitcode=0"}
        children.run_command(["setarch", "-R", python, str(file)], environment, SANITIZED_LIMIT)
        ours, _ = races(log)
        if ours:
            frames = re.findall(r"#\d+ .*?(hashtable::[\w:]+)", ours[0])
            return cell(f"data race, in {frames[0]}" if frames else "data race in the module")
    return cell("")


def judge(kind: str, python: str, names: list[str]) -> dict[str, dict[str, Cell]]:
    """Puts specimens, and the source as it is, to what there is for this kind of CPython."""
    all_of_them = [specimens.load(name) for name in names]
    rows: dict[str, dict[str, Cell]] = {}
    for specimen in [*all_of_them, specimens.control()]:
        scripts = [one.script for one in all_of_them] if specimen.name == RIGHT else [specimen.script]
        row = rows[specimen.name] = {}
        if kind.endswith("-tsan"):
            row["thread-sanitizer"] = by_sanitizer(python, kind, specimen, scripts)
            continue
        folder = specimens.build(specimen, Silent(), Form(python=python))
        found = [by_running(python, folder, script) for script in scripts]
        row["with-the-gil" if kind == "here" else "without-the-gil"] = next(
            (one for one in found if one["state"] == "found"), found[0]
        )
        histories = [HISTORIES[name] for name in names if name in HISTORIES and specimen.name in (name, RIGHT)]
        if kind != "here":
            for scenario, rounds in histories:
                row["history"] = by_history(
                    python, folder, scenario, rounds if specimen.name != RIGHT else rounds // 400
                )
            # Of calls that no scenario makes there is no history.
            row.setdefault("history", {"state": "absent", "words": "there is no scenario for it", "line": False})
    return rows


def problems(rows: dict[str, dict[str, Cell]]) -> list[str]:
    """What is wrong, a sentence each."""
    wrong = []
    for name, row in rows.items():
        for detector, seen in row.items():
            if name == RIGHT and seen["state"] == "found":
                wrong.append(f"{detector} complains of the source as it is: {seen['words']}")
            elif name != RIGHT and detector in specimens.load(name).detectors and seen["state"] != "found":
                wrong.append(f"{name}: {detector} is said to find it out and did not")
    return wrong


def judge_specimens(kinds: list[str], found: dict[str, str], names: list[str], record: bool) -> bool:
    """Puts the specimens to all that is there, and prints a table. Returns whether all is well."""
    rows: dict[str, dict[str, Cell]] = {name: {} for name in [*names, RIGHT]}
    for kind in kinds:
        console.print(f"==> the specimens with threads, CPython {kind}")
        for name, row in judge(kind, found.get(kind, sys.executable), names).items():
            rows[name].update(row)
    detectors = [name for name in specimens.THREAD_DETECTORS if name in rows[RIGHT]]
    table = Table("specimen", *detectors)
    for name, row in rows.items():
        table.add_row(name, *[str(row[detector]["words"]) or "." for detector in detectors])
    console.print(table)
    wrong = problems(rows)
    for sentence in wrong:
        console.print(sentence)
    if record and not wrong:
        if detectors != list(specimens.THREAD_DETECTORS) or names != with_threads():
            raise click.ClickException(
                "not recorded: only all specimens, with and without the GIL and ThreadSanitizer, can be."
            )
        [free] = [found[kind] for kind in kinds if kind != "here" and not kind.endswith("-tsan")]
        ask = "import platform; print(platform.python_version())"
        version = subprocess.run([free, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        machine = f"CPython {platform.python_version()} with the GIL, {version} without it"
        machine += f", {platform.system()} {platform.machine()}"
        kept = {
            "machine": machine,
            "detectors": specimens.THREAD_DETECTORS,
            "specimens": {name: digest(name) for name in names},
            "rows": rows,
        }
        threads_record_file().write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    return not wrong


def with_threads() -> list[str]:
    """The specimens that take several threads."""
    return [name for name in specimens.names() if specimens.load(name).threads]


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--rounds", default=300, show_default=True, help="Rounds of each scenario; 0: only the specimens.")
@click.option("--specimen", "names", multiple=True, help="Of the specimens only this one; may be repeated.")
@click.option("--record", is_flag=True, help="Keep what was seen of the specimens in docs/threads.json.")
def main(kinds: tuple[str, ...], rounds: int, names: tuple[str, ...], record: bool) -> int:
    """The command line."""
    found = interpreters(sanitized=True)
    wanted = kinds or (
        "here",
        *sorted({kind for kind in found if "t" in kind.partition("-")[0]} | {"3.14t", "3.14t-tsan"}),
    )
    if unknown := set(names) - set(with_threads()):
        raise click.UsageError(
            f"no specimen with threads: {', '.join(unknown)}; there are: {', '.join(with_threads())}."
        )
    well = True
    for kind in wanted:
        if kind != "here" and kind not in found:
            console.print(f"==> CPython {kind} is not here, and is left out (make interpreters KINDS={kind})")
        elif not rounds:
            continue
        elif kind == "here":
            console.print(f"==> CPython {sys.version.split()[0]}")
            well = run_stress(sys.executable, None, rounds) == 0 and well
        elif kind.endswith("-tsan"):
            console.print(f"==> CPython {kind}: {found[kind]}")
            well = sanitize(kind, found[kind], max(1, rounds // 30), not names) and well
        else:
            console.print(f"==> CPython {kind}: {found[kind]}")
            target = ROOT / "target" / "threads" / kind
            build(f"CPython {kind}: building", found[kind], ROOT, target / "cargo", target / "module")
            well = run_stress(found[kind], target / "module", rounds) == 0 and well
            if not names:
                well = complains(kind, found[kind]) and well
    here = [kind for kind in wanted if kind in found or kind == "here"]
    if here:
        well = judge_specimens(here, found, list(names) or with_threads(), record) and well
    return 0 if well else 1


if __name__ == "__main__":
    run_command(main)
