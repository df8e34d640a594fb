"""Kernels that several rows launch, compiled once: they are cached between processes."""

import numpy as np
from numba import njit, prange, types

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


_usleep = types.ExternalFunction("usleep", types.int32(types.uint32))


@njit(parallel=True, cache=True, nogil=True)
def wait(out):
    """The same, but wait for a microsecond before each."""
    for i in prange(out.size):
        _usleep(1)
        out[i] = i


@njit(cache=True, nogil=True)
def wait_again(out, times):
    """Launch so often, from compiled code."""
    for _ in range(times):
        wait(out)


@njit(cache=True, nogil=True)
def fill_again(out, times):
    """Launch so often, from compiled code."""
    for _ in range(times):
        fill(out)


def check_filled(out: np.ndarray) -> None:
    """Raise AssertionError unless ``fill`` did its work."""
    np.testing.assert_array_equal(out, np.arange(out.size))
