"""Counts the system's threads that took part in a launch, by what its kernel wrote.

Kernels wait in each element: launches that are known to be brief, or to compute, may have fewer
threads than were asked for.
"""

import numba
import numpy as np
from numba import njit
from patience import most
from system_calls import gettid, usleep

_MARK = 1 << 22  # more than the system's highest thread id (PID_MAX_LIMIT)


@njit(cache=True)
def here():
    """Wait for a moment; return which of the system's threads does."""
    usleep(100)
    return gettid()


@njit(cache=True)
def mark(value):
    """Return a whole number with the thread that has computed it."""
    return value * _MARK + here()


@njit(cache=True)
def mark_some(value, index):
    """Return a whole number, one in 1,000 with its thread, one in 10,000 after a wait."""
    if index % 10_000 == 0:
        usleep(1)
    return value * _MARK + (gettid() if index % 1000 == 0 else 0)


def threads_in(threads):
    """Return how many threads there are in an array of them; fail if one is missing."""
    assert (threads > 0).all()
    return len(np.unique(threads))


def threads_of(marked, expected, every=1):
    """Return how many threads have marked the results; fail if these are not as expected.

    ``every`` is 1000 for those of mark_some.
    """
    whole = np.asarray(marked).astype(np.int64)
    assert (whole // _MARK == expected).all(), (whole // _MARK, expected)
    return threads_in(whole[..., ::every] % _MARK)


def by_case(cases, seconds=10):
    """Run each case with the count that holds; return how many threads took part in it.

    A case is a function of the count, which returns the number of threads.
    """
    count = numba.get_num_threads()
    return {"count": count} | {
        name: most(lambda case=case: case(count), count, seconds) for name, case in cases.items()
    }
