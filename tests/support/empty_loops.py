"""Every kind of parallel loop over a range that is given, beside what Python makes of it."""

import numba
import numpy as np
from numba import njit, prange


@njit(parallel=True, cache=True)
def integers(start, stop):
    count = 7
    for _ in prange(start, stop):
        count += 1
    return count


@njit(parallel=True, cache=True)
def floats(start, stop):
    count = 7.5
    for _ in prange(start, stop):
        count += 1
    return count


@njit(parallel=True, cache=True)
def from_zero(start, stop):
    # With unsigned indices, as Numba has them where a loop begins at a number that is not negative.
    count = 7
    for _ in prange(stop - start):
        count += 1
    return count


@njit(parallel=True, cache=True)
def extremes(start, stop):
    low, high = 5, -5
    for i in prange(start, stop):
        low, high = min(low, i), max(high, i)
    return high - low


@njit(parallel=True, cache=True)
def written(start, stop):
    seen = np.zeros(64, np.int64)
    for i in prange(start, stop):
        seen[i % 64] = 1
    return seen.sum()


@njit(parallel=True, cache=True)
def loop_in_loop(start, stop):
    count = 0
    for _ in prange(start, stop):
        for _ in prange(start, stop):
            count += 1
    return count


@njit(parallel=True, cache=True)
def called_in_loop(start, stop):
    count = 0
    for _ in prange(2):
        count += integers(start, stop)
    return count


@njit(parallel=True, cache=True)
def two_dimensions(start, stop):
    count = 0
    for _ in numba.pndindex((stop - start, 3)):
        count += 1
    return count


def windows(start, stop):
    return len(_sums(np.ones(10), 10 - (stop - start) + 1))


@njit(parallel=True, cache=True)
def _sums(x, window):
    out = np.zeros(max(0, x.size - window + 1))
    for i in prange(x.size - window + 1):
        out[i] = x[i : i + window].sum()
    return out


def chunks(start, stop):
    with numba.parallel_chunksize(3):
        return floats(start, stop)


def unsigned(start, stop):
    if start < 0 or stop < 0:
        return integers(start, stop)
    return integers(np.uint64(start), np.uint64(stop))


# What each returns for so many iterations.
EXPECTED = {
    integers: lambda n: 7 + n,
    floats: lambda n: 7.5 + n,
    from_zero: lambda n: 7 + n,
    written: lambda n: min(n, 64),
    loop_in_loop: lambda n: n * n,
    called_in_loop: lambda n: 2 * (7 + n),
    two_dimensions: lambda n: 3 * n,
    windows: lambda n: n,
    chunks: lambda n: 7.5 + n,
    unsigned: lambda n: 7 + n,
}
LARGE = 2**62
RANGES = [
    *((0, stop) for stop in (-LARGE, -14, -3, -1, 0, 1, 9)),
    *((-5, stop) for stop in (-LARGE, -9, -6, -5, -4, 3)),
    *((5, stop) for stop in (-3, 0, 4, 5, 6)),
    (LARGE, -5),
    (LARGE, 5),
]


def wrong(threads):
    """Return the loops that gave something else than Python's."""
    numba.set_num_threads(threads)
    found = []
    for start, stop in RANGES:
        n = len(range(start, stop))
        for loop, expected in EXPECTED.items():
            if loop(start, stop) != expected(n):
                found.append([loop.__name__, start, stop])
        if extremes(start, stop) != extremes.py_func(start, stop):
            found.append(["extremes", start, stop])
    return found
