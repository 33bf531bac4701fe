"""A function that uses Python, called with the GIL and without it, each in a process of its own."""

import signal
import subprocess
import sys

PROGRAM = """
import ctypes
make = ctypes.{kind}(None).PyList_New
make.restype, make.argtypes = ctypes.py_object, [ctypes.c_ssize_t]
print(make(0))
"""

for kind in ("PyDLL", "CDLL"):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(kind=kind)], capture_output=True, text=True)
    end = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
    came = f"returned {done.stdout.strip()}" if done.stdout else "did not return"
    print(f"{kind + ':':<7}PyList_New(0) {came} ({end})")
