"""A web service whose start warms up a parallel Numba function and torch."""

import numba
import numpy as np
import torch


@numba.njit(parallel=True, cache=True)
def doubled(numbers):
    result = np.empty_like(numbers)
    for i in numba.prange(numbers.size):
        result[i] = 2 * numbers[i]
    return result


def answer() -> float:
    return float(torch.from_numpy(doubled(np.ones(1_000_000))).mean())


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(answer()).encode()]


answer()
