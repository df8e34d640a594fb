"""A parallel loop calls a function that has a parallel loop of its own."""

import time

import numba
import numpy as np


@numba.njit(parallel=True, cache=True)
def total(numbers):
    result = 0.0
    for i in numba.prange(numbers.size):
        result += np.sqrt(numbers[i])
    return result


@numba.njit(parallel=True, cache=True)
def totals(rows):
    result = np.empty(len(rows))
    for i in numba.prange(len(rows)):
        result[i] = total(rows[i])
    return result


rows = np.ones((64, 20_000))
totals(rows)
seconds = []
for _ in range(50):
    start = time.perf_counter()
    totals(rows)
    seconds.append(time.perf_counter() - start)
print(f"{sorted(seconds)[25] * 1000:.1f} ms")
