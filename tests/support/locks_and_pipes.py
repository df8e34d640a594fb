"""Kernels whose slots wait for something: a lock, or bytes in a pipe."""

import numpy as np
from numba import njit, prange, types
from sharing import two_levels, wait_in_each
from system_calls import read as _read
from system_calls import usleep

_lock = types.ExternalFunction("pthread_mutex_lock", types.int32(types.voidptr))
_unlock = types.ExternalFunction("pthread_mutex_unlock", types.int32(types.voidptr))


def new_lock():
    """Return a lock of the system's: a thread that takes it twice waits for ever."""
    return np.zeros(8, np.int64)


@njit(parallel=True, cache=True)
def count_under(lock, counter, n):
    """Count to n, one by one, each in an iteration that has the lock and waits."""
    for _ in prange(n):
        _lock(lock.ctypes)
        before = counter[0]
        usleep(20)
        counter[0] = before + 1
        _unlock(lock.ctypes)


@njit(parallel=True, cache=True)
def launch_under(lock, slots, microseconds):
    """Launch in each iteration, with the lock taken."""
    for i in prange(slots.shape[0]):
        _lock(lock.ctypes)
        wait_in_each(slots[i], microseconds)
        _unlock(lock.ctypes)


@njit(parallel=True, cache=True)
def launches_under(lock, slots, microseconds):
    """Launch launches in each iteration, with the lock taken."""
    for i in prange(slots.shape[0]):
        _lock(lock.ctypes)
        two_levels(slots[i], microseconds)
        _unlock(lock.ctypes)


@njit(parallel=True, cache=True)
def count_under_two(outer, inner, counters, n):
    """Count to n in each iteration, with the outer lock taken, each time with the inner one."""
    for i in prange(counters.shape[0]):
        _lock(outer.ctypes)
        count_under(inner, counters[i], n)
        _unlock(outer.ctypes)


@njit(parallel=True, cache=True)
def read_in_each(pipe, read):
    """Read a byte in each iteration; it waits until there is one."""
    for i in prange(read.size):
        _read(pipe, read[i:].ctypes, 1)


@njit(parallel=True, cache=True)
def nested_reads(pipe, read):
    for i in prange(read.shape[0]):
        read_in_each(pipe, read[i])
