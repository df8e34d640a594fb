"""Reductions of all kinds: sums, products, extremes, logic, arrays, several at a time."""

import numpy as np
from numba import prange

from differences.drawing import STRIDED
from differences.kernels import dimensions, dtypes, loop

FLOATS = ("float64[:]", "float32[:]")
NUMBERS = (*FLOATS, "int64[:]", "uint8[:]", "int32[:]")


def _arrays(draw, signature):
    """An array for each argument, of the same size where it has one dimension."""
    size = draw.size()
    return tuple(
        draw.array(dtype, size if ndim == 1 else draw.shape(ndim), STRIDED)
        for dtype, ndim in zip(dtypes(signature), dimensions(signature), strict=True)
    )


@loop(*NUMBERS, "complex128[:]", draw=_arrays)
def total(x):
    found = x.dtype.type(0)
    for i in prange(x.size):
        found += x[i]
    return found


@loop(*FLOATS, draw=_arrays, njit={"fastmath": True}, name="total_fast")
def total_fast(x):
    found = x.dtype.type(0)
    for i in prange(x.size):
        found += x[i] * x[i]
    return found


@loop(*NUMBERS, draw=_arrays, chunks=False)
def product(x):
    found = x.dtype.type(1)
    for i in prange(x.size):
        found *= x[i]
    return found


@loop(*FLOATS, draw=_arrays, chunks=False)
def difference_and_quotient(x):
    left, ratio = 100.0, 1.0
    for i in prange(x.size):
        left -= x[i]
        ratio /= 1.0 + x[i] * x[i]
    return left, ratio


@loop(*NUMBERS, draw=_arrays, chunks=False)
def extremes(x):
    least, most = x.dtype.type(100), x.dtype.type(1)
    for i in prange(x.size):
        least = min(least, x[i])
        most = max(most, x[i])
    return least, most


@loop("float64[:], float64[:]", draw=_arrays)
def with_conditions(x, y):
    above, below, counted = 0.0, 0.0, 0
    for i in prange(x.size):
        if x[i] > y[i]:
            above += x[i]
        elif x[i] < 0:
            below += y[i]
        else:
            counted += 1
    return above, below, counted


@loop("float64[:,:]", "int64[:,:]", draw=_arrays)
def sum_of_rows(x):
    found = np.zeros(x.shape[1], x.dtype)
    for i in prange(x.shape[0]):
        found += x[i]
    return found


@loop("float64[:,:,:]", draw=_arrays)
def sum_of_matrices(x):
    found = np.ones(x.shape[1:])
    for i in prange(x.shape[0]):
        found += x[i]
    return found


@loop("int64[:]", draw=_arrays)
def histogram(x):
    found = np.zeros(7, np.int64)
    for i in prange(x.size):
        one = np.zeros(7, np.int64)
        one[x[i] % 7] = 1
        found += one
    return found


@loop("float64[:,:]", draw=_arrays)
def many_at_a_time(x):
    a = b = c = d = 0.0
    e, f = 0, np.float32(0)
    rows = np.zeros(x.shape[1])
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            a += x[i, j]
            b -= x[i, j]
            e += j
        c += i
        d = max(d, float(i))
        f += np.float32(1)
        rows += 2 * x[i]
    return a, b, c, d, e, f, rows


@loop("float64[:], int64", draw=lambda draw, _: (draw.array("float64", draw.size()), draw.count()))
def two_loops_of_other_lengths(x, n):
    first, second = 0.0, 0
    for i in prange(x.size):
        first += x[i]
    for i in prange(n):
        second += i
    return first, second


@loop("float64[:,:]", draw=_arrays)
def loop_of_loops(x):
    found = 0.0
    for i in prange(x.shape[0]):
        inner = 0.0
        for j in prange(x.shape[1]):
            inner += x[i, j] * j
        found += inner
    return found
