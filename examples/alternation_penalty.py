"""Draw what it costs under Numba's layers that Numba and torch take turns.

    pip install "numba-ompsafe[torch,examples]"
    python examples/alternation_penalty.py

One torch operation and one parallel Numba call are timed in turns, and each of them apart, with
more and more threads for torch. Under ``omp`` each ends the threads of the other's pool where their
numbers differ; under ``ompsafe`` they wait. The picture is ``alternation_penalty.png``, or what
``--output`` says; a name that ends in ``.svg`` makes it an SVG.

Each layer runs in a process of its own, since Numba launches one per process. They are measured in
turns, so that what else the machine does meets all of them, and medians are drawn. Where it has
much else to do, they tell of that: a call waits for cores, not for threads.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numba
import numpy as np
import torch

CORES = numba.config.NUMBA_NUM_THREADS
TORCH_THREADS = sorted({1, 2, CORES, 2 * CORES})
COLORS = {"ompsafe": "#1a6faf", "omp": "#e08a2b", "tbb": "#7a9e3f", "workqueue": "#b05a7a"}

numbers = np.ones(100_000, dtype=np.float32)
tensor = torch.from_numpy(numbers)


@numba.njit(parallel=True, cache=True)
def doubled(numbers: np.ndarray) -> np.ndarray:
    result = np.empty_like(numbers)
    for i in numba.prange(numbers.size):
        result[i] = 2 * numbers[i]
    return result


def call_numba() -> None:
    doubled(numbers)


def call_torch() -> None:
    tensor.add(1)


def call_both() -> None:
    call_torch()
    call_numba()


def launch(layer: str) -> None:
    """Begin a process that measures a layer: what torch is told after that holds under each."""
    numba.config.THREADING_LAYER = layer
    call_numba()
    numba.set_num_threads(CORES)


def microseconds(call: Callable[[], None], torch_threads: int, seconds: float) -> float:
    """Return the median time of a call, of all that end within the seconds."""
    torch.set_num_threads(torch_threads)
    call()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times) * 1e6


def measure(layers: list[str], rounds: int, seconds: float) -> dict[tuple[str, int], list[float]]:
    """Return the median microseconds of a pair of calls, in turns and apart."""
    found = {}
    with ExitStack() as stack:
        processes = {}
        for layer in layers:
            spawn = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, spawn, initializer=launch, initargs=(layer,))
            processes[layer] = stack.enter_context(pool)
        for _ in range(rounds):
            for count in TORCH_THREADS:
                for layer, process in processes.items():
                    both, of_numba, of_torch = (
                        process.submit(microseconds, call, count, seconds).result()
                        for call in (call_both, call_numba, call_torch)
                    )
                    found.setdefault((layer, count), []).append((both, of_numba + of_torch))
    return {
        case: [median(one) for one in zip(*pairs, strict=True)] for case, pairs in found.items()
    }


def draw(found: dict[tuple[str, int], list[float]], layers: list[str], output: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    places = range(len(TORCH_THREADS))
    for layer in layers:
        in_turns, apart = zip(*(found[layer, count] for count in TORCH_THREADS), strict=True)
        color = COLORS.get(layer)
        axes.plot(places, in_turns, "o-", color=color, label=f"{layer}, in turns")
        axes.plot(places, apart, "o:", color=color, label=f"{layer}, each apart")
    axes.set_yscale("log")
    axes.set_xticks(places, TORCH_THREADS)
    axes.set_xlabel(f"torch's threads (Numba's: {CORES})")
    axes.set_ylabel("µs for a torch and a Numba call")
    axes.set_title("What taking turns costs")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    figure.savefig(output, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--layers", nargs="+", choices=COLORS, default=["omp", "ompsafe"])
    parser.add_argument("--rounds", type=int, choices=range(1, 1001), default=9, metavar="N")
    parser.add_argument("--seconds", type=float, default=0.05, help="for each call and round")
    parser.add_argument("--output", type=Path, default="alternation_penalty.png")
    options = parser.parse_args()

    found = measure(options.layers, options.rounds, options.seconds)
    print("torch's threads" + "".join(f"{count:>10}" for count in TORCH_THREADS))
    for layer in options.layers:
        for which, what in enumerate(("in turns", "apart")):
            row = "".join(f"{found[layer, count][which]:>10,.0f}" for count in TORCH_THREADS)
            print(f"{layer:<10}{what:<9}{row} us")  # 19 columns
    draw(found, options.layers, options.output)
    print(f"drawn in {options.output}")


if __name__ == "__main__":
    main()
