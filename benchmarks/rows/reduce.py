"""reduce: an almost empty prange with a float sum, from compiled code, by NUMBA_NUM_THREADS."""

from collections.abc import Iterator

import numpy as np
from numba import njit

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._kernels import SMALL, total
from benchmarks.timing import medians

UNIT = "us"


@njit(cache=True)
def total_again(x, times):
    acc = 0.0
    for _ in range(times):
        acc += total(x)
    return acc


def settings(options: Options) -> Iterator[Setting]:
    for n in options.threads:
        yield Setting(n, case=f"n = {n}")


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    x = np.arange(SMALL, dtype=np.float64)
    np.testing.assert_allclose(total_again(x, 3), 3 * x.sum())
    yield Figure(setting.case, medians(lambda times: total_again(x, times))[0])
