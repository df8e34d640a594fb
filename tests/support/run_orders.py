"""Runs orders of events, each in a process of its own, and prints what each ends in.

Usage: python run_orders.py ACTOR COUNT, with the orders as a JSON list of lists on standard input;
one JSON line for each order comes out. ACTOR says on which thread the events happen once "new
Python thread" has happened: "main" or "thread". COUNT is what torch.set_num_threads gets.

Importing torch takes seconds and there are hundreds of orders, so the imports that an order begins
with are done once: the process of the order is forked from one that has done these imports and
nothing else. No layer is launched there, no parallel region has run and no thread has started.
What torch and Numba import of others is imported before all, and nobody collects garbage among the
many objects that an import makes: a late import takes a quarter less then.
"""

import faulthandler
import gc
import importlib
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

IMPORTS = ("import torch", "import numba")
SECONDS = 120
LIMIT = 8


def import_torch():
    import torch  # noqa: F401


def import_numba():
    import numba

    numba.config.NUMBA_NUM_THREADS = LIMIT
    numba.njit("int64(int64)")(lambda x: x)  # code that is not parallel launches no layer


def set_torchs_count(count):
    import torch

    torch.set_num_threads(count)


def numba_call():
    import kernels

    kernels.launch()


def torch_op():
    import torch

    assert torch.ones(1_000_000).sum().item() == 1_000_000


def set_mask():
    import numba

    numba.set_num_threads(numba.config.NUMBA_DEFAULT_NUM_THREADS)


class Order:
    """The process of one order: the main thread, and the new Python thread once it has started."""

    def __init__(self, actor, count):
        self.actor = actor
        self.events = {
            "import torch": import_torch,
            "import numba": import_numba,
            "torch.set_num_threads": lambda: set_torchs_count(count),
            "first parallel Numba call": numba_call,
            "first parallel torch op": torch_op,
            "numba.set_num_threads": set_mask,
            "new Python thread": self.start_thread,
        }
        self.thread = None

    def start_thread(self):
        self.thread = ThreadPoolExecutor(1)
        self.thread.submit(int).result()

    def happen(self, event):
        function = self.events[event]
        if self.thread is not None and self.actor == "thread":
            self.thread.submit(function).result()
        else:
            function()

    def end(self):
        import openmp
        from counting import here_and_torchs
        from python_threads import on_new_thread

        return {
            "main": here_and_torchs(),
            "thread": self.thread.submit(here_and_torchs).result(),
            "fresh": on_new_thread(here_and_torchs),
            "bound": openmp.bound_path(),
            "runtimes": openmp.runtimes(),
            "main icvs": openmp.bound().icvs(),
            "fresh icvs": on_new_thread(openmp.bound().icvs),
        }


def run(order, done, actor, count):
    """Run the rest of an order in a forked child; return the pid and the pipe of its answer."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return order, pid, reader
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    try:
        process = Order(actor, count)
        for event in order[done:]:
            process.happen(event)
        answer = process.end()
    except BaseException as error:
        answer = {"error": repr(error)}
    with os.fdopen(writer, "w") as pipe:
        json.dump(answer, pipe)
    os._exit(0)


def collect(running):
    order, pid, reader = running
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    status = os.waitpid(pid, 0)[1]
    print(json.dumps([order, json.loads(answer) if answer else {"status": status}]), flush=True)


def run_all(orders, done, actor, count):
    """Run orders whose first ``done`` imports are done, as many at a time as there are cores."""
    at_once = len(os.sched_getaffinity(0))
    running = []
    for order in orders:
        if len(running) == at_once:
            collect(running.pop(0))
        running.append(run(order, done, actor, count))
    for one in running:
        collect(one)


def imports_at_start(order):
    return tuple(itertools.takewhile(IMPORTS.__contains__, order))


def import_what_they_import():
    """Import what torch and Numba import, but for what is their own."""
    code = "import sys, torch, numba; print(*sys.modules)"
    listed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    for name in listed.stdout.split():
        if not name.startswith(("torch", "numba", "__")):
            importlib.import_module(name)
    assert not {"torch", "numba"} & sys.modules.keys()


def main():
    actor, count = sys.argv[1], int(sys.argv[2])
    import_what_they_import()
    gc.disable()
    orders = sorted(json.load(sys.stdin), key=imports_at_start)
    for imports, group in itertools.groupby(orders, imports_at_start):
        pid = os.fork()
        if pid == 0:
            for event in imports:
                Order(actor, count).events[event]()
            assert len(os.listdir("/proc/self/task")) == 1
            run_all(list(group), len(imports), actor, count)
            sys.stdout.flush()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0


main()
