"""Runs a script in a child that writes down each step, and keeps what it wrote.

The child is the one that `ledger` uses (`hashtable_lab.audit.child`), told to write down more. Whatever becomes of it, all that
it had written by then is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hashtable_lab import children

#: A film has at most so many steps, unless it is told otherwise.
MOST_STEPS = 100_000
#: Seconds after which a script is stopped, unless it is told otherwise.
TIME_LIMIT = 60.0
# For each step of the film the log has up to so many lines that use up its room.
_LINES_FOR_A_STEP = 3


@dataclass(frozen=True)
class Recording:
    """What is left of a child.

    Attributes:
        rows: its log, line by line, split into fields.
        ending: how it ended. What it printed is bytes of any kind, and so not in there.
        output: what it printed on standard output.
        time_limit: after so many seconds it would have been stopped.
        file: the file of a module that was run by its name; empty if it was not found.
    """

    rows: list[list[str]]
    ending: children.Ending
    output: bytes
    time_limit: float
    file: str = ""


def record(
    script: Path | str,
    arguments: Sequence[str] = (),
    module: str | None = "hashtable_traced",
    *,
    as_module: bool = False,
    search: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    most: int = MOST_STEPS,
    time_limit: float = TIME_LIMIT,
    echo: Callable[[bytes], object] = lambda printed: None,
    tell: Callable[[int], object] = lambda size: None,
) -> Recording:
    """Runs a script and records it.

    Args:
        script: a Python file, or a module's name.
        arguments: what it finds in `sys.argv` after its name.
        module: the name of the extension, which keeps a ledger; `hashtable_traced` is `hashtable` to the script.
        as_module: it is a module's name, to be run as by `python -m`.
        search: folders in which to look for modules first.
        environment: variables to add to our own.
        most: so many steps are recorded at most; then the script goes on unwatched.
        time_limit: seconds after which it is killed.
        echo: is given what the script prints, as it prints it.
        tell: is told now and then how many bytes have been recorded.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as place:
        request, log, printed = (Path(place, name) for name in ("request.json", "log", "printed"))
        path = [os.path.abspath(entry) for entry in (*search, *sys.path)]
        question: dict[str, object] = {"path": path, "log": str(log), "module": module, "events": True, "watch": True}
        question |= {"most": most * _LINES_FOR_A_STEP, "script": str(script), "arguments": list(arguments)}
        question["as_module"] = as_module
        request.write_text(json.dumps(question), encoding="utf-8")
        variables = {**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
        # An extension that has been compiled with the ledger writes to the log from the moment on in which it is loaded.
        variables["LEDGER_LOG"] = str(log)
        for name in ("PYTHONINSPECT", "PYTHONFAULTHANDLER", "PYTHONDEVMODE"):
            variables.pop(name, None)
        command = [sys.executable, "-m", "hashtable_lab.audit.child", str(request)]
        timed_out = False
        with open(printed, "wb") as output, open(printed, "rb") as reading:
            with _started(command, variables, output) as child:
                end = time.monotonic() + time_limit
                while child.poll() is None and not timed_out:
                    timed_out = time.monotonic() > end
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        child.wait(timeout=0.05)
                    echo(reading.read())
                    tell(log.stat().st_size if log.is_file() else 0)
                if timed_out:
                    _kill(child)
            echo(reading.read())
        lines = log.read_bytes().decode("utf-8", "replace").split("\n") if log.is_file() else []
        rows = [line.split("\x1f") for line in lines if line]
        file = next((row[1] for row in rows if row[0] == "script" and len(row) > 1), "")
        return Recording(rows, children.Ending("", child.returncode, timed_out), printed.read_bytes(), time_limit, file)


@contextlib.contextmanager
def _started(
    command: Sequence[str], variables: Mapping[str, str], output: BinaryIO
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a process group of its own; if an exception leaves the block, Ctrl-C among them, the group is killed."""
    with subprocess.Popen(
        command,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        start_new_session=True,
    ) as child:
        try:
            yield child
        except BaseException:
            _kill(child)
            raise


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kills the child and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
