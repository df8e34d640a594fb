"""What the library is for."""

import numba
import numpy as np


@numba.njit(parallel=True, cache=True)
def smooth(signal: np.ndarray) -> np.ndarray:
    """Return the mean of each number and its neighbours; the ends stay as they are."""
    result = signal.copy()
    for i in numba.prange(1, len(signal) - 1):
        result[i] = (signal[i - 1] + signal[i] + signal[i + 1]) / 3
    return result
