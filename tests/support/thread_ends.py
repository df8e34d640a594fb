"""Threads of C's that launch as they end: tests/faults/thread_end.c."""

import ctypes
import itertools
import os

import forks
import numba
import numpy as np
from numba import cfunc, njit, prange, types
from patience import eventually
from python_threads import on_new_thread
from system_calls import usleep

_num_threads = types.ExternalFunction("omp_get_num_threads", types.int32())


@njit(parallel=True, nogil=True, cache=True)
def largest_region(n):
    """Return of how many threads the region is that a launch runs in; 1 if it is in none."""
    sizes = np.zeros(n, np.int64)
    for i in prange(n):
        usleep(1000)
        sizes[i] = _num_threads()
    return sizes.max()


OFTEN = 70  # a thread builds a pool once it has launched often


@cfunc(types.void())
def launch():
    for _ in range(OFTEN):
        largest_region(2)


def new_threads_have_regions():
    """Whether a thread that has no pool yet gets to build one, of two threads."""
    return eventually(lambda: on_new_thread(_region_at_last) == 2, 10)


def _region_at_last():
    numba.set_num_threads(2)
    return [largest_region(2) for _ in range(OFTEN)][-1]


def _case(library, first, by_key):
    """Have threads launch as they end, and before that if ``first``; return whether all is well."""
    assert new_threads_have_regions()
    function = ctypes.CFUNCTYPE(None)(launch.address)
    begin = function if first else ctypes.CFUNCTYPE(None)()
    for _ in range(os.cpu_count()):
        assert ctypes.CDLL(library).run_thread(begin, function, int(by_key)) == 0
    return new_threads_have_regions()


def each(library):
    """Return how each case went, in a child of its own."""
    cases = itertools.product((True, False), (True, False))
    return [[case, forks.in_child(lambda case=case: _case(library, *case))] for case in cases]
