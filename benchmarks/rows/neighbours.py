"""neighbours: a launch beside busy processes, by what it takes alone on one thread: the mean.

A launch that meets a neighbour may wait for as long as the system lets that one run: milliseconds,
where the launch takes microseconds. A median leaves out such launches, so these are means, over
seconds. The launches follow each other without a pause.

The limit is the same loop on one thread, beside the same neighbours.
"""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._busy import busy_processes
from benchmarks.rows._compute import (
    STEPS,
    arrays_of,
    check_computed,
    compute_again,
    iterations_per_second,
    serial_compute_again,
)
from benchmarks.timing import mean

UNIT = "us"
LAUNCHES = {"20 us": 20e-6, "70 us": 70e-6, "1 ms": 1e-3, "20 ms": 20e-3}


def settings(options: Options) -> Iterator[Setting]:
    for count in sorted({max(1, options.cores // 2), options.cores}):
        yield Setting(busy_processes=count, case=f"{count} busy")


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    yield from _figures(compute_again, setting, options)


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    yield from _figures(serial_compute_again, setting, options)


def _figures(
    again: Callable[[np.ndarray, np.ndarray, int, int], None], setting: Setting, options: Options
) -> Iterator[Figure]:
    pace = iterations_per_second()
    with busy_processes(setting.busy_processes):
        for name, alone in LAUNCHES.items():
            goals, out = arrays_of(round(alone * pace))

            def loop(times: int, goals: np.ndarray = goals, out: np.ndarray = out) -> None:
                again(goals, out, STEPS, times)

            seconds = mean(loop, alone, options.seconds)
            check_computed(goals, out)
            yield Figure(f"{name}, {setting.case}", seconds)
