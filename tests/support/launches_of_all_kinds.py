"""Launches that differ in what the layer does for them, each a function without arguments."""

from contextlib import suppress

import kernels
import numba
import numpy as np
import sharing
from numba import njit, prange

_some = np.ones(8)
_many = np.ones(1000)
_plane = np.ones((300, 300))


@njit(parallel=True, cache=True)
def _double(x):
    for i in prange(x.size):
        x[i] *= 2


@njit(parallel=True, cache=True)
def _compute(x, turns):
    for i in prange(x.size):
        for _ in range(turns):
            x[i] = x[i] * 0.5 + 1


@njit(parallel=True)
def _in_chunks(x, size):
    with numba.parallel_chunksize(size):
        for i in prange(x.size):
            x[i] = x[i] * 0.5 + 1


@njit(parallel=True, cache=True)
def _over_plane(x):
    for index in numba.pndindex(x.shape):
        x[index] = x[index] * 0.5 + 1


@numba.vectorize(["float64(float64, float64)"], target="parallel")
def _ufunc(a, b):
    return a + b


@numba.vectorize(["float64(float64)"], target="parallel")
def _fail(a):
    if a == 1:
        raise ValueError("one")
    return a


@numba.guvectorize(["(float64[:], float64[:])"], "(n)->()", target="parallel")
def _gufunc(x, total):
    total[0] = x.sum()


def tiny():
    """Launch what gains nothing by threads."""
    _double(_some)


def brief():
    """Launch what takes as long as a region that is set up already repays."""
    _compute(_some, 1000)


def waiting():
    """Launch what waits, so that all threads there are take part."""
    kernels.busy(np.full(8, 50), np.zeros(8, np.int64), *np.zeros((3, 8), np.int64), np.zeros(8))


def in_1000_chunks():
    """Launch more divisions than the layer has static memory for."""
    _in_chunks(_many, 1)


def in_chunks():
    """Launch few divisions, claimed as threads come."""
    _in_chunks(_many, 100)


def over_a_plane():
    """Launch over two dimensions."""
    _over_plane(_plane)


def failing():
    """Launch what raises, which Python is told if it happens on this thread."""
    with suppress(ValueError):
        _fail(_many)


def nested():
    """Launch inside of a launch."""
    kernels.nested_ids(4, 8)


def nested_and_waiting():
    """Launch inside of a launch what waits, so that slots of both are shared."""
    sharing.launch(2, 4, microseconds=20)


def ufunc():
    """Call a parallel ufunc."""
    _ufunc(_many, _many)


def gufunc():
    """Call a parallel gufunc."""
    _gufunc(_plane)


KINDS = {
    kind.__name__: kind
    for kind in (
        tiny,
        brief,
        waiting,
        in_1000_chunks,
        in_chunks,
        over_a_plane,
        failing,
        nested,
        nested_and_waiting,
        ufunc,
        gufunc,
    )
}
