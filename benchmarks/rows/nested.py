"""nested: a prange inside a prange, of float64: many outer iterations, some or one.

The limit is the same sums on one thread, divided by the cores at work.
"""

from collections.abc import Iterator

import numpy as np
from numba import njit, prange

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._kernels import total
from benchmarks.timing import median_of_calls

UNIT = "us"
SHAPES = {
    "1,024 x 1,000": (1_024, 1_000),
    "64 x 20,000": (64, 20_000),
    "1 x 1,280,000": (1, 1_280_000),
}


@njit(parallel=True, cache=True)
def totals(x, out):
    for i in prange(x.shape[0]):
        out[i] = total(x[i])


@njit(cache=True)
def serial_totals(x, out):
    for i in range(x.shape[0]):
        acc = 0.0
        for j in range(x.shape[1]):
            acc += x[i, j]
        out[i] = acc


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    yield from _figures(totals, 1)


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    yield from _figures(serial_totals, options.cores)


def _figures(function, divided_by: int) -> Iterator[Figure]:
    for case, shape in SHAPES.items():
        x = np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)
        out = np.zeros(shape[0])
        function(x, out)
        np.testing.assert_allclose(out, x.sum(axis=1))
        seconds = median_of_calls(lambda x=x, out=out: function(x, out))
        yield Figure(case, seconds / divided_by)
