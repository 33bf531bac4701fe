"""Tells a reader about a specimen: what it is, and what is seen when it is met, step by step and with the reasons.

`specimens show` and `specimens run` end here.
"""

from __future__ import annotations

import sys

from hashtable_lab import children, specimens
from hashtable_lab.children import FREED_MEMORY_SHOWS, Ending
from hashtable_lab.detectors import DETECTORS, FOUND
from hashtable_lab.errors import require
from hashtable_lab.specimens import ENDINGS, Form, Specimen, build, control, python_for
from hashtable_lab.stage import Stage

_FREED = (
    "The script ran with `PYTHONMALLOC=debug`, which fills memory that is freed with the byte 0xDD. Code that uses a dead "
    "object reads that instead of a pointer"
)

#: What an end means, by the signal that killed the child.
_SIGNALS = {
    "SIGSEGV": f"{_FREED}, follows it to an address where there is nothing, and is stopped by the system. "
    "(Where nothing was freed too early, the stack was used up: its end is such an address, too.)",
    "SIGBUS": f"{_FREED}, and follows it to an address that cannot be one.",
    "SIGABRT": "A check failed inside CPython or in the memory allocator, and the process ended itself: a count below zero, an "
    "object that is freed twice, a list of objects that does not hang together.",
}


def show(specimen: Specimen, stage: Stage) -> None:
    """Prints a specimen for a reader: what is wrong, how it shows, the diff, the script."""
    stage.title(f"Specimen {specimen.name}")
    stage.say(f"Class of bug: {specimen.kind}.")
    stage.say(specimen.lesson)
    stage.show_text(specimen.diff, "diff")
    stage.say("A script that provokes it:")
    stage.show_text(specimen.script, "python")
    for build_of_python, symptom in specimen.symptoms.items():
        stage.say(f"Symptom on a {build_of_python} build of Python: {symptom}.")
    stage.say(f"Detectors that catch it: {', '.join(specimen.detectors)}.")
    if specimen.line:
        stage.say(f"The line that the ledger names: {specimen.line}")
    stage.say(f"{specimen.mend} The lines that mend it:")
    stage.show_text(specimen.mending_lines(), "diff")


def perform(specimen: Specimen, stage: Stage) -> None:
    """Runs a specimen's script against the right module and the broken one, and explains to a reader what was seen, and why.

    Raises:
        Missing: the specimen cannot be built.
    """
    require("hashtable")
    python = python_for(specimen)
    other = python != sys.executable
    folder = build(specimen, stage, Form(python=python))
    right_folder = build(control(), stage, Form(python=python)) if other else None
    stage.title(f"Specimen {specimen.name}")
    stage.say(f"Class of bug: {specimen.kind}.")
    stage.say("The script:")
    stage.show_text(specimen.script, "python")
    if other:
        stage.say(f"It is run without the GIL, by {python}.")
    stage.say("With the right module:")
    right = children.run_program(
        specimen.script, module_folder=right_folder, environment=FREED_MEMORY_SHOWS, python=python
    )
    stage.transcript(f"{right.output}[{right}]")
    stage.say("With the broken module. This is what was done to the source:")
    stage.show_text(specimen.diff, "diff")
    wrong = children.run_program(specimen.script, module_folder=folder, environment=FREED_MEMORY_SHOWS, python=python)
    stage.transcript(f"{wrong.output}[{wrong}]")
    stage.say(meaning(wrong))
    stage.say(specimen.lesson)
    ending, words = specimen.expected
    named = _ask_the_ledger(specimen, stage) if specimen.line else True
    judged_by = "threads" if specimen.threads else "matrix"
    stage.say(f"{specimen.mend} The lines that mend it:")
    stage.show_text(specimen.mending_lines(), "diff")
    stage.say(f"Detectors that catch it: {', '.join(specimen.detectors)}. (`make {judged_by}` puts all of them to it.)")
    stage.check("the right module runs the script to its end", right.well)
    stage.check(f"the broken module shows the symptom ({ending}): {words}", ENDINGS[ending](wrong))
    if specimen.line:
        stage.check(f"the ledger names the line: {specimen.line}", named)
    stage.verdict()


def meaning(ending: Ending) -> str:
    """Why a child ended as it did, for a reader who has not seen many crashes."""
    if ending.code == specimens.COMPLAINT:
        return "The process survived. The script itself checked, found something wrong, and said so."
    if ENDINGS["hang"](ending):
        return "No thread of it went on: each waits for what another has. Only the time limit ended it."
    if ending.crashed:
        return _SIGNALS.get(ending.signal_name or "", f"The process was ended by the system: {ending}.")
    return f"Nothing of what was expected: the process {ending}."


def _ask_the_ledger(specimen: Specimen, stage: Stage) -> bool:
    """Runs the script with a ledger, shows what that says, and returns whether it named the line of the header."""
    ledger = DETECTORS["ledger"]
    outcome = ledger.run(build(specimen, stage, ledger.form()), [specimen.script])
    file, line = specimens.named_place(specimen)
    stage.say("The same, built so that every change of ownership is entered in a ledger with its line. It says:")
    stage.transcript(f"{outcome.words or 'nothing'}")
    if outcome.state != FOUND or not outcome.names({(file, line)}):
        return False
    text = specimens.patched(specimen.patch, specimens.source_folder(), specimen.name).get(file)
    text = text or (specimens.source_folder() / file).read_text(encoding="utf-8")
    stage.say(f"Line {line} of the broken {file}:")
    lines = text.splitlines()
    first = max(line - 3, 0)
    numbered = [
        f"{'>' if at + 1 == line else ' '} {at + 1:4} {lines[at]}" for at in range(first, min(line + 2, len(lines)))
    ]
    stage.show_text("\n".join(numbered), "rust")
    return True
