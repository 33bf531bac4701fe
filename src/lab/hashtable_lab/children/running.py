"""Runs code that may crash in a process of its own.

A broken extension module is never imported in the reader's interpreter: what it breaks, it breaks in a child. The
child is a fresh interpreter of the same kind that runs a small program. What it printed is kept, how it ended, and, if it
got that far, what it returned.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Freed memory is filled with the byte 0xDD, so that any use of a dead object fails at once. Without this, a
# dead object often looks alive until its memory is given to another one, and a bug shows late, elsewhere or never.
# Source: https://docs.python.org/3/using/cmdline.html#envvar-PYTHONMALLOC
FREED_MEMORY_SHOWS = {"PYTHONMALLOC": "debug"}

# How a program dies of a bug in C or Rust code, as opposed to being stopped by somebody.
_CRASHES = ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGTRAP")

# Windows has no signals; a crash there is an exit code with the two topmost bits set.
_WINDOWS_CRASHES = {0xC0000005: "access violation", 0xC0000374: "heap corruption", 0xC0000409: "abort"}

# What every child does before its program begins.
_PRELUDE = """\
from __future__ import annotations
import json, sys
sys.path[:{until}] = {path!r}
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # no core files
except ImportError:
    pass
"""


@dataclass(frozen=True)
class Ending:
    """How a child process ended.

    Attributes:
        output: all that it printed, standard output and standard error in the order in which they came.
        code: its exit code; as in `subprocess`, the negative number of the signal that killed it.
        timed_out: it ran longer than it was allowed to and was killed for that.
        result: what its function returned (anything that JSON can carry), or None.
    """

    output: str
    code: int
    timed_out: bool = False
    result: Any = None

    @property
    def well(self) -> bool:
        """The program ran to its end and found nothing to complain about."""
        return self.code == 0 and not self.timed_out

    @property
    def signal_name(self) -> str | None:
        """`SIGSEGV`, or None if no signal killed the child."""
        if self.code >= 0:
            return None
        try:
            return signal.Signals(-self.code).name
        except ValueError:
            return f"signal {-self.code}"

    @property
    def crashed(self) -> bool:
        """The child died of a bug below Python: a wild pointer, or an assertion that aborted it."""
        return not self.timed_out and (self.signal_name in _CRASHES or self.code >= 0xC0000000)

    def __str__(self) -> str:
        if self.timed_out:
            return "stopped: it ran longer than it was allowed to"
        if self.code < 0:
            return f"killed by {self.signal_name} ({(signal.strsignal(-self.code) or 'unknown').lower()})"
        if self.code >= 0xC0000000:
            return f"killed by the system ({_WINDOWS_CRASHES.get(self.code, hex(self.code))})"
        return "ended well (exit code 0)" if self.code == 0 else f"gave up (exit code {self.code})"


def run_function(
    function: Callable[..., Any],
    *arguments: Any,
    module_folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
) -> Ending:
    """Runs one function in a child, which gets the function's source text and nothing else of the module it is from.

    Args:
        function: a function of a module's top level that imports whatever it uses by itself.
        *arguments: what to call it with. Anything whose repr is a Python expression.
        module_folder, environment, time_limit: as in `run_program`.

    Returns:
        How the child ended. `Ending.result` is what the function returned.
    """
    call = f"{function.__name__}({', '.join(map(repr, arguments))})"
    program = f"{textwrap.dedent(inspect.getsource(function))}\n\nresult = {call}\n"
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        returned = Path(folder, "result.json")
        program += f"with open({str(returned)!r}, 'w') as returned:\n    json.dump(result, returned)\n"
        ending = run_program(program, module_folder=module_folder, environment=environment, time_limit=time_limit)
        result = json.loads(returned.read_text()) if ending.well else None
    return Ending(ending.output, ending.code, ending.timed_out, result)


def run_program(
    program: str,
    *,
    module_folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    python: str = sys.executable,
) -> Ending:
    """Runs a program in a child, which finds the same modules as this process.

    Args:
        program: Python source text.
        module_folder: a folder that the child looks into first for modules. A specimen's folder makes `import
            hashtable` in the child mean the broken module.
        environment: environment variables to add to our own, such as `FREED_MEMORY_SHOWS`.
        time_limit: seconds after which the child is killed.
        python: the interpreter. Another one than ours finds its own modules, and those in `module_folder`.

    Returns:
        How the child ended.
    """
    path = [str(module_folder)] if module_folder else []
    ours = python == sys.executable
    path += [os.path.abspath(entry) for entry in sys.path] if ours else []
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as folder:
        file = Path(folder, "program.py")
        file.write_text(_PRELUDE.format(until="" if ours else "0", path=path) + program, encoding="utf-8")
        # -u: what was printed before a crash must not be lost in a buffer.
        return run_command([python, "-u", str(file)], environment or {}, time_limit)


def run_command(command: Sequence[str], environment: Mapping[str, str], time_limit: float = 60.0) -> Ending:
    """Runs a command that starts Python.

    Args:
        command: program and arguments.
        environment: environment variables to add to our own.
        time_limit: seconds after which the child is killed.

    Returns:
        How the child ended.
    """
    variables = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1", **environment}
    for name in ("PYTHONFAULTHANDLER", "PYTHONDEVMODE", "PYTHONINSPECT"):
        # They would add to what a crash prints, or to what comes after the end.
        variables.pop(name, None)
    with start(command, env=variables) as child:
        try:
            output, _ = child.communicate(timeout=time_limit)
            return Ending(output, child.returncode)
        except subprocess.TimeoutExpired:
            _kill(child)
            output, _ = child.communicate()
            return Ending(output, child.returncode, timed_out=True)


@contextmanager
def start(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Starts a child, with standard error in its standard output, and waits for its end when the block is left.

    The child gets a process group of its own, so that a Ctrl-C at the terminal reaches us and not it. If an exception
    leaves the block, Ctrl-C among them, the group is killed first: the child and its own children are gone by then.

    Args:
        command: program and arguments.
        **options: as for `subprocess.Popen`.

    Yields:
        The child. What it prints is in `stdout`.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        **options,
    ) as child:
        try:
            yield child
        except BaseException:
            _kill(child)
            raise


def _kill(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
