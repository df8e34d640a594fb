"""compose: one computation as a flat launch, as nested launches, and launched by Python threads.

The whole is the same in each case, so many iterations for each core. It is cut into as many equal
parts as there are outer iterations or threads; into parts of 1 to 12 twelfths of the largest for
an executor of four threads. Beside torch, one thread launches the whole a few times, and another
has torch multiply matrices as often.

The limit is the same work on one thread, divided by the cores.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit, prange

from benchmarks.figures import Figure, Options, Setting
from benchmarks.rows._compute import (
    STEPS,
    arrays_of,
    check_computed,
    compute,
    compute_again,
    serial_compute,
)
from benchmarks.timing import median_of_calls, medians

UNIT = "us"
ITERATIONS_OF_A_CORE = 80_000  # milliseconds: long beside what it takes to set threads going
SAMPLE_SECONDS = 0.03
FLAT, THREADS, UNEVEN, TORCH = "flat", "threads", "4 threads, uneven", "beside torch"
TURNS_BESIDE_TORCH = 4


@njit(parallel=True, cache=True)
def compute_in_parts(goals, out, steps, bounds):
    for part in prange(bounds.size - 1):
        begin, end = bounds[part], bounds[part + 1]
        compute(goals[begin:end], out[begin:end], steps)


def settings(options: Options) -> Iterator[Setting]:
    cores = options.cores
    yield Setting(case=FLAT)
    for outer in sorted({1, 2, 3, max(1, cores // 2), cores, cores + 1}):
        yield Setting(outer_iterations=outer, case=f"{outer} outer")
    for count in sorted({2, max(2, cores // 2), max(2, cores)}):
        yield Setting(python_threads=count, case=f"{count} {THREADS}")
    yield Setting(python_threads=4, case=UNEVEN)
    yield Setting(python_threads=2, torch_threads=cores, case=TORCH)


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    goals, out = arrays_of(ITERATIONS_OF_A_CORE * options.cores)
    if setting.case == TORCH:
        seconds = _beside_torch(goals, out, options.cores)
    elif setting.case == UNEVEN:
        seconds = _uneven(goals, out, setting.python_threads)
    elif setting.outer_iterations:
        bounds = _bounds(out.size, [1] * setting.outer_iterations)
        seconds = median_of_calls(lambda: compute_in_parts(goals, out, STEPS, bounds))
    else:
        seconds = _threads(goals, out, setting.python_threads)
    check_computed(goals, out)
    yield Figure(setting.case, seconds)


def limit(setting: Setting, options: Options) -> Iterator[Figure]:
    goals, out = arrays_of(ITERATIONS_OF_A_CORE * options.cores)
    seconds = median_of_calls(lambda: serial_compute(goals, out, STEPS))
    check_computed(goals, out)
    if setting.case == TORCH:
        import torch

        torch.set_num_threads(1)
        seconds = TURNS_BESIDE_TORCH * (seconds + median_of_calls(_product(options.cores)))
    yield Figure(setting.case, seconds / options.cores)


def _threads(goals: np.ndarray, out: np.ndarray, count: int) -> float:
    parts = _parts(goals, out, [1] * count)

    def all_launch(times: int) -> None:
        list(threads.map(lambda part: compute_again(*part, STEPS, times), parts))

    with ThreadPoolExecutor(count) as threads:
        return medians(all_launch, sample_seconds=SAMPLE_SECONDS)[0]


def _uneven(goals: np.ndarray, out: np.ndarray, count: int) -> float:
    parts = _parts(goals, out, range(1, 13))
    with ThreadPoolExecutor(count) as threads:
        return median_of_calls(lambda: list(threads.map(lambda part: compute(*part, STEPS), parts)))


def _beside_torch(goals: np.ndarray, out: np.ndarray, cores: int) -> float:
    product = _product(cores)

    def products() -> None:
        for _ in range(TURNS_BESIDE_TORCH):
            product()

    def both() -> None:
        others = thread.submit(products)
        compute_again(goals, out, STEPS, TURNS_BESIDE_TORCH)
        others.result()

    with ThreadPoolExecutor(1) as thread:
        return median_of_calls(both)


def _product(cores: int) -> Callable[[], object]:
    """Return a product of matrices by torch that takes about as long as the whole."""
    import torch

    size = round(690 * cores ** (1 / 3))
    a, b, product = (torch.ones(size, size) for _ in range(3))
    return lambda: torch.mm(a, b, out=product)


def _parts(
    goals: np.ndarray, out: np.ndarray, shares: Sequence[int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(goals[a:b], out[a:b]) for a, b in pairwise(_bounds(out.size, shares))]


def _bounds(size: int, shares: Sequence[int]) -> np.ndarray:
    """Return where parts of these shares begin and end."""
    return np.cumsum([0, *shares]) * size // sum(shares)
