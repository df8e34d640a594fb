"""uneven: a triangular loop, in one block per thread and with numba.parallel_chunksize.

The limit is the same loop on one thread, divided by the cores at work.
"""

from collections.abc import Iterator

import numba
import numpy as np
from numba import njit, prange

from benchmarks.figures import Figure, Options, Setting
from benchmarks.timing import median_of_calls

UNIT = "ms"
SIZE = 8_000
CHUNKS = {"blocks": 0, "chunks of 64": 64}


@njit(parallel=True, cache=True)
def triangle(x, out):
    for i in prange(x.size):
        acc = 0.0
        for j in range(i + 1):
            acc += x[j]
        out[i] = acc


@njit(cache=True)
def serial_triangle(x, out):
    for i in range(x.size):
        acc = 0.0
        for j in range(i + 1):
            acc += x[j]
        out[i] = acc


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    for case, chunksize in CHUNKS.items():

        def call(x: np.ndarray, out: np.ndarray, chunksize: int = chunksize) -> None:
            with numba.parallel_chunksize(chunksize):
                triangle(x, out)

        yield Figure(case, _seconds(call))


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    seconds = _seconds(serial_triangle)
    for case in CHUNKS:
        yield Figure(case, seconds / options.cores)


def _seconds(call) -> float:
    x = np.linspace(0, 1, SIZE)
    out = np.zeros(SIZE)
    call(x, out)
    np.testing.assert_allclose(out, np.cumsum(x))
    return median_of_calls(lambda: call(x, out))
