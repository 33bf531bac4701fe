"""Whatever may crash, or leak, runs in a process of its own.

`running` runs a program in a child and says how it ended; `questions` asks a child something and brings its answer back;
`interpreters` finds the CPythons on this machine.
"""

from hashtable_lab.children.running import (
    FREED_MEMORY_SHOWS,
    Ending,
    run_command,
    run_function,
    run_program,
    start,
)

__all__ = ["FREED_MEMORY_SHOWS", "Ending", "run_command", "run_function", "run_program", "start"]
