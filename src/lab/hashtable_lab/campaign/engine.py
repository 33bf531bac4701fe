"""Runs jobs: asks the store first, sends the rest, writes down each result as it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

from hashtable_lab.campaign.executors import HERE, PROCESSES, ExecutorChoice, opened
from hashtable_lab.campaign.job import Job, Result
from hashtable_lab.source import kept_below

#: Seconds that a wait for results lasts at most, before it is begun again.
SLICE = 0.5


def run(
    jobs: Iterable[Job],
    executor: ExecutorChoice = None,
    *,
    store: Path | str | None = None,
    fresh: bool = False,
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Runs a campaign.

    A job that fails does not stop the others; its result says why, and is not kept. Jobs of the same name are run once.
    After Ctrl-C the results that were complete are in the store, and the next run goes on from there.

    Args:
        jobs: what is to be run.
        executor: where: None or "here", "processes[:N]", "dask[:ADDRESS]", or a `concurrent.futures.Executor`, which is
            not shut down.
        store: a folder in which results are kept and looked for, made if necessary; a name without a separator is a
            folder below the project's `target/campaigns` (or the user's cache, where there is no checkout). None keeps
            nothing.
        fresh: run also what is known from an earlier run.
        on_result: called in this thread with each result as it comes.

    Returns:
        The results, in the order of the jobs.

    Raises:
        Missing: a job cannot be pickled (before any is sent), or there is no such executor.
        TypeError: a job cannot be named, because an argument has no defined content.
    """
    folder = None if store is None else _folder(store)
    all_jobs = list(jobs)
    names = [job.name for job in all_jobs]
    known: dict[str, Result] = {}
    to_run: dict[str, Job] = {}

    def finish(name: str, result: Result) -> None:
        known[name] = result
        if folder is not None and not result.error and not result.resumed:
            _keep(folder / f"{name}.json", result)
        if on_result is not None:
            on_result(result)

    for name, job in zip(names, all_jobs):
        if name in known or name in to_run:
            continue
        kept = None if folder is None or fresh else _kept(folder / f"{name}.json", job)
        if kept is None:
            to_run[name] = job
        else:
            finish(name, kept)
    if executor not in (None, HERE):
        for job in to_run.values():
            job.check_picklable()
    if to_run:
        lost: dict[str, Job] = {}
        with opened(executor) as where:
            if where is None:
                for name, job in to_run.items():
                    finish(name, _result_of(job, job))
            else:
                lost = _send(to_run, where, finish)
        _one_by_one(lost, executor, finish)
    return [known[name] for name in names]


def known(jobs: Iterable[Job], store: Path | str) -> list[Result]:
    """What earlier runs have left in a store. Nothing is run.

    Args:
        jobs: the jobs.
        store: as for `run`.

    Returns:
        A result for each job, in their order; that of a job which has not been run says so in `error`.
    """
    folder = _folder(store)
    return [_kept(folder / f"{job.name}.json", job) or Result(job, error="not run yet") for job in jobs]


def _send(jobs: dict[str, Job], executor: Executor, finish: Callable[[str, Result], None]) -> dict[str, Job]:
    """Sends jobs and takes what comes back. Returns those that were lost with an executor that broke."""
    lost: dict[str, Job] = {}
    futures: dict[Future[str], str] = {}
    done: SimpleQueue[Future[str]] = SimpleQueue()
    try:
        for name, job in jobs.items():
            try:
                future = executor.submit(job)
            except BrokenExecutor:
                lost[name] = job
            else:
                futures[future] = name
                future.add_done_callback(done.put)
        for _ in range(len(futures)):
            future = _next(done)
            name = futures[future]
            if isinstance(future.exception(), BrokenExecutor):
                lost[name] = jobs[name]
            else:
                finish(name, _result_of(jobs[name], future.result))
    finally:
        # After Ctrl-C; those that are finished cannot be cancelled any more.
        for future in futures:
            future.cancel()
    return lost


def _next(done: SimpleQueue[Future[str]]) -> Future[str]:
    """Waits for the next one that is done. In slices: if another thread received the signal of Ctrl-C, it does not wake this one
    from a wait without a limit."""
    while True:
        with suppress(Empty):
            return done.get(timeout=SLICE)


def _one_by_one(jobs: dict[str, Job], executor: ExecutorChoice, finish: Callable[[str, Result], None]) -> None:
    """A worker process died, and took the pool along. Each job that was lost gets a process of its own: the one that
    kills it again is the culprit, and the others are run after all."""
    for name, job in jobs.items():
        if isinstance(executor, Executor):
            died = {name: job}  # it is not ours to open another one
        else:
            with opened(f"{PROCESSES}:1") as alone:
                assert alone is not None
                died = _send({name: job}, alone, finish)
        if died:
            finish(name, Result(job, error="the process that it ran in died"))


def _result_of(job: Job, produce: Callable[[], str]) -> Result:
    try:
        return Result(job, json.loads(produce()))
    except Exception as error:  # a job may raise whatever it likes
        return Result(job, error=f"{type(error).__name__}: {error}")


# ---- the store -------------------------------------------------------------------------------------------------------


def _folder(store: Path | str) -> Path:
    if isinstance(store, str) and os.sep not in store:
        return kept_below("campaigns") / store
    return Path(store)


def _keep(file: Path, result: Result) -> None:
    """Writes a result down, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    begun = file.with_name(f"{file.name}.{os.getpid()}")
    begun.write_text(json.dumps({"job": str(result.job), "value": result.value}), encoding="utf-8")
    begun.replace(file)


def _kept(file: Path, job: Job) -> Result | None:
    """The result of an earlier run; None if there is none that can be read."""
    try:
        return Result(job, json.loads(file.read_text(encoding="utf-8"))["value"], resumed=True)
    except (OSError, ValueError, KeyError, TypeError):
        return None
