"""The films of the demos: `demo NAME --replay PAGE` records the demo's own code, and writes it as a page to step through.

A film is of a script. Where a demo runs its code in this process, or at a prompt, a function `film` in the demo's file makes a
script of the same functions or lines; a demo with such a function has the option.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hashtable_lab import specimens
from hashtable_lab.demos import module_of
from hashtable_lab.replay import command
from hashtable_lab.replay.command import Play
from hashtable_lab.replay.recording import TIME_LIMIT
from hashtable_lab.stage import Stage

#: A film of a demo has at most so many steps: the first hundreds show all there is to see.
MOST_STEPS = 5000


def film_of(name: str, stage: Stage) -> Play:
    """What is recorded for a demo.

    Raises:
        Missing: a broken module cannot be built.
    """
    demo = importlib.import_module(module_of(name))
    title = f"Demo {name}: {' '.join((demo.__doc__ or '').split('.')[0].split())}"
    text = demo.film()
    if name in specimens.names():
        return command.of_specimen(specimens.load(name), stage, text, title)
    return Play(f"{name}.py", text, title)


def replay_option(name: str) -> Callable[[Any], Any]:
    """An option for a demo's command: write the film instead of performing the demo."""

    def write(context: click.Context, _: click.Parameter, page: Path | None) -> None:
        if page is not None:
            stage = Stage()
            command.perform(film_of(name, stage), page, False, MOST_STEPS, TIME_LIMIT, stage)
            context.exit(0)

    return click.option(
        "--replay",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="PAGE",
        expose_value=False,
        is_eager=True,
        callback=write,
        help="Instead, write the film of it: a page to watch it step by step.",
    )
