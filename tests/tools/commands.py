"""What the commands in this folder share: how they run a program and show that it gets on, and how they end.

fuzz.py, sanitizers.py and cpython/run.py are such commands; the Makefile calls them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]

#: Exit codes besides 0 and 1: something is missing or was used wrongly; Ctrl-C.
CANNOT, INTERRUPTED = 2, 130

#: Without a terminal, as wide as a line here may be.
console = Console(
    markup=False, highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else 120
)


def run_command(command: click.Command) -> None:
    """Runs a command line to its end, and exits: with a single line if something is missing, and quietly after Ctrl-C."""
    try:
        code = command.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(CANNOT)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def watch(
    what: str, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path = ROOT
) -> tuple[int, str, float]:
    """Runs a program, and shows meanwhile what it said last (on a terminal), or only that it runs (elsewhere).

    Args:
        what: what it is for, in a few words.
        command: the program and its arguments.
        environment: its whole environment.
        folder: where it runs.

    Returns:
        Its exit code, everything that it printed, and how many seconds it took.
    """
    begin = time.monotonic()
    said: list[str] = []
    if not console.is_terminal:
        console.print(f"{what} ...")
    with (
        console.status(what) as status,
        subprocess.Popen(
            list(map(str, command)),
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as child,
    ):
        try:
            assert child.stdout is not None
            for line in child.stdout:
                said.append(line)
                # What begins with a brace is for programs.
                if line.strip() and not line.startswith("{"):
                    status.update(f"{what}: {line.strip()[: console.width - len(what) - 8]}")
            child.wait()
        except BaseException:
            child.kill()
            raise
    return child.returncode, "".join(said), time.monotonic() - begin


def last_lines(output: str, number: int = 30) -> str:
    """The end of what a program printed."""
    return "\n".join(output.rstrip().splitlines()[-number:])
