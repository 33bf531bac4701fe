"""What `ledger` does in its child: runs a script against an extension that keeps a ledger.

To the script the extension is `hashtable`, if it is the traced build of that. Each finding is written to a file as soon
as it comes, by the extension itself: what was found before a crash is not lost with the process. To the same file goes
how the script ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import runpy
import sys
import traceback
import types
from pathlib import Path
from typing import Any

from hashtable_lab.audit.ledger import has_a_ledger
from hashtable_lab.replay.watching import watching

# A script may fork. What becomes of the fork is not to be taken for the end of the script.
_OURS = os.getpid()

#: Reads the books of every extension that was compiled with the ledger's header.
ENGINE = "hashtable_lab.foreign.engine"


def main(request: dict[str, Any]) -> int:
    """The child's whole program. Returns its exit code; it matters only if the script could not be begun."""
    sys.path[:] = request["path"]
    log = request["log"]
    name = request["module"] or ENGINE
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return _tell(log, "cannot", f"{error}")
    if not has_a_ledger(module):
        return _tell(log, "cannot", f"{module.__name__} keeps no ledger")
    if module.__name__ == "hashtable_traced":
        module.announce(False)
        sys.modules["hashtable"] = module
    module.ledger_speak(False)
    # Where the extension has opened it by itself, it lacks the events at most.
    if request["events"] or os.environ.get("LEDGER_LOG") != log:
        module.ledger_log(log, request["events"], request.get("most"))
    before = dict(module.ledger_judged())
    script = request["script"]
    sys.argv[:] = [script, *request["arguments"]]
    as_module, file = request.get("as_module"), script
    sys.path.insert(0, os.getcwd() if as_module else os.path.dirname(os.path.abspath(script)))
    try:
        if as_module and request.get("watch"):
            file = _file_of(script)
            _write(log, "script", file)
        with watching(module, file) if request.get("watch") else contextlib.nullcontext():
            if as_module:
                runpy.run_module(script, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(script, run_name="__main__")
    except SystemExit as exit_:
        return _leave(log, exit_)
    except BaseException as error:
        _show(error, script)
        return _tell(log, "raised", traceback.format_exception_only(type(error), error)[-1].strip())
    finally:
        gc.collect()
        _count(log, before, module.ledger_judged())
    return _tell(log, "end", "0")


def _file_of(name: str) -> str:
    """The file of a module that is run as `python -m` runs it, as its code names it; of a package, that of its `__main__`.

    Raises:
        ImportError: there is no such module, or it is not written in Python.
    """
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    code = getattr(spec and spec.loader, "get_code", lambda name: None)(spec.name if spec else name)
    if code is None:
        raise ImportError(f"No module named {name}, or it cannot be run: it has no code in Python")
    return str(code.co_filename)


def _leave(log: str, exit_: SystemExit) -> int:
    """What `sys.exit` was called with: a number, None, or something to be printed."""
    if exit_.code is None or isinstance(exit_.code, int):
        return _tell(log, "end", str(exit_.code or 0))
    print(exit_.code, file=sys.stderr)
    return _tell(log, "end", "1")


def _show(error: BaseException, script: str) -> None:
    """Prints a traceback that begins in the script."""
    place: types.TracebackType | None = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename != script:
        place = place.tb_next
    traceback.print_exception(type(error), error, place or error.__traceback__)


def _count(log: str, before: dict[str, int], judged: list[tuple[str, int]]) -> None:
    """Writes down how many calls of how many functions were judged since the script began."""
    calls = [calls - before.get(function, 0) for function, calls in judged]
    _write(log, "judged", str(sum(calls)), str(sum(map(bool, calls))))


def _tell(log: str, word: str, detail: str) -> int:
    _write(log, "ended", word, " ".join(detail.split()))
    return 0


def _write(log: str, *fields: str) -> None:
    if os.getpid() == _OURS:
        with open(log, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\x1f".join(fields) + "\n")


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
