"""A session of `course watch`, with a learner who saves three answers. It prints what the learner sees.

The learner's folder is target/course-session, so that the second time nothing has to be built but the answers.
"""

import os
import re
import subprocess
import sys
import time

from hashtable_lab.course import folder as folders
from hashtable_lab.course.contents import entry
from hashtable_lab.source import source_folder

FOLDER = source_folder() / "target" / "course-session"
EXERCISE = entry("first_item")
LIMIT = 300.0


def saved(answer, log, times):
    """Saves an answer, and waits until `watch` has seen it."""
    made.file(EXERCISE).write_text(answer, encoding="utf-8")
    until = time.monotonic() + LIMIT
    while log.read_text(encoding="utf-8").count("It took") < times:
        if time.monotonic() > until or (watching.poll() is not None and times < 3):
            sys.exit(f"watch did not see it:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.05)


made = folders.start(FOLDER, "rust")
made.state["done"] = {}
made.save()
folders.prepare(made)
made.reset(EXERCISE)
log = FOLDER / ".course" / "session.txt"
command = [sys.executable, "-m", "hashtable_lab", "course", "watch", EXERCISE.name]
with log.open("w", encoding="utf-8") as output:
    watching = subprocess.Popen(command, cwd=FOLDER, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
try:
    saved(EXERCISE.given("rust"), log, 1)
    solution = EXERCISE.solution("rust")
    saved(solution.replace("Py_XINCREF(item);", "Py_INCREF(list);"), log, 2)
    saved(solution, log, 3)
    watching.wait(timeout=60)
finally:
    watching.kill()
text = log.read_text(encoding="utf-8").replace(str(FOLDER) + os.sep, "").replace(str(FOLDER), "my-course")
print("$ hashtable-lab course watch first_item")
print(re.sub(r" at 0x[0-9a-f]+", " at 0x…", text).strip())
