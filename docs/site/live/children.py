"""`subprocess` for the browser's Python: a child is a worker with a Python of its own.

The laboratory runs what may crash in a child. A browser has no processes, but it has workers, and one that dies takes
nobody with it. So this file puts a `Popen` in the place of subprocess's that starts a worker (`startChild` in
worker.mjs). It serves what the laboratory asks for, not more: a command that starts Python, its output in one stream,
a time limit, an exit code. Parent and child share the files below /tmp, as they are when the child starts and when it
ends.

Waiting for a worker from within Python takes a browser that can suspend WebAssembly (JSPI).
"""

import io
import os
import subprocess
import sys
from pathlib import Path

from js import Object, fetchSpecimen, startChild
from pyodide.ffi import can_run_sync, run_sync, to_js

# How WebAssembly dies where a process would get a signal.
SIGABRT, SIGKILL, SIGSEGV = 6, 9, 11
RUNNING = {}


def signal_of(death):
    """The signal that would have ended a process: a wild pointer, or else an abort."""
    wild = ("out of bounds", "null function", "signature mismatch", "table index")
    return SIGSEGV if any(words in death for words in wild) else SIGABRT


class Popen:
    """A child. See subprocess.Popen for what its arguments and attributes mean."""

    def __init__(self, command, *, env=None, stdout=None, stderr=None, cwd=None, **rest):
        if not can_run_sync():
            raise OSError("this browser cannot wait for a child: it takes WebAssembly that can be suspended (JSPI)")
        if command[0] != sys.executable:
            raise FileNotFoundError(f"there is no program {command[0]!r} in a browser")
        self.args, self.returncode, self.pid, self.printed = command, None, len(RUNNING) + 1, ""
        self.kept = stdout is subprocess.PIPE
        variables = {name: str(value) for name, value in (os.environ if env is None else env).items()}
        self.child = startChild(to_js(list(command[1:])), to_js(variables, dict_converter=Object.fromEntries))
        RUNNING[self.pid] = self

    def wait(self, timeout=None):
        if self.returncode is None:
            ending = run_sync(self.child.wait(timeout) if timeout is not None else self.child.wait())
            if ending is None:
                raise subprocess.TimeoutExpired(self.args, timeout)
            self.printed = ending.output
            died = getattr(ending, "died", None)
            self.returncode = ending.code if died is None else -signal_of(died)
            if died is not None:
                self.printed += f"{died}\n"
            if not self.kept:
                sys.stdout.write(self.printed)
        return self.returncode

    @property
    def stdout(self):
        """What it printed, as a stream. It is all there at once: the child has ended by then."""
        self.wait()
        return io.StringIO(self.printed)

    def poll(self):
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return (self.printed if self.kept else None), None

    def kill(self):
        self.child.kill()
        if self.returncode is None:
            self.returncode = -SIGKILL

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait()


def prebuilt(specimen, stage, form=None):
    """In place of `specimens.build`: the module was built when the site was, and is fetched."""
    traced = form is not None and form.traced
    folder = Path("/tmp/specimens", specimen.name, "traced" if traced else "plain")
    with stage.busy(f"Fetching the specimen {specimen.name}"):
        run_sync(fetchSpecimen(specimen.name, "hashtable_traced" if traced else "hashtable", str(folder)))
    return folder


def install():
    """Puts all this in place."""
    from hashtable_lab import specimens

    subprocess.Popen = Popen
    specimens.build = prebuilt
    os.killpg = lambda group, signal: RUNNING[group].kill()
    os.environ["HASHTABLE_SOURCE"] = "/book/source"
