"""Forks, and what is to work after one: parallel Numba code and parallel torch operations."""

import ctypes
import json
import os
import threading
import time
from importlib import import_module

# Every process here has OMP_NUM_THREADS=4.
COUNT = 4


def tasks():
    """Return the ids that the system has for the threads of this process."""
    return {int(task) for task in os.listdir("/proc/self/task")}


def no_threads_but(known):
    """Whether the process has no other threads; those that are about to end get the time to."""
    for _ in range(1000):
        if tasks() <= known:
            return True
        time.sleep(0.01)
    return False


def in_child(function):
    """Return function() of a forked process, which must end well."""
    return start_child(function)()


def start_child(function):
    """Begin the same; return what waits for the result and returns it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(writer, json.dumps(function()).encode())
            status = 0
        finally:
            if status:
                import traceback

                traceback.print_exc()
            os._exit(status)
    os.close(writer)

    def result():
        with os.fdopen(reader) as answer:
            text = answer.read()
        status = os.waitpid(pid, 0)[1]
        assert status == 0, f"the child ended with status {status:#x}"
        return json.loads(text)

    return result


def on_thread(function):
    """Return function() of a new thread, without concurrent.futures and its hooks for forks."""
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    (result,) = results
    return result


def kernels():
    """Return the module, in a process where Numba may use more threads than there are cores."""
    import numba

    numba.config.NUMBA_NUM_THREADS = 8
    return import_module("kernels")


def numba_runs(count=COUNT):
    """Launch, once with a whole team; fails unless results, ids and masks are right."""
    assert kernels().launch() == count
    kernels().system_threads(count)


def torch_runs(count=COUNT):
    """Run operations that torch runs in parallel; fails unless the results are right."""
    import torch

    torch.set_num_threads(count)
    assert torch.ones(1_000_000).sum().item() == 1_000_000
    ones = torch.ones(300, 300)
    assert (ones @ ones == 300).all()


def numbas_team(count):
    """Launch; return the system's ids of the threads that ran it, of which there must be count."""
    team = kernels().largest_team(count)
    assert len(team) == count, team
    return team


def numba_starts(count=COUNT):
    """Launch where this thread has no pool yet; fails unless so many threads run it."""
    numba_runs(count)
    assert numbas_team(count) <= tasks()


def torch_starts(count=COUNT):
    """Run torch where this thread has no pool yet; fails unless a whole team came into being."""
    import torch

    torch.set_num_threads(count)  # starts threads, too, which are no team
    before = tasks()
    torch_runs(count)
    assert len(tasks() - before) >= count - 1


def both_run():
    """Run torch and Numba; fails unless both have their threads, and no pool for each."""
    torch_runs()
    with_torch = tasks()
    numba_runs()
    numbas_team(COUNT)
    # Where the pool has more threads than there are cores, the crew's may help.
    assert len(tasks() - with_torch) <= COUNT


def numba_first():
    """Run both in one pool where this thread has none yet."""
    numba_starts()
    both_run()


def torch_first():
    """Run both in one pool where this thread has none yet."""
    torch_starts()
    both_run()


def ask_for_the_layer():
    """Select the layer in code, as a program does that sets no variable."""
    import numba

    numba.config.THREADING_LAYER = "ompsafe"


def ask_and_run():
    """Select the layer in code; run both in one pool, here and in children."""
    ask_for_the_layer()
    both_run()
    children_run()


def children_run():
    """Fork for Numba and for torch, each of which runs first in one child, then the other."""
    in_child(numba_first)
    in_child(torch_first)


class Busy:
    """Threads that call functions over and over, for the length of a ``with``."""

    def __init__(self, *functions):
        self._stop = threading.Event()
        self._rounds = [0] * len(functions)
        self._threads = [
            threading.Thread(target=self._work, args=(i, function))
            for i, function in enumerate(functions)
        ]

    def _work(self, i, function):
        while not self._stop.is_set():
            function()
            self._rounds[i] += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()

    def __exit__(self, *exception):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert all(self._rounds), self._rounds


def in_linker():
    """Return a Busy thread that keeps the dynamic linker's lock and wants the GIL meanwhile."""
    visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)(
        lambda *_: 0
    )
    iterate = ctypes.CDLL(None).dl_iterate_phdr
    return Busy(lambda: iterate(visit, None))


def work(task):
    """Run as a worker process's first task, and return the worker's id."""
    import torch

    torch.set_num_threads(COUNT)
    if task % 2:
        numba_first()
    else:
        torch_first()
    return os.getpid()


def work_without_torch(task):
    """Run as a worker process's first task, and return the worker's id."""
    numba_starts()
    return os.getpid()
