"""Threads that end inside of a slot: tests/faults/slot_exit.c."""

import ctypes
import itertools
import os

import forks
import numba
import numpy as np
from numba import cfunc, njit, prange, types
from patience import eventually
from system_calls import gettid, usleep
from thread_ends import new_threads_have_regions

import numba_ompsafe
from numba_ompsafe._layer.load import load

TIMES = 3
EXIT, CANCEL_SELF, CANCELLED = HOWS = range(1, 4)
# Of one more than there are cores, no region is made.
SLOTS = {"region": 2, "shared": len(os.sched_getaffinity(0)) + 2}

_in_slot = types.ExternalFunction("in_slot", types.void())


@njit(parallel=True, nogil=True)
def _thread_ids(n):
    ids = np.zeros(n, np.int64)
    for i in prange(n):
        usleep(1000)
        ids[i] = gettid()
    return ids


class Exits:
    """Launches whose threads end in a slot, by C functions without arguments."""

    def __init__(self, library):
        self._library = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)

        @njit(parallel=True, nogil=True)
        def kernel(n):
            for _ in prange(n):
                _in_slot()

        @cfunc(types.void())
        def by_numba():
            kernel(numba.get_num_threads())

        @njit(parallel=True, nogil=True)
        def around(n):
            for _ in prange(n):
                kernel(n)

        @cfunc(types.void())
        def by_numba_inside():
            around(numba.get_num_threads())

        kernel(2)
        around(2)
        core = load()
        addresses = core.parallel_for, core.current_num_threads
        self._library.set_layer(*map(ctypes.c_void_p, addresses))
        self._kept = by_numba, by_numba_inside
        self.launches = {
            "Numba": ctypes.c_void_p(by_numba.address),
            "Numba, inside of a launch": ctypes.c_void_p(by_numba_inside.address),
            "C": ctypes.cast(self._library.launch_in_c, ctypes.c_void_p),
        }

    def end(self, kernel, slots, how, by_caller, times=20):
        """Return how the calling thread ended, and whether a thread has ended in a slot."""
        numba_ompsafe.set_default_num_threads(slots)
        launch = self.launches[kernel]
        ended = self._library.ends_in_slot(launch, times, how, int(by_caller))
        return [ended, bool(self._library.has_left())]


def others_get_help():
    """Whether launches here are right, and have the threads that they had before."""
    numba.set_num_threads(SLOTS["shared"])

    def helped():
        return len(set(_thread_ids(SLOTS["shared"]).tolist())) > 1

    return eventually(helped, 10) and new_threads_have_regions()


def _case(exits, kernel, path, how, by_caller):
    """Return how threads ended, in turn, and whether others launch then as before."""
    ended = [exits.end(kernel, SLOTS[path], how, by_caller) for _ in range(TIMES)]
    return [ended, others_get_help()]


def each(library):
    """Return how each case went, in a child of its own."""
    exits = Exits(library)
    assert others_get_help()
    return [
        [case, forks.in_child(lambda case=case: _case(exits, *case))]
        for case in itertools.product(exits.launches, SLOTS, HOWS, (True, False))
    ]
