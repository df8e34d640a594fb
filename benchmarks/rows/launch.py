"""launch: an almost empty prange, called from compiled code, by NUMBA_NUM_THREADS.

The limit is an empty region of the same team, timed in the same process.
"""

from collections.abc import Iterator

import numba
import numpy as np

from benchmarks.figures import LIMIT, Figure, Options, Setting
from benchmarks.layers import OURS
from benchmarks.rows._kernels import SMALL, check_filled, fill_again
from benchmarks.timing import medians

UNIT = "us"


def settings(options: Options) -> Iterator[Setting]:
    for n in options.threads:
        yield Setting(n, case=f"n = {n}")


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    out = np.zeros(SMALL)
    fill_again(out, 1)
    check_filled(out)

    def loop(times: int) -> None:
        fill_again(out, times)

    if numba.threading_layer() != OURS:
        yield Figure(setting.case, medians(loop)[0])
        return
    from benchmarks.rows._empty_region import empty_regions

    launch, region = medians(loop, empty_regions(setting.numba_threads))
    yield Figure(setting.case, launch)
    yield Figure(setting.case, region, LIMIT)
