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
    """Return how many threads of this process run, or wait for a core, while ``work`` does."""
    start = time.monotonic()
    before = runnable_seconds()
    while time.monotonic() < start + seconds:
        work()
    half = (time.monotonic() - start) / 2
    after = runnable_seconds()
    return sum(after[thread] - before.get(thread, 0) > half for thread in after)


def runnable_seconds() -> dict[str, float]:
    """Return for how long each thread of this process has run, or waited for a core."""
    found = {}
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/schedstat") as file:
                running, waiting, _ = file.read().split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        found[thread] = (int(running) + int(waiting)) / 1e9
    return found


def print_reports(reports: Iterable[WorkerReport]) -> None:
    """Print a line for each worker, and their sum."""
    workers = sorted(set(reports))
    for worker in workers:
        print(f"worker {worker.pid:<9} Numba {worker.numba}   torch {worker.torch}   ", end="")
        print(f"threads at work {worker.busy}")
    total = sum(worker.busy for worker in workers)
    print(f"{len(workers)} workers{'':<26}threads at work {total}")
