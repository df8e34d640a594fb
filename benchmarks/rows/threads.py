"""threads: Python threads that launch at once; the time in which each of them launches once.

Long-lived threads launch again and again; short-lived ones are started, launch once and end.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._kernels import SMALL, check_filled, fill, fill_again
from benchmarks.timing import median_of_calls, medians

UNIT = "us"
SAMPLE_SECONDS = 0.03  # long beside what it takes to set the threads going


def settings(options: Options) -> Iterator[Setting]:
    for count in sorted({1, 2, 4, 8, options.cores, 2 * options.cores}):
        yield Setting(python_threads=count, case=f"{count}")


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    outs = [np.zeros(SMALL) for _ in range(setting.python_threads)]
    fill_again(outs[0], 1)
    with ThreadPoolExecutor(setting.python_threads) as threads:

        def all_launch(times: int) -> None:
            list(threads.map(fill_again, outs, [times] * len(outs)))

        [seconds] = medians(all_launch, sample_seconds=SAMPLE_SECONDS)
        yield Figure(f"{setting.case} long-lived", seconds)
    _check(outs)

    def start_launch_and_end() -> None:
        threads = [Thread(target=fill, args=(out,)) for out in outs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    yield Figure(f"{setting.case} short-lived", median_of_calls(start_launch_and_end))
    _check(outs)


def _check(outs: list[np.ndarray]) -> None:
    for out in outs:
        check_filled(out)
        out[:] = 0
