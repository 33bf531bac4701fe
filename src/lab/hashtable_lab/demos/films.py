"""The films of the demos: `demo NAME --replay PAGE` records the demo's own code, and writes it as a page to step through.

A film is of a script. Where a demo runs its code in this process, or at a prompt, the script is made of the same functions or
lines.
"""

from __future__ import annotations

import importlib
import inspect
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
    text = _SCRIPTS[name](demo)
    if name in specimens.names():
        return command.of_specimen(specimens.load(name), stage, text, title)
    return Play(f"{name}.py", text, title)


def _referrers(demo: Any) -> str:
    parts = (demo.one_name_two_names, demo.call, demo.kinds)
    return "\n\n".join(
        [
            "from __future__ import annotations\n\nimport gc\nimport sys\n\nSeen = tuple\nCALLS = 4\n",
            *(inspect.getsource(part).rstrip() for part in parts),
            "for where, count, holders in one_name_two_names():\n    print(where, count, holders)\n",
        ]
    )


def _missing_incref(demo: Any) -> str:
    """At the prompt, the value of each line gets the name `_`."""
    bound = ("h.set", "h.get")
    return "".join(f"{'_ = ' if line.startswith(bound) else ''}{line}\n" for line in demo.SESSION)


def _missing_decref(demo: Any) -> str:
    return f'{inspect.getsource(demo.three_tables)}\n\nprint(three_tables("fresh function"))\n'


def _layers(demo: Any) -> str:
    return f"{inspect.getsource(demo.story)}\n\nstory()\n"


def _wordcount(demo: Any) -> str:
    head = "from __future__ import annotations\n\nfrom collections.abc import Iterable\nfrom typing import Any\n\n"
    head += "import hashtable\n"
    words = "the cat and the hat and the bat"
    tail = f'table = hashtable.HashTable(hash_func=hashtable.library_hash)\ncount("{words}".split(), table)\nprint(dict(table))\n'
    return f"{head}\n\n{inspect.getsource(demo.count)}\n\n{tail}"


_SCRIPTS: dict[str, Callable[[Any], str]] = {
    "referrers": _referrers,
    "missing-incref": _missing_incref,
    "missing-decref": _missing_decref,
    "layers": _layers,
    "wordcount": _wordcount,
}


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
