"""Kernels whose slots say who ran them, from when to when, and how many ran at the same time.

They wait in the system, which takes no core: slots that share nothing but their launch wait at the
same time on any machine, as far as there are threads for them.
"""

import numpy as np
from numba import njit, prange, set_num_threads, set_parallel_chunksize
from numba.np.ufunc.parallel import _iget_num_threads, get_thread_id
from system_calls import MONOTONIC, clock_gettime, gettid, usleep

COUNT = 8
# Long beside what it takes to wake a thread, on a busy machine, too.
WAIT = 4000
ENOUGH = COUNT * 2 / 3
TRIES = 50

SLOT = np.dtype(
    [
        ("id", np.int64),
        ("mask", np.int64),
        ("thread", np.int64),
        ("begin", np.int64, 2),  # seconds and nanoseconds
        ("end", np.int64, 2),
    ]
)
_FIELDS = SLOT.itemsize // 8


@njit(parallel=True, cache=True)
def wait_in_each(slots, microseconds):
    """Wait in each iteration and write down who did, as a row of SLOT's fields."""
    for i in prange(slots.shape[0]):
        clock_gettime(MONOTONIC, slots[i, 3:].ctypes)
        slots[i, 0] = get_thread_id()
        slots[i, 1] = _iget_num_threads()
        slots[i, 2] = gettid()
        usleep(microseconds)
        clock_gettime(MONOTONIC, slots[i, 5:].ctypes)


@njit(parallel=True, cache=True)
def two_levels(slots, microseconds):
    for i in prange(slots.shape[0]):
        wait_in_each(slots[i], microseconds)


@njit(parallel=True, cache=True)
def three_levels(slots, microseconds):
    for i in prange(slots.shape[0]):
        two_levels(slots[i], microseconds)


@njit(parallel=True)
def in_chunks(slots, microseconds):
    for i in prange(slots.shape[0]):
        set_parallel_chunksize(1)
        wait_in_each(slots[i], microseconds)


@njit(parallel=True)
def under_masks(slots, microseconds):
    for i in prange(slots.shape[0]):
        set_num_threads(1 + i % COUNT)
        wait_in_each(slots[i], microseconds)


@njit(parallel=True, cache=True)
def waiting_total(x):
    """Return the sum of x, whose bits depend on the partition, and wait meanwhile."""
    acc = 0.0
    for i in prange(x.size):
        if i % 500 == 0:
            usleep(50)
        acc += x[i]
    return acc


@njit(parallel=True, cache=True)
def totals(x, n):
    """Return n such sums, each of an iteration of its own."""
    found = np.zeros(n)
    for i in prange(n):
        found[i] = waiting_total(x)
    return found


BY_DIMENSIONS = {1: wait_in_each, 2: two_levels, 3: three_levels}


def launch(*shape, microseconds=WAIT, kernel=None):
    """Launch once, nested for each dimension but the last; return what the slots wrote down."""
    slots = np.full((*shape, _FIELDS), -1, np.int64)
    (kernel or BY_DIMENSIONS[len(shape)])(slots, microseconds)
    assert (slots >= 0).all(), slots
    return slots.view(SLOT)[..., 0]


def times(slots):
    """Return the begins and the ends in nanoseconds."""
    return (slots[end] @ np.array([1_000_000_000, 1]) for end in ("begin", "end"))


def most_at_once(slots):
    """Return how many ran at the same time at most."""
    begins, ends = (np.sort(at.ravel()) for at in times(slots))
    # Who ends as another begins does not run beside it.
    running = np.arange(1, begins.size + 1) - np.searchsorted(ends, begins, side="right")
    return int(running.max())


def at_once(slots):
    """Return how many ran at the same time on average, from the first begin to the last end."""
    begins, ends = times(slots)
    return float((ends - begins).sum() / (ends.max() - begins.min()))


def one_at_a_time_under_each_id(slots):
    """Whether no two slots of one launch ran at the same time under one id."""
    return all(
        most_at_once(one[one["id"] == thread_id]) == 1
        for one in slots.reshape(-1, slots.shape[-1])
        for thread_id in np.unique(one["id"])
    )


def all_at_once(*shape, **how):
    """Launch until enough slots have run at the same time; return whether they have.

    It may take some launches until it is known that the kernel waits, and others on a busy machine.
    """
    return any(
        at_once(slots) >= ENOUGH and most_at_once(slots) >= ENOUGH
        for slots in (launch(*shape, **how) for _ in range(TRIES))
    )
