"""Which of the system's threads run a launch, by what its iterations do."""

import os

import kernels
import numba
import numpy as np

CORES = len(os.sched_getaffinity(0))
# Turns of a loop, for a launch that is brief and not tiny; a fraction of a millisecond.
BRIEF, LONG = 5_000, 200_000


def launch(waits, turns=None):
    """Launch once; fail unless each iteration ran once; return ids and the system's threads."""
    n = len(waits)
    runs, ids, threads = np.zeros((3, n), np.int64)
    kernels.busy(
        waits, np.zeros(n, np.int64) if turns is None else turns, runs, ids, threads, np.zeros(n)
    )
    assert (runs == 1).all()
    return ids, set(threads.tolist())


def check(waits, turns=None):
    """Launch; fail unless each iteration ran in its block's slot; return the system's threads."""
    ids, threads = launch(waits, turns)
    blocks = np.array_split(ids, numba.get_num_threads())
    assert all((block == slot).all() for slot, block in enumerate(blocks)), ids
    return threads


def team(n, *, wait=0, turns=0):
    """Launch n iterations that are all alike; return the set of the system's threads."""
    return check(np.full(n, wait), np.full(n, turns))
