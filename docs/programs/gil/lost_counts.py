"""Two threads count references to one object, with the GIL and without: what becomes of the count? In a process of its own."""

import signal
import subprocess
import sys

PROGRAM = """
import ctypes, os, subprocess, sys, tempfile, threading
from pathlib import Path

# What a loop in an extension would do. The C compiler does not need Python's headers for it.
SOURCE = '''
void Py_IncRef(void *object);
void count(void *object, long times) { while (times--) Py_IncRef(object); }
'''
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "count.c").write_text(SOURCE)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "count.c", "-o", "count.so"], cwd=folder, check=True)
    count = getattr(ctypes, sys.argv[1])(folder + "/count.so").count
count.argtypes = [ctypes.py_object, ctypes.c_long]

TIMES, THREADS = 20_000_000, 4
lost = 0
for attempt in range(20):
    held = object()
    before = sys.getrefcount(held)
    threads = [threading.Thread(target=count, args=(held, TIMES)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threads.clear(), globals().pop("thread")
    lost += TIMES * THREADS - (sys.getrefcount(held) - before)
    if lost or sys.argv[1] == "PyDLL":
        break
print("none" if lost == 0 else "some" if lost > 0 else "it gained some?")
sys.stdout.flush()
os._exit(0)  # the objects have more references now than anybody will ever give back
"""

for kind, lock in (("PyDLL", "with the GIL"), ("CDLL", "without")):
    done = subprocess.run([sys.executable, "-c", PROGRAM, kind], capture_output=True, text=True)
    ended = signal.Signals(-done.returncode).name if done.returncode < 0 else done.stderr.strip()
    print(f"{kind}, {lock}: counts that were lost: {done.stdout.strip() or ended}")
