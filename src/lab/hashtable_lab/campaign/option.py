"""What a command offers of a campaign: `--executor`, `--fresh`, and a bar that shows how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from hashtable_lab.campaign.engine import run
from hashtable_lab.campaign.executors import EXPLAINED, HERE, ExecutorChoice, parse
from hashtable_lab.campaign.job import Job, Result
from hashtable_lab.stage import Stage


def _checked(_context: click.Context, _parameter: click.Parameter, choice: str) -> str:
    parse(choice)
    return choice


def executor_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--executor`; the command gets it as `executor`."""
    option = click.option(
        "--executor", metavar="WHERE", default=HERE, show_default=True, callback=_checked, help=EXPLAINED
    )
    return option(function)


def fresh_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--fresh`; the command gets it as `fresh`."""
    return click.option("--fresh", is_flag=True, help="Run also what is known from an earlier run.")(function)


def run_with_progress(
    what: str,
    jobs: Iterable[Job],
    stage: Stage,
    executor: ExecutorChoice = None,
    store: Path | str | None = None,
    fresh: bool = False,
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """As `run`, with a bar on standard error.

    Args:
        what: what is being done, in a word or two.
        jobs, executor, store, fresh, on_result: as for `run`.
        stage: where to show it.

    Returns:
        The results, in the order of the jobs.
    """
    all_jobs = list(jobs)
    done = 0

    with stage.progress(what, len({job.name for job in all_jobs})) as advance:

        def tell(result: Result) -> None:
            nonlocal done
            done += 1
            advance(done)
            if on_result is not None:
                on_result(result)

        return run(all_jobs, executor, store=store, fresh=fresh, on_result=tell)
