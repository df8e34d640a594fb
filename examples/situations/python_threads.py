"""Several Python threads, as in a server, call a parallel Numba function at the same time."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np


@numba.njit(parallel=True, cache=True, nogil=True)
def doubled(numbers):
    result = np.empty_like(numbers)
    for i in numba.prange(numbers.size):
        result[i] = 2 * numbers[i]
    return result


with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(doubled, [np.ones(100_000)] * 80))
print(f"{sum(result[-1] == 2 for result in results)} of 80 calls")
