"""While one thread is in a C function, can another run Python code? One function, called in two ways."""

import ctypes
import subprocess
import tempfile
import threading
from pathlib import Path

# Sleeps, and says how far somebody else has counted in the meantime.
SOURCE = """
#include <unistd.h>
long sleeping(volatile long *ticks) { long before = *ticks; usleep(200000); return *ticks - before; }
"""
ticks = ctypes.c_long(0)
stop = False


def count():
    """Counts for as long as it is let."""
    while not stop:
        ticks.value += 1


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "sleeping.c").write_text(SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "sleeping.c", "-o", "sleeping.so"], cwd=folder, check=True)
    ways = [kind(folder + "/sleeping.so").sleeping for kind in (ctypes.CDLL, ctypes.PyDLL)]
counting = threading.Thread(target=count)
counting.start()
for kind, sleeping in zip(("CDLL", "PyDLL"), ways):
    counted = sum(sleeping(ctypes.byref(ticks)) for _ in range(3))
    print(f"{kind + ':':<6} while this thread slept in C, the other one", "counted on" if counted else "stood still")
stop = True
counting.join()
