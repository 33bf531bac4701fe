"""Puts every form of the module to the suites, with every CPython found: `make forms`.

    classic       hashtable         static types, one phase of init: the lesson
    heap          hashtable_heap    heap types, several phases, module state: for interpreters with a GIL of their own

Forms, versions and suites make a table of what came of each. A control comes with it: the heap form with the mistakes that its
contract makes possible (three specimens), each of which a test must notice. FORMS='heap', PYTHONS='3.12 3.14' and
SUITES='behaviour forms' take only these; what is not here is left out, and said so. QUICK=yes takes a slice of the behaviour suite.
"""

from __future__ import annotations

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

FORMS = {
    "classic": Form(PACKAGES["hashtable"], "hashtable", (3, 9)),
    "heap": Form(PACKAGES["hashtable_heap"], "hashtable_heap", (3, 11)),
}
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
        # Not every CPython brings a pip along, so ours is used; but an older one takes the wrong wheels without the GIL.
        own_pip = kind.endswith("t")
        bare = [] if own_pip else ["--without-pip"]
        subprocess.run([python, "-m", "venv", *bare, folder], check=True, stdout=subprocess.DEVNULL)
        pip = [path, "-m", "pip"] if own_pip else [sys.executable, "-m", "pip", "--python", path]
        code, output, _ = watch(
            f"CPython {kind}: installing what the tests need",
            [*pip, "install", "--quiet", *needs],
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


def control(kind: str, version: tuple[int, ...], python: str, path: Path) -> tuple[bool, str]:
    """The heap form, broken: its tests must say so."""
    source = TARGET / "control-source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for file in ("Cargo.toml", "Cargo.lock"):
        shutil.copyfile(ROOT / file, source / file)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("lab", "__pycache__", "bindings"))
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


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, metavar="[CPYTHON]...")
@click.option("--form", "forms", multiple=True, type=click.Choice(list(FORMS)), help="Only this form; may be repeated.")
@click.option("--suite", "suites", multiple=True, type=click.Choice(list(SUITES)), help="Only this suite.")
@click.option("--quick", is_flag=True, help="Of the behaviour suite a slice.")
@click.option("--no-control", is_flag=True, help="Without the control, which takes a build.")
def main(kinds: tuple[str, ...], forms: tuple[str, ...], suites: tuple[str, ...], quick: bool, no_control: bool) -> int:
    """The command line."""
    found = {kind: path for kind, path in interpreters().items() if not kind.endswith("-debug")}
    for kind in kinds:
        if kind not in found:
            console.print(f"CPython {kind} is not here, and is left out. (make interpreters KINDS={kind} may get it.)")
    chosen = {kind: path for kind, path in found.items() if not kinds or kind in kinds}
    suites = suites or tuple(SUITES)
    table = Table("form", "CPython", *suites, title="forms, versions, suites")
    well, ran, controlled = True, 0, no_control
    for kind, python in chosen.items():
        version = tuple(int(part) for part in re.findall(r"\d+", kind)[:2])
        for name in forms or FORMS:
            form = FORMS[name]
            if version < form.oldest:
                console.print(
                    f"{form.module} is for CPython {form.oldest[0]}.{form.oldest[1]} and later: not for {kind}"
                )
                continue
            path = environment_for(kind, python)
            cells = []
            for suite in suites:
                tests, traced = SUITES[suite]
                tests = QUICK if quick and suite == "behaviour" else tests
                module = TARGET / kind / (f"{name}-traced" if traced else name)
                what = f"CPython {kind}: {name}"
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
            if name == "heap" and not controlled:
                seen, said = control(kind, version, python, path)
                well, controlled = well and seen, True
                table.add_row("heap, broken", kind, *[said if suite == "forms" else "" for suite in suites])
    if not ran:
        console.print("None of these forms is for a CPython that is here: nothing was tested.")
        return 0 if kinds else 1
    console.print(table)
    console.print("Of each suite, what was said in full is in target/forms/CPYTHON/FORM/*.log.")
    return 0 if well else 1


if __name__ == "__main__":
    run_command(main)
