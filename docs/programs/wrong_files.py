"""Files that are nearly the module, and what Python says when it is to import them."""

import signal
import subprocess
import sys
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import hashtable

RIGHT = Path(hashtable.__file__).read_bytes()
TEXT = b"def PyInit_hashtable(): return 'a module'\n" * 10
# A letter changed in the table of names: nothing else in the file is different.
RENAMED = RIGHT.replace(b"\0PyInit_hashtable\0", b"\0PyInit_hashtabel\0")
assert RENAMED != RIGHT

CASES = [
    ("as it should be", "hashtable" + EXTENSION_SUFFIXES[0], RIGHT),
    ("a shorter ending", "hashtable.so", RIGHT),
    ("an ending for another Python", "hashtable.cpython-27-x86_64-linux-gnu.so", RIGHT),
    ("another name", "chainedtable.so", RIGHT),
    ("the function has another name", "hashtable.so", RENAMED),
    ("the end is missing", "hashtable.so", RIGHT[:1000]),
    ("no shared object at all", "hashtable.so", TEXT),
]


def try_to_import(name, content):
    """Writes a file, imports it in a process of its own, and returns what was said."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(content)
        code = f"""
import sys
sys.path = [{folder!r}] + [place for place in sys.path if "site-packages" not in place]
import {name.split(".")[0]} as module
print("imported:", module.HashTable)
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode < 0:
            return f"the process was ended by {signal.Signals(-done.returncode).name}"
        return (done.stdout or done.stderr).splitlines()[-1].replace(folder + "/", "")


for what, name, content in CASES:
    print(f"{what}: {name}\n    {try_to_import(name, content)}")
