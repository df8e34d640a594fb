"""Medians of repeated calls, and means where a median would hide what is asked for.

The time of a call is taken over a loop of a millisecond, so that reading the clock costs nothing,
and the median of many such loops drops those that something else interrupted. They are made in
several turns, between which the processes run that are measured beside this one.
"""

from collections.abc import Callable
from statistics import fmean, median
from time import perf_counter
from typing import TypeVar

from benchmarks.turns import next_turn

SECONDS = 0.4  # to spend on each median
SAMPLE_SECONDS = 0.001
SAMPLES = 5  # at least
TURNS = 8  # in so many the seconds are spent, or in more

Sample = TypeVar("Sample")


def seconds_of(loop: Callable[[int], object], times: int) -> float:
    """Return how long ``loop(times)`` takes."""
    begin = perf_counter()
    loop(times)
    return perf_counter() - begin


def medians(
    *loops: Callable[[int], object],
    seconds: float = SECONDS,
    sample_seconds: float = SAMPLE_SECONDS,
) -> list[float]:
    """Return the seconds of one pass of each loop; ``loop(times)`` makes so many passes.

    The loops are sampled one after the other, so that what the machine does meets them all.
    """
    times_of_all = [_times_of_a_sample(loop, sample_seconds) for loop in loops]

    def sample() -> list[float]:
        pairs = zip(loops, times_of_all, strict=True)
        return [seconds_of(loop, times) / times for loop, times in pairs]

    samples: list[list[float]] = []
    turns = 0
    while turns < TURNS or len(samples) < SAMPLES:
        samples += _in_one_turn(sample, seconds * len(loops) / TURNS)
        turns += 1
    return [median(of_loop) for of_loop in zip(*samples, strict=True)]


def mean(loop: Callable[[int], object], expected: float, seconds: float) -> float:
    """Return the mean seconds of one pass of a loop, over so many seconds.

    ``expected`` is what a pass takes where nothing disturbs it.
    """
    times = max(1, round(SAMPLE_SECONDS / expected))
    loop(times)

    def sample() -> float:
        return seconds_of(loop, times) / times

    return fmean(taken for _ in range(TURNS) for taken in _in_one_turn(sample, seconds / TURNS))


def median_of_calls(call: Callable[[], object]) -> float:
    """Return the seconds of one ``call()``."""
    return medians(_repeat(call))[0]


def _repeat(call: Callable[[], object]) -> Callable[[int], None]:
    def loop(times: int) -> None:
        for _ in range(times):
            call()

    return loop


def _in_one_turn(sample: Callable[[], Sample], seconds: float) -> list[Sample]:
    """Wait for the next turn, and sample for so long, at least once."""
    next_turn()
    sample()  # its threads have slept, and the caches belonged to others
    samples = []
    begin = perf_counter()
    while perf_counter() - begin < seconds or not samples:
        samples.append(sample())
    return samples


def _times_of_a_sample(loop: Callable[[int], object], sample_seconds: float) -> int:
    loop(1)
    times = 1
    while seconds_of(loop, times) < sample_seconds:
        times *= 2
    return times
