"""Where jobs run.

    here              in this process, one after another
    processes[:N]     in N processes of this machine (as many as it has processors)
    dask[:ADDRESS]    on a Dask cluster: the one whose scheduler listens at ADDRESS (tcp://host:8786), or else one that is
                      started here for this campaign, with processes of its own

In Python, any `concurrent.futures.Executor` serves as well. One that was passed in is used and left running; what was opened
here is closed here.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, Union

from hashtable_lab.errors import Missing

HERE, PROCESSES, DASK = "here", "processes", "dask"

#: Where to run: one of the words above, an executor, or None for "here".
ExecutorChoice = Union[None, str, Executor]

#: What `--help` says of it.
EXPLAINED = (
    "Where to run: 'here' (one after another), 'processes' or 'processes:N', 'dask' (a cluster of this machine's own "
    "processes) or 'dask:ADDRESS' (of a scheduler, as tcp://host:8786)."
)


def parse(choice: str) -> tuple[str, str]:
    """Takes a word like `processes:4` apart.

    Returns:
        The kind, and what follows the colon (empty if nothing does).

    Raises:
        Missing: there is no such kind, or N is not a positive number.
    """
    kind, _, detail = choice.partition(":")
    if kind not in (HERE, PROCESSES, DASK) or (kind == HERE and detail):
        raise Missing(f"{choice!r} is not where jobs can run; choose here, processes[:N] or dask[:ADDRESS].")
    if kind == PROCESSES and detail and not (detail.isdecimal() and int(detail) > 0):
        raise Missing(f"{choice!r}: the number of processes must be a positive number.")
    return kind, detail


@contextmanager
def opened(choice: ExecutorChoice) -> Iterator[Executor | None]:
    """Opens the executor that was chosen, and closes it, unless it was open already.

    Args:
        choice: where to run.

    Yields:
        An executor; None if jobs are to run here.

    Raises:
        Missing: there is no such executor, or a package or a scheduler that it needs is missing.
    """
    if choice is None or isinstance(choice, Executor):
        yield choice
        return
    kind, detail = parse(choice)
    if kind == HERE:
        yield None
    elif kind == PROCESSES:
        with _processes(int(detail or os.cpu_count() or 1)) as pool:
            yield pool
    else:
        with _dask(detail) as executor:
            yield executor


def _leave_on_interrupt() -> None:
    """In a worker: Ctrl-C, which a terminal sends to all, ends it without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def _processes(number: int) -> Iterator[Executor]:
    # A worker is a fresh interpreter: a forked one would inherit the threads' locks, but not the threads.
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=_leave_on_interrupt)
    try:
        yield pool
    except BaseException:
        # Nothing more is begun, and what is running is not waited for.
        for worker in set(multiprocessing.active_children()) - before:
            worker.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        # By name, as types of it are checked neither where it is installed nor where it is not.
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise Missing("--executor dask needs the package 'distributed': python -m pip install '.[dask]'.") from None
    cluster = None
    try:
        if address:
            try:
                client = distributed.Client(address, timeout=10)
            except (OSError, ValueError) as error:
                raise Missing(f"there is no Dask scheduler at {address}: {error}") from None
        else:
            cluster = distributed.LocalCluster(processes=True, threads_per_worker=1, dashboard_address=None)
            client = distributed.Client(cluster)
        try:
            yield client.get_executor()
        finally:
            client.close()
    finally:
        if cluster is not None:
            cluster.close()
