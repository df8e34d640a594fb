"""Kernels for the tests, compiled once: they are cached between processes.

Inside of them, numba.get_num_threads would forbid the cache; generated code asks for the count with
the intrinsic that is used here.
"""

import numpy as np
from numba import njit, prange
from numba.np.ufunc.parallel import _iget_num_threads, get_thread_id
from patience import most
from system_calls import MONOTONIC, clock_gettime, gettid, usleep


@njit(parallel=True, cache=True)
def ids_and_masks(n):
    """Return the thread id and the mask that each of n iterations saw."""
    ids = np.full(n, -1, np.int64)
    masks = np.full(n, -1, np.int64)
    for i in prange(n):
        ids[i] = get_thread_id()
        masks[i] = _iget_num_threads()
    return ids, masks


@njit(cache=True)
def compute_until(flags, index, seconds):
    """Compute until a flag is set, or for so long, without a wait in the system."""
    begin, now = np.zeros(2, np.int64), np.zeros(2, np.int64)
    clock_gettime(MONOTONIC, begin.ctypes)
    taken = 0.0
    while not flags[index] and taken < seconds:
        clock_gettime(MONOTONIC, now.ctypes)
        taken = now[0] - begin[0] + (now[1] - begin[1]) * 1e-9


@njit(parallel=True, cache=True)
def system_threads(n):
    """Return for each of n iterations which of the system's threads ran it.

    An iteration waits for a millisecond: launches that are known to be brief, or to compute, may
    have fewer threads than were asked for.
    """
    threads = np.full(n, -1, np.int64)
    for i in prange(n):
        threads[i] = gettid()
        usleep(1000)
    return threads


def largest_team(n, iterations=None, seconds=10):
    """Launch on n threads; return the set of the system's threads that ran it.

    Those of the launch that had most, out of the launches that could be made in so long.
    """
    return most(lambda: set(system_threads(iterations or n).tolist()), n, seconds, size=len)


@njit(parallel=True, cache=True)
def busy(waits, turns, runs, ids, threads, waste):
    """Add one to runs, and write the thread id and which of the system's threads it is.

    Iteration i waits for waits[i] microseconds, if any, and computes for turns[i] turns of a loop.
    All in one launch.
    """
    for i in prange(waits.size):
        runs[i] += 1
        ids[i] = get_thread_id()
        threads[i] = gettid()
        if waits[i] > 0:
            usleep(waits[i])
        for _ in range(turns[i]):
            waste[i] = waste[i] * 0.5 + 1


@njit(parallel=True, cache=True)
def total(x):
    """Return the sum of x, whose bits depend on the partition."""
    acc = 0.0
    for i in prange(x.size):
        acc += x[i]
    return acc


@njit(parallel=True, cache=True)
def inner_ids(n):
    ids = np.full(n, -1, np.int64)
    for i in prange(n):
        ids[i] = get_thread_id()
    return ids


@njit(parallel=True, cache=True)
def nested_ids(rows, columns):
    """Return the ids of a prange in each iteration of a prange, and of the outer one after it."""
    inner = np.full((rows, columns), -1, np.int64)
    outer = np.full(rows, -1, np.int64)
    for i in prange(rows):
        inner[i] = inner_ids(columns)
        outer[i] = get_thread_id()
    return outer, inner


@njit(parallel=True, cache=True)
def nested_total(x, rows):
    acc = 0.0
    for i in prange(rows):
        acc += total(x) * (i + 1)
    return acc


def launch():
    """Launch once and return how many threads the kernels saw; fails if any result is wrong."""
    n = 1000
    ids, masks = ids_and_masks(n)
    count = int(masks[0])
    assert (masks == count).all()
    assert sorted(set(ids.tolist())) == list(range(count)), ids
    x = np.arange(n, dtype=np.float64)
    assert total(x) == n * (n - 1) / 2
    return count
