"""ufunc: @vectorize(target="parallel"), z = x + y on float64, by elements.

The limit is torch's addition of the same arrays. One of the sizes is measured in other ways to call
a ufunc, too.
"""

from collections.abc import Iterator

import numpy as np
from numba import vectorize

from benchmarks.figures import Figure, Options, Setting, styles_at
from benchmarks.rows._bandwidth import seconds_to_add
from benchmarks.timing import median_of_calls, medians

UNIT = "us"


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


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
        if size == styles_at(options):
            yield from _styles(add, x, y, z)


def _styles(add, x, y, z) -> Iterator[Figure]:
    def inline(times: int) -> None:
        for _ in range(times):
            add(x, y, z)

    def out(times: int) -> None:
        for _ in range(times):
            add(x, y, out=z)

    def new_array(times: int) -> None:
        for _ in range(times):
            add(x, y)

    def scalar(times: int) -> None:
        for _ in range(times):
            add(x, 0.5, z)

    for style, loop in (
        ("no lambda", inline),
        ("out=", out),
        ("new array", new_array),
        ("a scalar", scalar),
    ):
        yield Figure(f"{x.size:,}, {style}", medians(loop)[0])
    np.testing.assert_array_equal(z, x + 0.5)


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    for size in options.sizes:
        yield Figure(f"{size:,}", seconds_to_add(size, options.cores))
