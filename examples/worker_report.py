"""What a worker process says of its threads, for the examples that have several of them."""

import os
import threading
import time
from collections.abc import Callable, Iterable
from statistics import median
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
    """Repeat ``work``, parallel Numba code that lets go of the GIL, and report on this process."""
    work()
    return WorkerReport(
        os.getpid(), numba.get_num_threads(), torch.get_num_threads(), busy_threads(work)
    )


def busy_threads(work: Callable[[], object], seconds: float = 0.5) -> int:
    """Return how many threads of this process run, or wait for a core, while ``work`` does."""
    samples = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            samples.append(runnable_threads_but(threading.get_native_id()))
            time.sleep(0.002)

    watcher = threading.Thread(target=watch)
    watcher.start()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        work()
    done.set()
    watcher.join()
    return round(median(samples))


def runnable_threads_but(own: int) -> int:
    """Count the threads of this process in state R but for the one with the id ``own``."""
    runnable = 0
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/stat") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        runnable += state == "R" and int(task) != own
    return runnable


def print_reports(reports: Iterable[WorkerReport]) -> None:
    """Print a line for each worker, and their sum."""
    workers = sorted(set(reports))
    for worker in workers:
        print(f"worker {worker.pid:<9} Numba {worker.numba}   torch {worker.torch}   ", end="")
        print(f"threads at work {worker.busy}")
    total = sum(worker.busy for worker in workers)
    print(f"{len(workers)} workers{'':<26}threads at work {total}")
