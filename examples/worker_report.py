"""What a worker process says of its threads, for the examples that have several of them."""

import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numba
import torch


class WorkerReport(NamedTuple):
    """One worker's thread counts: what Numba and torch say, and how many were seen at work."""

    pid: int
    numba: int
    torch: int
    busy: int


def report_of(work: Callable[[], object]) -> WorkerReport:
    """Repeat ``work``, parallel Numba code, and report on this process."""
    work()
    return WorkerReport(
        os.getpid(), numba.get_num_threads(), torch.get_num_threads(), busy_threads(work)
    )


def busy_threads(work: Callable[[], object], seconds: float = 0.5) -> int:
    """Return how many threads of this process share ``work``, by the time that they have cores.

    It is repeated until the calling thread has had one for so long, whoever else wants it.
    """
    process, thread = time.process_time(), time.thread_time()
    while time.thread_time() < thread + seconds:
        work()
    return round((time.process_time() - process) / (time.thread_time() - thread))


def print_reports(reports: Iterable[WorkerReport]) -> None:
    """Print a line for each worker, and their sum."""
    workers = sorted(set(reports))
    for worker in workers:
        print(f"worker {worker.pid:<9} Numba {worker.numba}   torch {worker.torch}   ", end="")
        print(f"threads at work {worker.busy}")
    total = sum(worker.busy for worker in workers)
    print(f"{len(workers)} workers{'':<26}threads at work {total}")
