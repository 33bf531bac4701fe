"""`python -m hashtable_lab demo …`: the group of the demos, and all of them in a row."""

from __future__ import annotations

import importlib

import click

from hashtable_lab.commands import CANNOT, DID_NOT_SEE, EXIT_CODES, SAW, Commands, complain, perform, show_help
from hashtable_lab.demos import DEMOS, EXTRA_DEMOS, module_of
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

MEMBERS = {name: f"{module_of(name)}:command" for name in (*DEMOS, *EXTRA_DEMOS)}


@click.group("demo", cls=Commands, members=MEMBERS, invoke_without_command=True, epilog=EXIT_CODES)
@click.pass_context
def demo(context: click.Context) -> None:
    """Performs a demo: shows its code, the result, and why."""
    show_help(context)


@demo.command("all")
def every_demo() -> int:
    """All of them, in this order.

    But for those that need packages of their own: v8. If one lacks something it needs, the others are still performed. The
    exit code is the highest of theirs.
    """
    words = {SAW: "saw what it promises", DID_NOT_SEE: "DID NOT SEE what it promises", CANNOT: "could not be performed"}
    codes = {}
    for name in DEMOS:
        try:
            codes[name] = perform(importlib.import_module(module_of(name)).play)
        except Missing as error:
            complain(error)
            codes[name] = CANNOT
    stage = Stage()
    stage.heading("All demos")
    stage.table(["demo", ""], [(name, words[code]) for name, code in codes.items()])
    return max(codes.values())
