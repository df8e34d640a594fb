"""Medians of repeated calls, and means where a median would hide what is asked for.

The time of a call is taken over a loop of a millisecond, so that reading the clock costs nothing,
and the median of many such loops drops those that something else interrupted.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

SECONDS = 0.4  # to spend on each median
SAMPLE_SECONDS = 0.001
SAMPLES = 5  # at least


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
    """Return the seconds of one turn of each loop; ``loop(times)`` makes so many turns.

    The loops are sampled in turns, so that whatever the machine does meanwhile meets them all.
    """
    turns = [_turns_of_a_sample(loop, sample_seconds) for loop in loops]
    samples: list[list[float]] = [[] for _ in loops]
    end = perf_counter() + seconds * len(loops)
    while perf_counter() < end or len(samples[-1]) < SAMPLES:
        for loop, times, taken in zip(loops, turns, samples, strict=True):
            taken.append(seconds_of(loop, times) / times)
    return [median(taken) for taken in samples]


def mean(loop: Callable[[int], object], expected: float, seconds: float) -> float:
    """Return the mean seconds of one turn of a loop, over so many seconds.

    ``expected`` is what a turn takes where nothing disturbs it.
    """
    times = max(1, round(SAMPLE_SECONDS / expected))
    loop(times)
    turns = 0
    begin = perf_counter()
    while (taken := perf_counter() - begin) < seconds or not turns:
        loop(times)
        turns += times
    return taken / turns


def median_of_calls(call: Callable[[], object]) -> float:
    """Return the seconds of one ``call()``."""
    return medians(_repeat(call))[0]


def _repeat(call: Callable[[], object]) -> Callable[[int], None]:
    def loop(times: int) -> None:
        for _ in range(times):
            call()

    return loop


def _turns_of_a_sample(loop: Callable[[int], object], sample_seconds: float) -> int:
    loop(1)
    times = 1
    while seconds_of(loop, times) < sample_seconds:
        times *= 2
    return times
