"""The parallel function that the situations call."""

import numba
import numpy as np


@numba.njit(parallel=True, cache=True)
def doubled(numbers):
    result = np.empty_like(numbers)
    for i in numba.prange(numbers.size):
        result[i] = 2 * numbers[i]
    return result
