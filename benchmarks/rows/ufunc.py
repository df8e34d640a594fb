"""ufunc: @vectorize(target="parallel"), z = x + y on float64, by elements.

The limit is torch's addition of the same arrays.
"""

from collections.abc import Iterator

import numpy as np
from numba import vectorize

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._bandwidth import seconds_to_add
from benchmarks.timing import median_of_calls

UNIT = "us"


def settings(options: Options) -> Iterator[Setting]:
    yield Setting(options.team)


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    @vectorize(["float64(float64, float64)"], target="parallel")
    def add(x, y):
        return x + y

    for size in options.sizes:
        x = np.arange(size, dtype=np.float64)
        y = np.linspace(0, 1, size)
        z = np.zeros(size)
        add(x, y, z)
        np.testing.assert_array_equal(z, x + y)
        yield Figure(f"{size:,}", median_of_calls(lambda x=x, y=y, z=z: add(x, y, z)))


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    for size in options.sizes:
        yield Figure(f"{size:,}", seconds_to_add(size, setting.numba_threads))
