"""`make bindings`: builds, tests and measures every binding from Python to the same library, and prints one table.

    python src/bindings/compare.py [BINDING]...

The bindings and how they are built are in builds.py. What is tried of each runs in processes of its own, with the Python of the
bindings' own environment: the shared suite (suite/), the figures (measure.py), bad input (probe.py), loading the one binary in
every CPython of this machine (suite/load.py), and the laboratory's leak check. Two bindings that are broken on purpose go the same
way, and must be caught.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import builds
import click
from builds import BINDINGS, CONTROLS, HERE, PYTHON, ROOT, TARGET, Binding, Failed
from hashtable_lab.children.interpreters import every_python
from hashtable_lab.commands import run
from page import record_file
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, String
from rich.console import Console
from rich.table import Table

TIMEOUT = 120
#: How often each binding has its turn when calls are timed.
TURNS = 5

#: For progress; the table goes to standard output.
console = Console(stderr=True, highlight=False, soft_wrap=True)


def child(command: list[Any], timeout: float = TIMEOUT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that may do anything. One that hangs is ended, and has the return code of SIGALRM then."""
    words = [str(word) for word in command]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        return subprocess.run(
            words,
            env={**clean, "PYTHONDONTWRITEBYTECODE": "1", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, -signal.SIGALRM, "", "")


def ending(done: subprocess.CompletedProcess[str]) -> str:
    """How a child ended that should not have: by which signal, or with which last words."""
    if done.returncode == -signal.SIGALRM:
        return "it hangs"
    if done.returncode < 0:
        return f"crash: {signal.Signals(-done.returncode).name}"
    words = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    # Without the paths, which are this machine's.
    return re.sub(r"(/[\w.+-]+)+/", "", words[-1])[:120] if words else f"exit code {done.returncode}"


def answer(command: list[Any], binding: Binding, **variables: str) -> Any:
    """The JSON that a child prints last, or Failed."""
    done = child(command, PYTHONPATH=str(binding.target), **variables)
    if done.returncode:
        raise Failed(ending(done))
    return json.loads(done.stdout.splitlines()[-1])


# ---- what is tried of a binding -----------------------------------------------------------------------------------------


def suite(binding: Binding) -> dict[str, Any]:
    """The shared suite: how many tests passed, and how many did not."""
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={HERE / 'suite'}"]
    done = child(
        [PYTHON, "-m", "pytest", *options, HERE / "suite", "--binding", binding.name], PYTHONPATH=str(binding.target)
    )
    counted = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    found = {"passed": counted.get("passed", 0), "failed": counted.get("failed", 0) + counted.get("error", 0)}
    if done.returncode not in (0, 1):
        return {**found, "failed": found["failed"] + 1, "what": ending(done)}
    failing = dict.fromkeys(re.findall(r"^(?:FAILED|ERROR) \S*::(\w+)", done.stdout, re.MULTILINE))
    return {**found, "what": ", ".join(failing)}


def lines(files: list[Path]) -> int:
    """Lines that say something: no empty ones, no comments, no documentation."""
    found = 0
    for file in files:
        text = file.read_text(encoding="utf-8")
        said = ""
        for kind, value in get_lexer_for_filename(file.name).get_tokens(text):
            no_code = kind in String.Doc or (
                kind in Comment and kind not in Comment.Preproc and kind not in Comment.PreprocFile
            )
            said += re.sub(r"[^\n]", "", value) if no_code else value
        found += sum(bool(line.strip()) for line in said.splitlines())
    return found


def stripped(file: Path) -> int:
    """The size of a compiled file without what is there for debuggers, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "stripped")
        builds.run(["strip", "--strip-unneeded", "-o", copy, file])
        return copy.stat().st_size


def probes(binding: Binding) -> dict[str, dict[str, Any]]:
    """What comes of each piece of bad input."""
    found = {}
    names = json.loads(builds.run([PYTHON, "-c", "import json, probe; print(json.dumps(list(probe.PROBES)))"], HERE))
    for name in [*names, "cycle"]:
        done = child([PYTHON, HERE / "probe.py", binding.name, name], timeout=60, PYTHONPATH=str(binding.target))
        answered = done.returncode == 0 and done.stdout.strip()
        found[name] = json.loads(done.stdout.splitlines()[-1]) if answered else {"passes": False, "what": ending(done)}
    return found


LEAK_SETUP = """
import {module} as binding
def function(key): return 300 + len(str(key))
def raising(key): raise ZeroDivisionError
key, value, fallback = "a key" * 9, 2.5e9, object()
"""
LEAK_STATEMENT = """
for hash_func in (function, raising):
    table = binding.HashTable(4, 0.5, hash_func)
    try:
        table.set(key, value).set(2**40, key).set(key, 5)
        table.get(key), table.get("missing", fallback), table.pop(2**40), table.pop("missing", fallback)
        repr(table), table.size, table.load
        table.pop("missing")
    except (KeyError, ZeroDivisionError):
        pass
    for wrong in (None, "\\ud800"):
        try:
            table.set(wrong, value)
        except (TypeError, ValueError, ZeroDivisionError):
            pass
"""


def leaks(binding: Binding) -> dict[str, str]:
    """What the laboratory's leak check says of everything that a table can do."""
    setup = LEAK_SETUP.format(module=binding.module)
    command = [PYTHON, "-m", "hashtable_lab", "leakcheck", "--json", "--calls", "500", "--setup", setup, LEAK_STATEMENT]
    done = child(command, PYTHONPATH=str(binding.target))
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return {"verdict": "could not tell", "why": ending(done)}
    return {"verdict": report["verdict"], "why": "; ".join(report["reasons"])}


def loads(binding: Binding, everywhere: dict[str, str]) -> dict[str, str]:
    """What each Python says to the files of this one build: "works", or why not.

    A module's file name says for which Python it was built, and others do not even look at it. Here all get to see it, under a
    name that suits all. A package that the binding needs when it runs is installed for each of them.
    """
    found = {}
    for version, python in everywhere.items():
        with tempfile.TemporaryDirectory() as folder:
            for file in binding.target.iterdir():
                if file.is_file():
                    name = re.sub(r"\.(cpython-|abi3)[\w-]*\.so$", ".so", file.name)
                    os.symlink(file, Path(folder, name))
            path = [folder]
            if binding.tool == "cffi":
                packages = TARGET / "cffi-for" / version
                if not packages.exists():
                    child([python, "-m", "pip", "install", "--quiet", "--no-compile", "--target", packages, "cffi"])
                path.append(str(packages))
            done = child(
                [python, HERE / "suite" / "load.py", binding.module], timeout=30, PYTHONPATH=os.pathsep.join(path)
            )
            found[version] = "works" if done.returncode == 0 else ending(done)
    return found


def needs(binding: Binding) -> dict[str, str]:
    """What is needed on top of CPython, to build it and to run it. The second is tried, without any package."""
    compilers = {"cc": "a C compiler", "c++": "a C++ compiler", "cargo": "Rust"}
    build = [binding.tool or binding.debian, compilers[binding.program]] if binding.compiled else []
    done = child([sys.executable, "-S", HERE / "suite" / "load.py", binding.module], PYTHONPATH=str(binding.target))
    absent = re.search(r"No module named '(\w+)'", done.stderr)
    run = "nothing" if done.returncode == 0 else absent.group(1) if absent else ending(done)
    return {"build": ", ".join(filter(None, build)) or "nothing", "run": run}


def usable_from_c(binding: Binding) -> str:
    """Whether the C program of src/c_library can be linked with what this binding has built, and runs."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "program")
        for library, works in ((binding.binary, "yes"), (binding.target / "libhashtable.so", "library")):
            if library is None or (binding.name == "extension" and library != binding.binary):
                continue
            command = ["cc", f"-I{binding.target}", ROOT / "src" / "c_library" / "example.c", library, "-o", program]
            command += [f"-Wl,-rpath,{binding.target}", "-Wl,--unresolved-symbols=ignore-in-shared-libs"]
            if child(command).returncode == 0 and "pairs in" in child([program]).stdout:
                return works if binding.binary else "yes"
    return "no"


def survey(binding: Binding, ready: Path, everywhere: dict[str, str], tell: Any) -> dict[str, Any]:
    """Everything about one binding; or, if it cannot be built here, why.

    Args:
        binding: which.
        ready: the folder of the libraries.
        everywhere: in which Pythons to try it.
        tell: is told what is being done.
    """
    tell("building")
    try:
        builds.prepare(binding)
        seconds = builds.build(binding, ready)
    except Failed as error:
        return {"title": binding.title, "missing": str(error)}
    found: dict[str, Any] = {"title": binding.title, "build_seconds": round(seconds, 2)}
    tell("the shared suite")
    found["suite"] = suite(binding)
    written = [binding.source / name for name in binding.table]
    if binding.name == "extension":
        written = sorted((ROOT / "src" / "extension").rglob("*.rs"))
    found["lines"] = {"hello": lines([binding.source / name for name in binding.hello]), "table": lines(written)}
    module = stripped(binding.binary) if binding.binary else 0
    needed = [] if binding.name == "extension" else dict.fromkeys(["hashtable", binding.libraries[0]])
    below = sum(stripped(binding.target / f"lib{name}.so") for name in needed)
    found["bytes"] = {"module": module, "library": below}
    tell("how large")
    memory = answer([PYTHON, HERE / "measure.py", binding.name, "memory"], binding, PYTHONMALLOC="malloc")
    found["bytes_per_table"] = round(memory["bytes"])
    tell("bad input")
    found["probes"] = probes(binding)
    found["cycles"] = found["probes"].pop("cycle")
    tell("every Python")
    found["pythons"] = loads(binding, everywhere)
    found["needs"] = needs(binding)
    found["from_c"] = usable_from_c(binding)
    tell("the leak check")
    found["leak_check"] = leaks(binding)
    return found


def times(targets: dict[str, Binding], tell: Any) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """What calls cost, in ns: the best of several rounds, in which all take their turns. A machine that is slow for a while is
    then slow for all of them, and not for the one whose turn it was.

    Args:
        targets: by the name that measure.py knows, the binding on whose path that is found.
        tell: is told what is being done.

    Returns:
        the figures, by name; and for each that cannot be measured, why.
    """
    best: dict[str, dict[str, float]] = {}
    failed: dict[str, str] = {}
    for number in range(TURNS):
        for name, binding in targets.items():
            if name in failed:
                continue
            tell(f"how fast, round {number + 1} of {TURNS}: {name}")
            try:
                found = answer([PYTHON, HERE / "measure.py", name, "times"], binding)
            except Failed as error:
                failed[name] = str(error)
                continue
            figures = best.setdefault(name, {})
            for what, value in found.items():
                figures[what] = min(round(value, 1), figures.get(what, round(value, 1)))
    return best, failed


def check_controls(ready: Path, tell: Any) -> dict[str, dict[str, Any]]:
    """What became of the bindings that are broken on purpose: whether each was caught where it must be."""
    found = {}
    for name, catcher in CONTROLS.items():
        tell(f"{name} on purpose")
        binding = builds.control(name)
        try:
            builds.build(binding, ready)
        except Failed as error:
            found[name] = {"caught": False, "by": catcher, "what": str(error)}
            continue
        if catcher == "leaks":
            said = leaks(binding)
            found[name] = {"caught": said["verdict"] == "leaks", "by": "the leak check", "what": said["why"]}
        else:
            tests = suite(binding)
            found[name] = {"caught": tests["failed"] > 0, "by": "the shared suite", "what": tests.get("what", "")}
    return found


# ---- for people ------------------------------------------------------------------------------------------------------


def carried(row: dict[str, Any]) -> str:
    """How many exceptions arrive: out of a hash function, and out of a function that C calls."""
    return f"{sum(row['probes'][f'{where} raises']['passes'] for where in ('hash function', 'callback from C'))}/2"


def cells(row: dict[str, Any]) -> list[str]:
    """One binding's line of the table."""
    ns, tests, tried = row["ns"], row["suite"], row["pythons"]
    passed = sum(probe["passes"] for probe in row["probes"].values())
    works = sum(what == "works" for what in tried.values())
    return [
        row["title"],
        f"{tests['passed']}" if not tests["failed"] else f"{tests['failed']} FAIL",
        *(f"{ns[name]:.0f}" for name in ("empty", "get", "set", "hash_func", "ask")),
        str(row["bytes_per_table"]),
        str(row["lines"]["hello"]),
        str(row["lines"]["table"]),
        f"{row['build_seconds']:.1f}" if row["build_seconds"] else "-",
        str(round(row["bytes"]["module"] / 1024)),
        f"{works}/{len(tried)}",
        row["from_c"],
        carried(row),
        f"{passed}/{len(row['probes'])}",
        "yes" if row["cycles"]["passes"] else "NO",
        {"clean": "yes", "leaks": "NO"}.get(row["leak_check"]["verdict"], "?"),
    ]


HEADERS = [
    "binding",
    "tests",
    "ns: empty",
    "get",
    "set",
    "hash in Python",
    "call back",
    "bytes, a table",
    "lines, hello",
    "lines, table",
    "build, s",
    "kB",
    "Pythons",
    "from C",
    "raised arrives",
    "bad input carried",
    "cycles freed",
    "counts even",
]


def show(results: dict[str, Any]) -> None:
    """Prints the table, and what there is to say below it."""
    out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    table = Table(title=f"every binding to the same library, on CPython {results['python']}", padding=(0, 1), box=None)
    for header in HEADERS:
        table.add_column(header, justify="left" if header in ("binding", "from C") else "right", no_wrap=False)
    table.columns[0].no_wrap = True
    for row in results["roads"].values():
        if "missing" in row:
            table.add_row(row["title"], "missing")
        else:
            table.add_row(*cells(row))
    ns = results["baseline"]
    baseline = ["Python, dict", "", *(f"{ns[name]:.0f}" for name in ("empty", "get", "set")), "", f"{ns['ask']:.0f}"]
    table.add_row(*baseline, str(ns["bytes_per_table"]), style="dim")
    out.print(table)
    for row in results["roads"].values():
        if "missing" in row:
            out.print(f"{row['title']}: {row['missing']}", soft_wrap=True)
            continue
        for name, probe in row["probes"].items():
            if not probe["passes"]:
                out.print(f"{row['title']}: {name}: {probe['what']}", soft_wrap=True)
        if row["leak_check"]["verdict"] != "clean":
            said = row["leak_check"]
            out.print(f"{row['title']}: leak check: {said['verdict']}: {said['why']}", soft_wrap=True)
        if row["suite"]["failed"]:
            out.print(f"{row['title']}: {row['suite'].get('what')}", soft_wrap=True)
    for name, said in results["controls"].items():
        word = "caught" if said["caught"] else "NOT CAUGHT"
        out.print(f"{name} on purpose: {word} by {said['by']}: {said['what']}", soft_wrap=True)


def machine() -> dict[str, str]:
    """What the figures depend on."""
    found = {"system": f"{platform.system()} {platform.machine()}", "cc": "", "rustc": ""}
    for program in ("cc", "rustc"):
        said = child([program, "--version"]).stdout.splitlines()
        found[program] = said[0] if said else ""
    try:
        models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        models = []
    return {**found, "processor": models[0] if models else platform.processor()}


NAMES = [binding.name for binding in BINDINGS]


@click.command(
    epilog=f"""\b
The bindings: {", ".join(NAMES)}.

\b
Exit codes:
  0  every binding passes its tests, and the controls are caught
  1  a binding fails its tests, or a control is not caught
  2  something is missing"""
)
@click.argument("bindings", nargs=-1, type=click.Choice(NAMES), metavar="[BINDING]...")
@click.option("--json", "as_json", is_flag=True, help="Print everything that was found as JSON.")
@click.option("--record", is_flag=True, help="Keep it in docs/roads/, and write docs/roads.md and its plots anew.")
def compare(bindings: tuple[str, ...], as_json: bool, record: bool) -> int:
    """Builds, tests and measures the bindings of libhashtable, and prints one table.

    Without BINDING, all of them, which takes about eight minutes.
    """
    if record and bindings:
        raise click.UsageError("a record is of all bindings: leave out their names.")
    TARGET.mkdir(parents=True, exist_ok=True)
    chosen = [binding for binding in BINDINGS if not bindings or binding.name in bindings]
    with console.status("getting ready") as status:

        def tell(what: str) -> None:
            status.update(what)
            if not console.is_terminal:
                console.print(f"{what} ...")

        tell("the libraries")
        try:
            builds.install("")
            ready = builds.libraries()
        except Failed as error:
            raise click.ClickException(str(error)) from None
        everywhere = every_python()
        broken = False
        results: dict[str, Any] = {
            "python": platform.python_version(),
            "machine": machine(),
            "turns": TURNS,
            "roads": {},
        }
        for binding in chosen:
            try:
                found = survey(
                    binding, ready, everywhere, lambda what, binding=binding: tell(f"{binding.title}: {what}")
                )
            except Failed as error:
                found, broken = {"title": binding.title, "missing": f"built, but cannot be measured: {error}"}, True
            results["roads"][binding.name] = found
        built = [binding for binding in chosen if "missing" not in results["roads"][binding.name]]
        measured, failed = times({**{binding.name: binding for binding in built}, "python": BINDINGS[0]}, tell)
        for binding in built:
            row = results["roads"][binding.name]
            if binding.name in failed:
                broken = True
                row.update(missing=f"built, but cannot be measured: {failed[binding.name]}")
            else:
                row["ns"] = measured[binding.name]
        memory = answer([PYTHON, HERE / "measure.py", "python", "memory"], BINDINGS[0], PYTHONMALLOC="malloc")
        results["baseline"] = dict(measured["python"])
        results["baseline"]["bytes_per_table"] = round(memory["bytes"])
        results["controls"] = check_controls(ready, tell)
    if record:
        file = record_file(results)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        builds.install("matplotlib")
        builds.run([PYTHON, HERE / "page.py"])
    if as_json:
        print(json.dumps(results, indent=1))
    else:
        show(results)
    broken = broken or any(row.get("suite", {}).get("failed") for row in results["roads"].values())
    return 1 if broken or not all(said["caught"] for said in results["controls"].values()) else 0


if __name__ == "__main__":
    sys.exit(run(compare))
