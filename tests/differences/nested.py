"""Parallel functions that loops of others call. workqueue ends a process that does so."""

import numba
import numpy as np
from numba import njit, prange

from differences.kernels import loop


@njit(parallel=True)
def _count(n):
    counted = 0
    for _ in prange(n):
        counted += 1
    return counted


@njit(parallel=True)
def _total(row):
    found = 0.0
    for j in prange(row.size):
        found += row[j]
    return found


@loop("int64, int64", draw=lambda draw, _: (draw.size() % 20, draw.count()), workqueue=False)
def counts(m, n):
    out = np.zeros(m, np.int64)
    for i in prange(m):
        out[i] = _count(n + i if n > -(2**31) else n)
    return out


@loop(
    "float64[:,:]",
    draw=lambda draw, _: (draw.array("float64", draw.shape(2)),),
    workqueue=False,
    chunks=False,
)
def totals(x):
    out = np.zeros(x.shape[0])
    for i in prange(x.shape[0]):
        out[i] = _total(x[i])
    return out, out.sum()


@loop(
    "float64[:,:], int64",
    draw=lambda draw, _: (draw.array("float64", draw.shape(2)), draw.random.randint(1, 8)),
    workqueue=False,
    chunks=False,
)
def totals_by_fewer_threads(x, threads):
    out = np.zeros(x.shape[0])
    for i in prange(x.shape[0]):
        numba.set_num_threads(threads)
        out[i] = _total(x[i]) + numba.get_num_threads()
    return out


@loop("int64, int64", draw=lambda draw, _: (draw.size() % 9, draw.size() % 50), workqueue=False)
def expressions(m, n):
    out = np.zeros((max(m, 0), n))
    for i in prange(m):
        out[i] = _doubled(np.arange(n) * 1.0)
    return out


@njit(parallel=True)
def _doubled(x):
    return 2 * x + 1
