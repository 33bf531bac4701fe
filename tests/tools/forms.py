"""Puts every form of the module to the suites, with every CPython found: `make forms`.

    classic       hashtable         static types, one phase of init: the lesson
    heap          hashtable_heap    heap types, several phases, module state: for interpreters with a GIL of their own
    abi3          hashtable_abi3    the same by the limited API: one file for CPython 3.12 and later
    abi3t         hashtable_abi3t   the same without looking at an object's head: one file for CPython 3.15 and later

Forms, versions and suites make a table of what came of each. The file of abi3 is built once, with the oldest CPython that it is
for, and each version gets that very file; abi3audit, which knows what the stable ABI has, says whether it keeps to it, and every
CPython that it is not for must say so. So with abi3t. (The traced build of these forms is made of the same source, but for one
version each: the ledger itself looks into structs.)

Controls come with it: the heap form with the mistakes that its contract makes possible (three specimens), each of which a test must
notice; its file, which abi3audit must refuse; and abi3t with less room than the head of an object needs, which must not be
imported. FORMS='heap', PYTHONS='3.12 3.14' and SUITES='behaviour forms' take only these;
what is not here is left out, and said so. QUICK=yes takes a slice of the behaviour suite.

All of it takes more than an hour. `make record WHAT=forms` keeps what was seen in docs/forms.json, row by row, and writes the table
of the chapter about the forms. With PYTHONS='3.14 3.14t' it takes these anew, and the other rows stay as they are.
"""

from __future__ import annotations

import datetime
import functools
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
from building import Form, build_form
from commands import ROOT, console, last_lines, run_command, watch
from hashtable_lab import specimens
from hashtable_lab.children.interpreters import interpreters
from hashtable_lab.specimens.building import PACKAGES
from requirements import PYPROJECT, requirements
from rich.table import Table

TARGET = ROOT / "target" / "forms"
RECORD = ROOT / "docs" / "forms.json"
PAGE = ROOT / "docs" / "five-contracts.md"
BEGIN, END = "<!-- from forms.json -->", "<!-- to here -->"

FORMS = {
    "classic": Form(PACKAGES["hashtable"], "hashtable", (3, 9)),
    "heap": Form(PACKAGES["hashtable_heap"], "hashtable_heap", (3, 11)),
    "abi3": Form(PACKAGES["hashtable_heap"], "hashtable_abi3", (3, 12), features=("limited",), stable=("abi3",)),
    "abi3t": Form(PACKAGES["hashtable_heap"], "hashtable_abi3t", (3, 15), features=("opaque",), stable=("abi3t",)),
}
#: Where the file for many versions is built.
STABLE = TARGET / "stable"
#: What each suite is, and whether it is put to the traced build.
SUITES = {
    "behaviour": (["tests/behaviour"], False),
    "hostile": (["tests/hostile"], False),
    "leaks": (["tests/ownership/test_refcounts.py", "tests/ownership/test_gc.py"], False),
    "faults": (["tests/faults/test_memory.py"], False),  # and `run_faults`, on the traced build
    "forms": (["tests/forms"], False),
    "ledger": (["tests/behaviour", "tests/ownership/test_gc.py", "tests/forms"], True),
}
QUICK = [f"tests/behaviour/test_{name}.py" for name in ("table", "mapping", "protocol", "interpreters")]
#: The name of the control's row.
BROKEN = "heap, broken"
#: What is broken in the control, all at once: a specimen, the test that must complain, and from which version on.
CONTROLS = {
    "heap-type-not-released": ("test_an_object_owns_its_type", (3, 11)),
    "heap-type-not-visited": ("test_the_collector_sees_the_type", (3, 11)),
    "state-in-a-static": ("test_two_at_once_beside_the_first", (3, 12)),
}


def environment_for(kind: str, python: str) -> Path:
    """An environment of this interpreter with what the tests need. Returns its python."""
    folder = TARGET / kind / "venv"
    path = folder / "bin" / "python"
    needs = sorted(
        {*requirements("test", PYPROJECT.read_text("utf-8")), *requirements("lab", PYPROJECT.read_text("utf-8"))}
    )
    done = folder / "needs.json"
    if not done.is_file() or json.loads(done.read_text()) != [python, needs]:
        shutil.rmtree(folder, ignore_errors=True)
        # Its own pip knows its wheels. Ours may be too old for 3.15 or for no GIL, but not every CPython brings one along.
        pip = [path, "-m", "pip"]
        if subprocess.run([python, "-m", "venv", folder], capture_output=True).returncode != 0:
            bare = [python, "-m", "venv", "--clear", "--without-pip", folder]
            subprocess.run(bare, check=True, stdout=subprocess.DEVNULL)
            pip = [sys.executable, "-m", "pip", "--python", path]
        code, output, _ = watch(
            f"CPython {kind}: installing what the tests need",
            [*pip, "install", "--quiet", "--disable-pip-version-check", *needs],
            dict(os.environ),
        )
        if code != 0:
            raise click.ClickException(
                f"CPython {kind}: the tests' needs cannot be installed:\n{last_lines(output, 4)}"
            )
        done.write_text(json.dumps([python, needs]))
    return path


def run_suite(python: Path, module: Path, name: str, tests: list[str], what: str) -> tuple[bool, str]:
    """Runs tests on one module. Returns whether all is well, and what pytest says of it in the end."""
    variables = {
        **os.environ,
        "HASHTABLE_MODULE": name,
        "PYTHONPATH": os.pathsep.join([str(module), str(ROOT / "src" / "lab")]),
        "HASHTABLE_SOURCE": str(ROOT),
    }
    command = [python, "-m", "pytest", "-q", "-rsf", "--numprocesses=2", "-p", "no:cacheprovider", *tests]
    code, output, _ = watch(what, command, variables)
    last = output.strip().splitlines()[-1] if output.strip() else "nothing was said"
    counted = re.findall(r"\d+ (?:passed|failed|skipped|errors?)", last)
    (module / f"{name}-{Path(tests[0]).stem}.log").write_text(output, "utf-8")
    return code == 0, ", ".join(counted) or last


def run_faults(name: str, python: Path, module: Path, what: str) -> tuple[bool, str]:
    """Makes everything fail that can fail, in the traced build of a form. Returns whether all is well, and a few words."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src" / "lab"), "HASHTABLE_SOURCE": str(ROOT)}
    command = [python, ROOT / "tests" / "faults" / "faults.py", "--form", name, "--folder", module]
    code, output, _ = watch(f"{what}, everything fails once", list(map(str, command)), variables)
    (module / "faults.log").write_text(output, "utf-8")
    last = output.strip().splitlines()[-1] if output.strip() else "nothing was said"
    runs = re.search(r"runs, one fault each +(\d+)", output)
    return code == 0, f"{runs[1] if runs else 'no'} faults, {last}"


def copy_source(folder: Path) -> None:
    """Puts what is compiled into a folder, to be changed there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, folder / file)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("lab", "__pycache__", "bindings"))


def control(kind: str, version: tuple[int, ...], python: str, path: Path) -> tuple[bool, str]:
    """The heap form, broken: its tests must say so."""
    source = TARGET / "control-source"
    copy_source(source)
    for name in CONTROLS:
        specimens.apply(specimens.load(name).patch, source, name)
    module = TARGET / kind / "control"
    form = FORMS["heap"]
    build_form(f"CPython {kind}: building the control", python, source, TARGET / kind / "cargo", module, form)
    _, said = run_suite(path, module, form.module, ["tests/forms"], f"CPython {kind}: the control")
    failed = [
        line for line in (module / f"{form.module}-forms.log").read_text("utf-8").splitlines() if "FAILED" in line
    ]
    expected = [test for test, oldest in CONTROLS.values() if version >= oldest]
    if kind.endswith("t"):
        expected.remove("test_an_object_owns_its_type")  # it is left out where there is no GIL
    missed = [test for test in expected if not any(test in line for line in failed)]
    return not missed, f"{said}: {'NOT NOTICED BY ' + ', '.join(missed) if missed else 'noticed, as it must be'}"


def oldest_for(form: Form, found: dict[str, str]) -> str:
    """Of the interpreters found the oldest that a form is for, with a GIL: its kind."""
    versions = [tuple(map(int, kind.split("."))) for kind in found if not kind.endswith("t")]
    return ".".join(map(str, min(version for version in versions if version >= form.oldest)))


@functools.cache
def build_stable(form: Form, kind: str, python: str) -> Path:
    """Builds the file of a form that is for many versions, with this interpreter, once. Returns where it is."""
    what = f"CPython {kind}: building {form.module} for this version and all later ones"
    build_form(what, python, ROOT, TARGET / kind / "cargo", STABLE, form, stable=True)
    return STABLE / f"{form.module}.{form.stable[0]}.so"


def beyond_the_stable_abi(what: str, file: Path, oldest: tuple[int, int]) -> list[str]:
    """What the file of a module uses that is not in the stable ABI of the oldest version that it is for, as abi3audit says."""
    version = ".".join(map(str, oldest))
    command = [sys.executable, "-m", "abi3audit", "--report", "--assume-minimum-abi3", version, file]
    _, output, _ = watch(what, command, dict(os.environ))
    (file.parent / f"{file.name}.abi3audit.log").write_text(output, "utf-8")
    reports = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if len(reports) != 1:
        raise click.ClickException(f"{what}: abi3audit did not look at it:\n{last_lines(output, 4)}")
    [found] = [spec["object"]["result"] for spec in reports[0]["specs"].values()]
    return [*found["non_abi3_symbols"], *found["future_abi3_objects"]]


def audit(form: Form, file: Path, kind: str, python: str, control: bool) -> bool:
    """Looks at the file of a form for the stable ABI, and at the control: that of the heap form, under such a name. Says what
    was seen, and returns whether it is as it must be."""
    if importlib.util.find_spec("abi3audit") is None:
        console.print(
            "abi3audit is not here (it needs Python 3.10): what the file uses was not compared with the stable ABI."
        )
        return True
    beyond = beyond_the_stable_abi(f"{file.name}: comparing with the stable ABI", file, form.oldest)
    # What the file offers is in the list too, and abi3audit knows `PyInit` only.
    beyond = [symbol for symbol in beyond if symbol != f"PyModExport_{form.module}"]
    well = "keeps to" if not beyond else f"DOES NOT KEEP TO ({', '.join(beyond)})"
    console.print(f"{file.name}: {well} the stable ABI, says abi3audit ({file.name}.abi3audit.log).")
    if not control:
        return not beyond
    heap, folder = FORMS["heap"], STABLE / "control"
    shutil.rmtree(folder, ignore_errors=True)
    build_form("building the control of abi3audit", python, ROOT, TARGET / kind / "cargo", folder, heap)
    refused = folder / f"{heap.module}.{form.stable[0]}.so"
    shutil.copyfile(next(folder.glob(f"{heap.module}.cpython*")), refused)
    seen = beyond_the_stable_abi(f"{refused.name}: comparing with the stable ABI", refused, form.oldest)
    console.print(f"The control, {heap.module}: {'refused, as it must be' if seen else 'NOT REFUSED'}.")
    return not beyond and bool(seen)


def imported(python: str, module: str, folder: Path) -> str:
    """What an interpreter says when it imports a module from a folder: the last line, or that it was imported."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        return f"the process ended with {done.returncode}"
    return (done.stderr.strip().splitlines() or ["it was imported"])[-1]


def refused_elsewhere(form: Form, file: Path, found: dict[str, str]) -> bool:
    """Whether every CPython that a file is not for says so with an ImportError, where it finds the file all the same."""
    # Under this name each of them finds it.
    folder = STABLE / "elsewhere"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(file, folder / f"{form.module}.so")
    well = True
    for kind, python in found.items():
        version = tuple(int(part) for part in re.findall(r"\d+", kind)[:2])
        if serves(form, version, kind):
            continue
        said = imported(python, form.module, folder)
        # Those that miss a function say which. All others get our sentence, and the last ones before it must.
        refused = said.startswith("ImportError: ") and ("undefined symbol" in said or "build `hashtable" in said)
        if version >= (3, form.oldest[1] - 1):
            refused = refused and "build `hashtable" in said
        console.print(f"{form.module}.so with CPython {kind}: {'' if refused else 'NOT REFUSED AS IT MUST BE: '}{said}")
        well = well and refused
    return well


def too_little_room(form: Form, kind: str, python: str) -> bool:
    """Whether a module with less room for the head of an object than this CPython needs says so, and is not imported."""
    source = TARGET / "control-source"
    copy_source(source)
    for file, line, broken in (
        ("src/forms/limited.rs", "type Head = [usize; 4];", "type Head = [usize; 1];"),
        # A table that begins so is shorter.
        ("src/extension/object.rs", "size_of::<HashTable>() == 256", "size_of::<HashTable>() < 256"),
    ):
        text = (source / file).read_text("utf-8")
        if text.count(line) != 1:
            raise click.ClickException(f"there is no line with `{line}` in {file}: the control would show nothing.")
        (source / file).write_text(text.replace(line, broken), "utf-8")
    folder = TARGET / kind / "too-little-room"
    build_form(
        f"CPython {kind}: building the control", python, source, TARGET / kind / "cargo", folder, form, stable=True
    )
    said = imported(python, form.module, folder)
    refused = said.startswith(f"ImportError: {form.module} was built for objects with a shorter head: here, build")
    console.print(f"The control, too little room: {'' if refused else 'NOT REFUSED: '}{said}")
    return refused


def serves(form: Form, version: tuple[int, ...], kind: str) -> bool:
    """Whether a form is for this CPython. That for the stable ABI with the heads of the GIL is for these only."""
    return version >= form.oldest and not (form.stable == ("abi3",) and kind.endswith("t"))


# ---- the record and the page -----------------------------------------------------------------------------------------


def with_table(page: str, record: list[dict[str, str]]) -> str:
    """The text of the chapter with the table of a record in it."""
    lines = [f"| form | CPython | {' | '.join(SUITES)} |", f"|---|---|{'---|' * len(SUITES)}"]
    for row in record:
        lines.append(f"| {' | '.join([row['form'], row['python'], *(row.get(suite, '') for suite in SUITES)])} |")
    dates = sorted({row["date"] for row in record})
    lines += ["", f"Seen on {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}."]
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}"


def keep(form: str, kind: str, python: str, seen: dict[str, str]) -> None:
    """Puts a row into the record, in place of the one that was there, and writes the chapter's table anew."""
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else []
    release = subprocess.run([python, "-c", "import platform; print(platform.python_version())"], capture_output=True)
    version = release.stdout.decode().strip() + ("t" if kind.endswith("t") else "")
    row = {"form": form, "kind": kind, "python": version, "date": str(datetime.date.today()), **seen}
    rows = {(other["form"], other["kind"]): other for other in record}
    rows[form, kind] = row
    names = [*FORMS, BROKEN]
    numbers = {at: ([int(part) for part in re.findall(r"\d+", at[1])], at[1]) for at in rows}
    ordered = [rows[at] for at in sorted(rows, key=lambda at: (names.index(at[0]), numbers[at]))]
    RECORD.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), ordered), "utf-8")


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, metavar="[CPYTHON]...")
@click.option("--form", "forms", multiple=True, type=click.Choice(list(FORMS)), help="Only this form; may be repeated.")
@click.option("--suite", "suites", multiple=True, type=click.Choice(list(SUITES)), help="Only this suite.")
@click.option("--quick", is_flag=True, help="Of the behaviour suite a slice.")
@click.option("--no-control", is_flag=True, help="Without the control, which takes a build.")
@click.option("--record", is_flag=True, help="Keep what was seen in docs/forms.json, and write the chapter's table.")
def main(
    kinds: tuple[str, ...], forms: tuple[str, ...], suites: tuple[str, ...], quick: bool, no_control: bool, record: bool
) -> int:
    """The command line."""
    if record and (quick or suites):
        raise click.UsageError("a record is of all suites in full: leave out QUICK and SUITES.")
    found = {kind: path for kind, path in interpreters().items() if not kind.endswith("-debug")}
    for kind in kinds:
        if kind not in found:
            console.print(f"CPython {kind} is not here, and is left out. (make interpreters KINDS={kind} may get it.)")
    chosen = {kind: path for kind, path in found.items() if not kinds or kind in kinds}
    suites = suites or tuple(SUITES)
    table = Table("form", "CPython", *suites, title="forms, versions, suites")
    well, ran, controlled, audited = True, 0, no_control, set()
    for kind, python in chosen.items():
        version = tuple(int(part) for part in re.findall(r"\d+", kind)[:2])
        for name in forms or FORMS:
            form = FORMS[name]
            if version < form.oldest:
                console.print(
                    f"{form.module} is for CPython {form.oldest[0]}.{form.oldest[1]} and later: not for {kind}"
                )
                continue
            if not serves(form, version, kind):
                console.print(f"{form.module} is for a CPython with a GIL: not for {kind}")
                continue
            path = environment_for(kind, python)
            cells = []
            for suite in suites:
                tests, traced = SUITES[suite]
                tests = QUICK if quick and suite == "behaviour" else tests
                module = TARGET / kind / (f"{name}-traced" if traced else name)
                what = f"CPython {kind}: {name}"
                if form.stable and not traced:
                    oldest = oldest_for(form, found)
                    file = build_stable(form, oldest, found[oldest])
                    module.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, module / file.name)
                    if name not in audited:
                        audited.add(name)
                        well = audit(form, file, oldest, found[oldest], not no_control) and well
                        well = refused_elsewhere(form, file, found) and well
                        if name == "abi3t" and not no_control:
                            well = too_little_room(form, oldest, found[oldest]) and well
                else:
                    build_form(f"{what}, building", python, ROOT, TARGET / kind / "cargo", module, form, traced=traced)
                suffix = "_traced" if traced else ""
                good, said = run_suite(path, module, form.module + suffix, tests, f"{what}, {suite}")
                if suite == "faults":
                    module = TARGET / kind / f"{name}-traced"
                    build_form(f"{what}, building", python, ROOT, TARGET / kind / "cargo", module, form, traced=True)
                    none_wrong, words = run_faults(name, path, module, what)
                    good, said = good and none_wrong, f"{said}; {words}"
                well, ran = well and good, ran + 1
                cells.append(said)
                console.print(f"{what}, {suite}: {said}")
            table.add_row(name, kind, *cells)
            if record:
                keep(name, kind, python, dict(zip(suites, cells)))
            if name == "heap" and not controlled:
                seen, said = control(kind, version, python, path)
                well, controlled = well and seen, True
                table.add_row(BROKEN, kind, *[said if suite == "forms" else "" for suite in suites])
                if record:
                    keep(BROKEN, kind, python, {"forms": said})
    if not ran:
        console.print("None of these forms is for a CPython that is here: nothing was tested.")
        return 0 if kinds else 1
    console.print(table)
    console.print("Of each suite, what was said in full is in target/forms/CPYTHON/FORM/*.log.")
    return 0 if well else 1


if __name__ == "__main__":
    run_command(main)
