"""A C++ exception that leaves the library: through ctypes, and through an interface for C. Each in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
START = """
import ctypes
from counter import library
lib = library()
"""
THROUGH_CTYPES = """
half = lib._Z4halfl
half.argtypes, half.restype = [ctypes.c_long], ctypes.c_long
print("half of 42 is", half(42), flush=True)
try:
    half(43)
except BaseException as error:
    print("Python has caught", error)
"""
THROUGH_C = """
def half(number):
    answer = ctypes.c_long()
    if not lib.half_or_not(ctypes.c_long(number), ctypes.byref(answer)):
        raise ValueError("an odd number has no half")
    return answer.value
print("half of 42 is", half(42), flush=True)
try:
    half(43)
except ValueError as error:
    print("Python has caught", repr(error))
"""

for what, program in (("through ctypes", THROUGH_CTYPES), ('through extern "C"', THROUGH_C)):
    done = subprocess.run([sys.executable, "-c", START + program], cwd=HERE, capture_output=True, text=True)
    print(f"{what}:")
    for line in (done.stdout + done.stderr).splitlines():
        print("   ", line)
    ended = signal.Signals(-done.returncode).name if done.returncode < 0 else f"exit code {done.returncode}"
    print("    the process ended with", ended)
