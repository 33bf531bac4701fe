"""A hash function in JavaScript: the table calls Python, ctypes, a C interface, and V8, which is C++.

V8 comes in the wheel `mini-racer`, and the way to it is the one with the fewest promises: a shared library that knows
nothing of Python, some C functions, and ctypes. Beside it stands another engine, `quickjs`, whose module is written by hand
against the C API.
"""

from __future__ import annotations

import importlib.util
import timeit
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from hashtable_lab.commands import perform
from hashtable_lab.errors import Missing, require
from hashtable_lab.road import binary
from hashtable_lab.stage import Stage

HASH = """(key) => {
  let hash = 7;
  for (const letter of String(key)) hash = (31 * hash + letter.codePointAt(0)) | 0;
  return hash;
}"""
RAISES = '(key) => { throw new Error("no hash for " + key); }'
WORDS = ["chain", "bucket", "key", "value", "load"]
CALLS, ROUNDS = 30, 5


def hash_in_python(key: object) -> int:
    """The same hash, so that it can be compared."""
    value = 7
    for letter in str(key):
        value = (31 * value + ord(letter)) & 0xFFFFFFFF
        value -= (value & 0x80000000) << 1
    return value


def _file(module: str) -> Path:
    """Where a module's file is. It is not imported.

    Raises:
        Missing: it is not installed.
    """
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise Missing(
            "`demo v8` needs mini-racer and quickjs: run `python -m pip install '.[javascript]'` in the project's folder."
        )
    return Path(found.origin)


def _read(path: Path) -> binary.Binary:
    read = binary.read(path.read_bytes())
    if read is None:
        raise Missing(f"{path.name} is no native file that can be read.")
    return read


def _wheels(stage: Stage, names: tuple[str, str]) -> None:
    """Says what is in the two wheels, as they were installed."""
    stage.heading("Two wheels, opened")
    tags, columns = [], []
    for name in names:
        wheel = metadata.distribution(name)
        lines = (wheel.read_text("WHEEL") or "").splitlines()
        tags.append(next((line.removeprefix("Tag: ") for line in lines if line.startswith("Tag: ")), "unknown"))
        files = [Path(str(file.locate())) for file in wheel.files or [] if "__pycache__" not in str(file)]
        native = [file for file in files if file.suffix in (".so", ".dylib", ".dll", ".pyd")]
        loading = [file for file in files if file.suffix == ".py" and "ctypes." in file.read_text(encoding="utf-8")]
        megabytes = sum(file.stat().st_size for file in native) / 1e6
        endings = ", ".join(file.name.partition(".")[0] + file.suffix for file in native)
        columns.append(("-".join(tags[-1].split("-")[:2]), endings, f"{megabytes:.1f}", len(loading)))
    facts = ("its tag begins with", "native file", "megabytes of it", "Python files that use ctypes")
    stage.table(["the wheel", *names], [(fact, *both) for fact, *both in zip(facts, *columns)])
    stage.say(
        """The tag says which Python a wheel is for. `py3-none` is any Python 3: the native file in there is a
        library and no module, and Python code loads it with ctypes. The other wheel has a module, made for one
        Python."""
    )
    stage.check("V8's wheel is for every Python 3", tags[0].startswith("py3-none-") and columns[0][3] > 0)
    stage.check("the wheel of quickjs is for one Python", tags[1].startswith("cp") and columns[1][3] == 0)


def _names(stage: Stage, library: binary.Binary, module: binary.Binary) -> None:
    """Takes the two files apart."""
    stage.heading("Two files, two roads")
    offered = library.exports
    for_c = sorted(name for name in offered if name.startswith("mr_"))
    mangled = sum(name.startswith(("_Z", "_R")) for name in offered)
    rows = [
        ("it offers, in all", len(offered), len(module.exports)),
        ("of these, mangled names", mangled, sum(name.startswith(("_Z", "_R")) for name in module.exports)),
        ("of these, functions for C that begin with mr_", len(for_c), 0),
        ("of these, a function for `import`", int(library.module is not None), int(module.module is not None)),
        ("it needs of Python's C API", len(library.python), len(module.python)),
    ]
    stage.table(["", "libmini_racer", "_quickjs"], rows)
    stage.say(
        """V8 is C++, and its names are there, mangled; ctypes could not even spell a call of one. What it
        calls are the few functions for C. Not one name of Python's is missing in that file: it does
        for every Python, which is why one wheel is enough. The other file is a module, and needs an
        interpreter."""
    )
    stage.check("V8's library has more than ten thousand mangled names", mangled > 10_000)
    stage.check("and a few dozen functions for C", 10 <= len(for_c) < 100)
    stage.check("and needs nothing of Python", not library.python and library.module is None)
    stage.check("while the module of quickjs does, and is one", bool(module.python) and module.module == "_quickjs")


def _as_hash_function(stage: Stage, make: Callable[..., Any], function: Callable[[Any], int], raising: Any) -> None:
    """Uses a JavaScript function as the table's."""
    stage.heading("JavaScript hashes")
    stage.show_text(HASH, "javascript")
    table = make(8, 1.0, function)
    for number, word in enumerate(WORDS):
        table.set(word, number)
    stage.transcript(format(table, "full"))
    python = make(8, 1.0, hash_in_python)
    for number, word in enumerate(WORDS):
        python.set(word, number)
    stage.check("every word is in the bucket of the same hash in Python", table.buckets() == python.buckets())

    stage.heading("JavaScript throws")
    stage.show_text(RAISES, "javascript")
    failing = make(8, 1.0, raising)
    try:
        failing.set("chain", 1)
    except Exception as error:
        raised: Exception | None = error
        lines = [line.strip() for line in str(error).splitlines() if "no hash for" in line]
        stage.transcript(f"{type(error).__name__}: {lines[-1] if lines else error}")
    else:
        raised = None
    stage.say(
        """A C++ exception must not leave through C. The library catches it, hands out its text, and the Python
        side raises an exception of its own. The table sees a hash function that raised, like any
        other."""
    )
    stage.check("the error in JavaScript comes out of `set`", raised is not None and "no hash for chain" in str(raised))
    stage.check("and the table is as it was", failing.load == 0)


def _cost(stage: Stage, make: Callable[..., Any], functions: dict[str, Callable[[Any], int]]) -> None:
    """What the crossing costs."""
    stage.heading("What the crossing costs")
    found = {}
    with stage.busy("timing"):
        for name, function in functions.items():
            table = make(8, 1.0, function).set("chain", 1)
            timer = timeit.Timer("get('chain')", globals={"get": table.get})
            found[name] = min(timer.repeat(ROUNDS, CALLS)) / CALLS
    unit = min(found.values())
    stage.table(
        ["a get whose hash function is in", "times as long"],
        [(name, f"{time / unit:.0f}") for name, time in found.items()],
    )
    stage.say(
        """The words are short, so that this is mostly the way there and back. Through ctypes each call also
        packs its argument into a value of the library's own, and waits for V8, which runs in a
        thread of its own. The module by hand makes a value and calls."""
    )
    slow, fast = found["JavaScript, V8 by ctypes"], found["JavaScript, quickjs by the C API"]
    stage.check("the binding by hand is quicker than the one by ctypes", fast < slow)


def play(stage: Stage) -> None:
    """Performs the demo.

    Raises:
        Missing: one of the packages that it needs is not installed.
    """
    require("hashtable")
    binary.reader()
    package, module = _file("py_mini_racer"), _file("_quickjs")
    libraries = [
        file
        for file in package.parent.iterdir()
        if "mini_racer." in file.name and file.suffix in (".so", ".dylib", ".dll")
    ]
    if len(libraries) != 1:
        raise Missing("the package mini-racer has no library that could be looked at: install it anew.")
    from hashtable import HashTable

    mini_racer, quickjs = importlib.import_module("py_mini_racer"), importlib.import_module("_quickjs")

    stage.title("A hash function in JavaScript")
    with stage.busy("reading the names in the files"):
        read = _read(libraries[0]), _read(module)
    _wheels(stage, ("mini-racer", "quickjs"))
    _names(stage, *read)
    context = mini_racer.MiniRacer()
    other = quickjs.Context()
    function = context.eval(HASH)
    _as_hash_function(stage, HashTable, function, context.eval(RAISES))
    functions = {
        "Python": hash_in_python,
        "JavaScript, quickjs by the C API": other.eval(HASH),
        "JavaScript, V8 by ctypes": function,
    }
    _cost(stage, HashTable, functions)
    stage.verdict()


@click.command("v8")
def command() -> int:
    """A hash function in JavaScript, run by V8."""
    return perform(play)
