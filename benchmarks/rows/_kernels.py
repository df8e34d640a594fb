"""Kernels that several rows launch, compiled once: they are cached between processes."""

import numpy as np
from numba import njit, prange

SMALL = 64  # elements: almost nothing to do


@njit(parallel=True, cache=True, nogil=True)
def fill(out):
    """Write its index into each element."""
    for i in prange(out.size):
        out[i] = i


@njit(parallel=True, cache=True)
def total(x):
    """Return the sum of x."""
    acc = 0.0
    for i in prange(x.size):
        acc += x[i]
    return acc


@njit(cache=True, nogil=True)
def fill_again(out, times):
    """Launch so often, from compiled code."""
    for _ in range(times):
        fill(out)


@njit(parallel=True, cache=True, nogil=True)
def fill_inside(outs, times):
    """Launch so often in each iteration; ``fill`` must have been compiled before."""
    for i in prange(outs.shape[0]):
        for _ in range(times):
            fill(outs[i])


def check_filled(out: np.ndarray) -> None:
    """Raise AssertionError unless ``fill`` did its work."""
    np.testing.assert_array_equal(out, np.arange(out.size))
