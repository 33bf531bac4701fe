"""The child of a check: imports an exercise's module, puts it to its tests, and makes each call that may fail, fail.

It runs in a process of its own (`check`), since a broken module may take its interpreter with it. Its argument is a request in
JSON; what it sees it writes to a file, line by line as it is seen, so that nothing is lost in a crash:

    ["test", name, doc]                      it begins with this test
    ["failed", name, message, line]          the test is not satisfied
    ["findings", [[kind, what, file, line, function, type, repr, times], ...]]
                                             what did not balance while the tests ran
    ["calls", {function: how often}]         what of the module was called from the tests
    ["fault", nth]                           it is about to make the nth call that may fail, fail
    ["faulted", nth, file, line, call, what, findings]
                                             and what came of it: "" if that is right
    ["faults", how many]                     so many calls failed once
    ["end"]                                  it came to its end
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import sys
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hashtable_lab.course import c

#: More calls that may fail than any exercise makes: there is a loop somewhere.
MOST_FAULTS = 2000

#: What a failing call raises, and what it says.
ON_PURPOSE = "this call was made to fail"


class Log:
    """Where the child writes what it sees."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, *row: object) -> None:
        os.write(self._file, (json.dumps(row) + "\n").encode())


def main(request: dict[str, Any]) -> None:
    """The child's whole program."""
    log = Log(request["log"])
    sys.path[:] = [request["folder"], *request["path"]]
    about = _load("about", Path(request["about"]))
    try:
        module = importlib.import_module(request["name"])
    except Exception as error:
        log("failed", "import", f"{type(error).__name__}: {error}", 0)
        return
    ledger = _ledger_of(module)
    if ledger is None:
        log("failed", "import", "the module keeps no ledger: it has to be made as the given file makes it", 0)
        return
    ledger.ledger_speak(False)
    ledger.ledger_log(request["log"] + ".ledger", False)
    tests = {name: test for name, test in vars(about).items() if name.startswith("test_")}
    with counted(module) as calls:
        well = _run_tests(module, ledger, tests, log)
    log("calls", dict(calls))
    if well and about.EXERCISE.faults:
        _run_faults(module, ledger, tests, log)
    log("end")


def _ledger_of(module: Any) -> Any:
    """What has the functions that read a module's ledger: itself, if it is in Rust. Those in C share a library, which has them."""
    if hasattr(module, "ledger_position"):
        return module
    if not c.is_here():
        return None
    engine = importlib.import_module("hashtable_lab.foreign.engine")
    return engine if hasattr(engine, "ledger_position") else None


def _load(name: str, file: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def counted(module: types.ModuleType) -> Iterator[Counter[str]]:
    """Counts the calls of the module's functions that come from Python, by the profiler's events."""
    calls: Counter[str] = Counter()

    def profile(frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            owner = getattr(argument, "__self__", None)
            if owner is module or module.__name__ in (type(owner).__module__, getattr(argument, "__module__", "")):
                calls[argument.__name__] += 1

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def _run_tests(module: Any, ledger: Any, tests: dict[str, Callable[[Any], None]], log: Log) -> bool:
    """Runs the tests in order, up to the first that fails. Returns whether all is well and balanced."""
    since = ledger.ledger_position()[0]
    well = True
    for name, test in tests.items():
        log("test", name, test.__doc__ or "")
        try:
            test(module)
        except BaseException as error:
            log("failed", name, _message(error), _line(error, test))
            well = False
            break
        finally:
            gc.collect()
    found = _findings(ledger, since)
    log("findings", found)
    return well and not found


def _message(error: BaseException) -> str:
    """What a test has to say: the text of its assertion, or the exception."""
    if isinstance(error, AssertionError) and error.args:
        return str(error.args[0])
    return traceback.format_exception_only(type(error), error)[-1].strip()


def _line(error: BaseException, test: Callable[[Any], None]) -> int:
    """The line of the test on which it stopped."""
    place, line = error.__traceback__, 0
    while place is not None:
        if place.tb_frame.f_code is test.__code__:
            line = place.tb_lineno
        place = place.tb_next
    return line


def _findings(ledger: Any, since: int) -> list[list[Any]]:
    """What did not balance since then, alike findings together."""
    from hashtable_lab.audit.ledger import together

    return [
        [found.kind, found.what, found.file, found.line, found.function, found.type, found.repr, found.times]
        for found in together(ledger.ledger_findings(since))
    ]


def _run_faults(module: Any, ledger: Any, tests: dict[str, Callable[[Any], None]], log: Log) -> None:
    """Makes the first call that may fail, fail, then the second, until none is left; in each test by itself."""
    done = 0
    for test in tests.values():
        if hasattr(test, "without_faults"):
            continue
        for nth in range(1, MOST_FAULTS):
            log("fault", nth)
            since = ledger.ledger_position()[0]
            before = {place[:3]: place[4] for place in ledger.ledger_places()}
            raised: BaseException | None = None
            ledger.ledger_fail(nth, MemoryError(ON_PURPOSE))
            try:
                test(module)
            except BaseException as error:
                raised = error
            left = ledger.ledger_fail(None)
            gc.collect()
            if left:
                break
            done += 1
            failed = [place for place in ledger.ledger_places() if place[4] > before.get(place[:3], 0)]
            file, line, call = failed[0][:3] if failed else ("", 0, "")
            what = "" if _is_ours(raised) else _instead(raised)
            del raised
            found = _findings(ledger, since)
            if what or found:
                log("faulted", nth, file, line, call, what, found)
                return
    log("faults", done)


def _is_ours(raised: BaseException | None) -> bool:
    """Whether the exception is the one that was put in, or was raised because of it."""
    while raised is not None:
        if isinstance(raised, MemoryError) and raised.args == (ON_PURPOSE,):
            return True
        raised = raised.__cause__ or raised.__context__
    return False


def _instead(raised: BaseException | None) -> str:
    if raised is None:
        return "nothing was raised"
    if isinstance(raised, AssertionError):
        return "nothing was raised, and the result was wrong"
    return f"{_message(raised)} came instead"


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
