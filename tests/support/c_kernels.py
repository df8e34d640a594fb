"""Launches of a kernel in C (tests/faults/kernel.c), on Python threads: no Numba is needed."""

import ctypes
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from forks import in_child

from numba_ompsafe._layer.load import load

_LENGTH = 1000


class Launcher:
    """The layer, and a kernel for it."""

    def __init__(self, library, limit=8):
        self.core = load()
        self.core.set_numba_limit(limit)
        addresses = (
            self.core.parallel_for,
            self.core.get_thread_id,
            self.core.current_num_threads,
            self.core.get_num_threads,
        )
        self._addresses = [ctypes.c_void_p(address) for address in addresses]
        self._launch = ctypes.CDLL(library).launch

    def launches(self, count, times, depth=0):
        """Launch on this thread, so often, with that count; return how much was wrong."""
        self.core.set_mask(count)
        faults = 0
        for _ in range(times):
            numbers = (ctypes.c_int64 * _LENGTH)(*range(_LENGTH))
            how = ctypes.c_ssize_t(count), ctypes.c_ssize_t(depth)
            faults += self._launch(*self._addresses, *how, numbers, ctypes.c_size_t(_LENGTH))
            faults += sum(number != 3 * i + 1 for i, number in enumerate(numbers))
            faults += self.core.mask() != count
        return faults


def at_once(functions):
    """Call each on a thread of its own, all at the same time; return what they return."""
    ready = threading.Barrier(len(functions))

    def call(function):
        ready.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as executor:
        return list(executor.map(call, functions))


def forks(launcher, times):
    """Fork so often beside what other threads do; return how much was wrong in the children."""
    os.register_at_fork(
        before=launcher.core.before_fork,
        after_in_parent=launcher.core.after_fork_in_parent,
    )
    return sum(in_child(lambda: launcher.launches(2, 2)) for _ in range(times))
