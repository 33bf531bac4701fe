"""The laboratory: shows what goes on below `import hashtable`, and what goes wrong when a reference is miscounted.

It is pure Python and an ordinary user of the extension. Everything starts with `python -m hashtable_lab`:

* `demo NAME` performs one of the demos in `hashtable_lab.demos`;
* `specimens` lists, shows and runs broken variants of the extension, each a small diff in src/lab/specimens;
* `matrix` puts all of them to every detector;
* `ledger SCRIPT` runs a script against the traced build and names the lines that lose a reference, or give away one that
  is not owned;
* `replay SCRIPT` makes a film of a script: a page that shows, step by step, who owns what;
* `leakcheck STATEMENT` says whether running a statement leaks, with any extension;
* `who EXPRESSION` says who holds an object.

`with hashtable_lab.ledger() as kept:` does the same for a block of Python code, and `hashtable_lab.run(jobs, executor=...)` runs
a campaign of many jobs, in this process or elsewhere. `hashtable_lab.picture(table)` is the picture of a table, for notebooks.

Each subject has a folder. From the bottom up:

    errors.py, stage.py   what stops a command; how one speaks
    children/             code that may crash runs in a process of its own
    source.py             where the project's source is
    campaign/             many jobs, here or in other processes or on other machines; resumable
    audit/                the ledger, read from Python; a script is run against it
    replay/               a script is recorded, and its film put into a page
    specimens/            a broken variant of the extension is read, applied, built, met
    detectors/            ten ways to find one out, and the matrix of all of them
    leakcheck/, owners/   whether a statement leaks; who holds an object
    demos/                the demos, one to a file
    course/               exercises, judged by the ledger
    commands.py, cli.py   what all commands share; the list of them

Whatever a reader types is in a file command.py of its folder, and has one line in `cli.COMMANDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hashtable_lab.audit.ledger import Event, Finding, Ledger, Unbalanced, ledger

if TYPE_CHECKING:
    from hashtable_lab.campaign import Job, Result, run
    from hashtable_lab.replay.still import picture

__all__ = ["Event", "Finding", "Job", "Ledger", "Result", "Unbalanced", "ledger", "picture", "run"]


def __getattr__(name: str) -> Any:
    """What a campaign needs is imported when it is used: the ledger does without the packages of the commands."""
    if name in ("Job", "Result", "run"):
        from hashtable_lab import campaign

        return getattr(campaign, name)
    if name == "picture":
        from hashtable_lab.replay.still import picture

        return picture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
