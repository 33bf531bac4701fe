"""The program beside this one, with `CDLL` in place of `PyDLL`, in a process of its own: how does that end?"""

import signal
import subprocess
import sys
from pathlib import Path

by_hand = Path(__file__).with_name("import_by_hand.py").read_text(encoding="utf-8")
assert by_hand.count("ctypes.PyDLL(") == 1
without_the_lock = by_hand.replace("ctypes.PyDLL(", "ctypes.CDLL(")

done = subprocess.run([sys.executable, "-c", without_the_lock], capture_output=True, text=True)
print(done.stdout, end="")
print("the process was ended by", signal.Signals(-done.returncode).name if done.returncode < 0 else "nobody")
