"""The threads of a program: each has its own settings, and knows what its count must be."""

import functools
import queue
import threading
import traceback

import numba
import openmp

from numba_ompsafe import _core

ICVS = ("nthreads-var", "dyn-var", "max-active-levels-var", "run-sched-var")


def runtime():
    """Return the runtime that the layer launches on, which it has chosen by then."""
    numba.get_num_threads()
    return _runtime_at(_core.runtime_path())


@functools.cache
def _runtime_at(path):
    """Return it with its functions: a child may be born with the dynamic linker's lock taken."""
    found = openmp.Runtime(path)
    found.icvs()
    for function in ("set_num_threads", "set_dynamic", "set_max_active_levels", "set_schedule"):
        getattr(found, function)
    return found


class Actor:
    """One thread; the main thread's acts run where they are asked for."""

    def __init__(self, world, is_main=False):
        self.world = world
        self.mask, self.limit = None, None  # what this thread was told; None: nothing
        self.blocks = []
        self.settled = False  # nthreads-var is what torch would set it to
        self.may_settle = True  # an operation of torch's sees to that
        self.is_main = is_main
        self._acts = queue.SimpleQueue()
        self.thread = None
        if not is_main:
            self.thread = threading.Thread(target=self._work, daemon=True)
            self.thread.start()

    def begin(self, act):
        """Have an act done, and return what waits for its end."""
        done = threading.Event()
        self._acts.put((act, done))
        return done

    def end(self):
        """End the thread, in which all blocks have ended."""
        self._acts.put(None)
        self.thread.join()

    def expected(self):
        """Return the count that the next launch must have: rules 1 to 4, and the caps.

        None where torch would set it, which other actors may tell another number meanwhile.
        """
        counts = (self.mask, self.world.default, self.world.of_environment)
        count = next((count for count in counts if count is not None), None)
        if count is None:
            if self.world.has_torch and not self.settled:
                return None
            count = runtime().get_max_threads()
        caps = (self.limit, numba.config.NUMBA_NUM_THREADS)
        return min(count, *(cap for cap in caps if cap is not None))

    def icvs(self):
        """Return this thread's ICVs in each runtime of which the world knows.

        But for nthreads-var where the first launch has torch set that: on the main thread.
        """
        to_be_settled = self.is_main and self.world.has_torch and not self.settled
        return [
            {name: icvs[name] for name in ICVS[to_be_settled:]}
            for icvs in (runtime.icvs() for runtime in self.world.runtimes)
        ]

    def _work(self):
        while (asked := self._acts.get()) is not None:
            act, done = asked
            self.world.do(self, act)
            done.set()


def import_torch():
    """Import it, and call the operations of the acts once, on a thread that is no actor's.

    A child that is forked during an operation's first call may wait for ever in its own.
    """
    import torch

    def call():
        ones = torch.ones(2, 2)
        assert (ones @ ones == 2).all()
        assert ones.sum().item() == 4

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


class World:
    """What all actors share."""

    def __init__(self, acts, torch, of_environment, largest_mask):
        self.acts = acts
        self.torch = torch  # when it is imported
        self.of_environment = of_environment  # what NUMBA_NUM_THREADS says
        self.largest_mask = largest_mask
        self.default = None
        self.has_torch = torch == "first"
        self.look_for_runtimes()
        self.bits = {}  # of a float reduction, by size and count
        self.launches, self.forks = 0, 0
        self.failures = []

    def look_for_runtimes(self):
        """Know of each runtime that is in the process."""
        self.runtimes = [_runtime_at(path) for path in openmp.runtimes()]

    def do(self, actor, act):
        """Do an act on the calling thread; write down how it failed."""
        name, *arguments = act
        try:
            self.acts[name](actor, *arguments)
        except BaseException:
            self.failures.append(f"{act}:\n{traceback.format_exc()}")
