"""Launches of a kernel in C (tests/faults/kernel.c), on Python threads: no Numba is needed."""

import ctypes
import os
import threading

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
    results = [None] * len(functions)
    ready = threading.Barrier(len(functions))

    def call(i):
        ready.wait()
        results[i] = functions[i]()

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def forks(launcher, times):
    """Fork so often beside what other threads do; return how many children failed to launch."""
    os.register_at_fork(
        before=launcher.core.before_fork,
        after_in_parent=launcher.core.after_fork_in_parent,
    )
    failed = 0
    for _ in range(times):
        pid = os.fork()
        if pid == 0:
            os._exit(launcher.launches(2, 2) != 0)
        failed += os.waitpid(pid, 0)[1] != 0
    return failed
