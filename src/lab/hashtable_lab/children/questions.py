"""Asks a child process a question: a request goes there, an answer comes back, and progress is reported meanwhile.

Somebody else's statement is never run in the reader's interpreter: what it breaks, it breaks in a child, and what it
leaks goes with the child. A question is a module of this package that can be run (`python -m hashtable_lab.NAME`) and
gives its function to `answer`. It imports nothing outside the standard library before it has to, so that the child is
as quiet an interpreter as possible.

Request and answer are JSON, in two files of a temporary folder. The child's standard output belongs to progress; what
the statement itself prints there is dropped. What comes on standard error is kept, for a crash may have said why.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# How a line about progress begins. Nothing that a statement prints can, as its standard output goes nowhere.
_MARK = "\x1eprogress "

#: Reports progress: how much is done (0 to 1), and what is being done.
Tell = Callable[[float, str], None]


class CannotAnswer(Exception):
    """The child cannot answer; the message, of one line, says why."""


def describe(error: BaseException) -> str:
    """An exception in one line: `ZeroDivisionError: division by zero`."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # its own __str__ may be broken
        words = ""
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


# ---- in the child ----------------------------------------------------------------------------------------------------


def answer(function: Callable[[Any, Tell], Any]) -> None:
    """The child's whole program: reads the request, calls a function with it, writes down what it returns.

    Args:
        function: takes the request and a `Tell`. Raises `CannotAnswer` if it cannot answer.
    """
    request_file, answer_file = map(Path, sys.argv[1:3])
    request = json.loads(request_file.read_text(encoding="utf-8"))
    sys.path[:] = request["path"]
    sys.argv[:] = ["-c"]
    _no_core_files()
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)

    def tell(done: float, what: str) -> None:
        voice.write(f"{_MARK}{done:.3f} {what}\n")
        voice.flush()

    try:
        found = {"answer": function(request["question"], tell)}
    except CannotAnswer as error:
        found = {"error": str(error)}
    answer_file.write_text(json.dumps(found), encoding="utf-8")
    # Straight out: what the statement left behind may be in no state to be torn down.
    os._exit(0)


def _no_core_files() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# ---- in the parent ---------------------------------------------------------------------------------------------------


def ask(name: str, question: Any, tell: Tell, environment: Mapping[str, str] | None = None) -> Any:
    """Asks a child of the same interpreter, which finds the same modules as this process.

    Args:
        name: the module of this package that answers.
        question: the request; anything that JSON can carry.
        tell: is called with the child's progress.
        environment: environment variables to add to our own.

    Returns:
        The answer.

    Raises:
        CannotAnswer: it crashed, or says that it cannot.
    """
    from hashtable_lab import children

    path = [os.path.abspath(entry) for entry in sys.path]
    variables = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **(environment or {})}
    for unwanted in ("PYTHONFAULTHANDLER", "PYTHONDEVMODE", "PYTHONINSPECT", "PYTHONTRACEMALLOC"):
        # They would allocate on their own account, or add to what a crash prints.
        variables.pop(unwanted, None)
    variables["PYTHONPATH"] = os.pathsep.join(path)
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        request_file, answer_file = Path(folder, "request.json"), Path(folder, "answer.json")
        request_file.write_text(json.dumps({"path": path, "question": question}), encoding="utf-8")
        command = [sys.executable, "-m", f"hashtable_lab.{name}", str(request_file), str(answer_file)]
        said = ""
        with children.start(command, env=variables) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith(_MARK):
                    done, _, what = line[len(_MARK) :].rstrip().partition(" ")
                    tell(float(done), what)
                elif line.strip():
                    said = line.strip()
        ending = children.Ending(said, child.returncode)
        if not answer_file.is_file():
            last = f'; the last it said was "{said}"' if said else ""
            child_was = "the child that ran it was" if ending.code < 0 or ending.crashed else "the child that ran it"
            raise CannotAnswer(f"{child_was} {ending}{last}")
        found = json.loads(answer_file.read_text(encoding="utf-8"))
    if "error" in found:
        raise CannotAnswer(found["error"])
    return found["answer"]
