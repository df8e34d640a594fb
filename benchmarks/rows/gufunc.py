"""gufunc: @guvectorize(target="parallel"), the sum of each row of 8, by elements.

The limit is torch's addition of arrays of as many bytes. One of the sizes is measured in other ways
to call a gufunc, too.
"""

from collections.abc import Iterator

import numpy as np
from numba import guvectorize

from benchmarks.figures import Figure, Options, Setting, styles_at
from benchmarks.rows._bandwidth import seconds_to_add
from benchmarks.timing import median_of_calls, medians

UNIT = "us"
WIDTH = 8


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    @guvectorize(["void(float64[:], float64[:])"], "(n)->()", target="parallel")
    def row_sum(x, out):
        acc = 0.0
        for value in x:
            acc += value
        out[0] = acc

    for size in options.sizes:
        x = np.linspace(0, 1, size - size % WIDTH).reshape(-1, WIDTH)
        out = np.zeros(len(x))
        row_sum(x, out)
        np.testing.assert_allclose(out, x.sum(axis=1))
        yield Figure(f"{size:,}", median_of_calls(lambda x=x, out=out: row_sum(x, out)))
        if size == styles_at(options):
            yield from _styles(f"{size:,}", row_sum, x, out)


def _styles(case: str, row_sum, x, out) -> Iterator[Figure]:
    def inline(times: int) -> None:
        for _ in range(times):
            row_sum(x, out)

    def keyword(times: int) -> None:
        for _ in range(times):
            row_sum(x, out=out)

    def new_array(times: int) -> None:
        for _ in range(times):
            row_sum(x)

    for style, loop in (("no lambda", inline), ("out=", keyword), ("new array", new_array)):
        yield Figure(f"{case}, {style}", medians(loop)[0])


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    for size in options.sizes:
        moved = size // WIDTH * (WIDTH + 1)
        yield Figure(f"{size:,}", seconds_to_add(max(1, moved // 3), options.cores))
