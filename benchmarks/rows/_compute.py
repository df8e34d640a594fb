"""A loop that computes and hardly touches memory: its time on one thread is a matter of its length.

Each iteration takes as many steps as the others, each step of which waits for the one before.
"""

from time import perf_counter

import numpy as np
from numba import njit, prange

from benchmarks.timing import seconds_of

STEPS = 64  # of an iteration. Passed to the loops, or they would be compiled for this number alone.
CALIBRATION_SECONDS = 0.2
SAMPLE_ITERATIONS = 1_000  # short beside what a scheduler lets a thread run


@njit(cache=True, nogil=True)
def _approach(goal, steps):
    x = 0.0
    for _ in range(steps):
        x = 0.75 * x + 0.25 * goal
    return x


@njit(parallel=True, cache=True, nogil=True)
def compute(goals, out, steps):
    """Come near each goal."""
    for i in prange(goals.size):
        out[i] = _approach(goals[i], steps)


@njit(cache=True, nogil=True)
def serial_compute(goals, out, steps):
    """The same on one thread."""
    for i in range(goals.size):
        out[i] = _approach(goals[i], steps)


@njit(cache=True, nogil=True)
def compute_again(goals, out, steps, times):
    """Launch so often, from compiled code."""
    for _ in range(times):
        compute(goals, out, steps)


@njit(cache=True, nogil=True)
def serial_compute_again(goals, out, steps, times):
    """The same on one thread."""
    for _ in range(times):
        serial_compute(goals, out, steps)


def arrays_of(iterations: int) -> tuple[np.ndarray, np.ndarray]:
    """Return goals, and where to write what came near them."""
    return np.linspace(1, 2, iterations), np.zeros(iterations)


def check_computed(goals: np.ndarray, out: np.ndarray) -> None:
    """Raise AssertionError unless all of it was computed."""
    np.testing.assert_allclose(out, goals * (1 - 0.75**STEPS))


def iterations_per_second() -> float:
    """Return how many iterations one thread makes in a second of a core that it has for itself.

    The shortest of many samples is one that nothing else interrupted.
    """
    goals, out = arrays_of(SAMPLE_ITERATIONS)

    def sample(_: int) -> None:
        serial_compute(goals, out, STEPS)

    sample(1)
    shortest = float("inf")
    end = perf_counter() + CALIBRATION_SECONDS
    while perf_counter() < end:
        shortest = min(shortest, seconds_of(sample, 1))
    check_computed(goals, out)
    return SAMPLE_ITERATIONS / shortest
