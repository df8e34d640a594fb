"""Train a small PyTorch network on digit images that Numba augments, batch by batch.

Numba and torch run threads in one process here, in turns. The script sets torch's thread count to
half of the cores, then prints what torch, Numba and the OpenMP runtimes say of theirs, before and
after Numba's first parallel call. Run the same file under several of Numba's threading layers, and
compare:

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe python examples/digits_pipeline.py
    NUMBA_THREADING_LAYER=omp python examples/digits_pipeline.py
    NUMBA_THREADING_LAYER=workqueue python examples/digits_pipeline.py

Under Numba's own ``omp`` that call changes torch's count; under the others torch keeps it. To
compare speeds, set ``--torch-threads`` to the number of cores: then torch has as many under each.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import numba
import numpy as np
import torch
from digits import BATCH, COPIES, accuracy, distort, learn, load, make_network, network_input
from threadpoolctl import threadpool_info
from torch import nn
from tqdm import tqdm

# As where another process has the other half of the cores. It is not Numba's own count, so that it
# shows who sets torch's.
TORCH_THREADS = max(1, numba.config.NUMBA_NUM_THREADS // 2)


def train(net: nn.Module, images: np.ndarray, digits: np.ndarray, seed: int, epochs: int) -> None:
    """Alternate between Numba, which augments a batch, and torch, which takes a step on it."""
    optimiser = torch.optim.Adam(net.parameters(), lr=4e-3)
    with tqdm(total=epochs * len(images) * COPIES, unit=" images", desc="training") as progress:
        for epoch in range(epochs):
            order = np.random.default_rng((seed, epoch)).permutation(len(images))
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                inputs = network_input(distort(images, chosen, seed, epoch))
                labels = torch.from_numpy(np.repeat(digits[chosen], COPIES))
                learn(net, optimiser, inputs, labels)
                progress.update(len(inputs))


def openmp_runtimes() -> list[tuple[str, int]]:
    """Return (file below site-packages, thread count) of each, torch's own first."""
    found = []
    for library in threadpool_info():
        if library["user_api"] == "openmp":
            file = library["filepath"]
            name = file.partition("site-packages/")[2] or Path(file).name
            found.append((name, library["num_threads"]))
    return sorted(found, key=lambda runtime: (not runtime[0].startswith("torch"), runtime))


def print_thread_counts(when: str, numba_count: int | str) -> None:
    openmp = ", ".join(f"{count} ({name.split('/')[0]})" for name, count in openmp_runtimes())
    print(f"{when:<29} torch {torch.get_num_threads():<3} Numba {numba_count:<13} OpenMP {openmp}")


def whole_number(lowest: int, highest: int, text: str) -> int:
    if text.isascii() and text.isdigit() and lowest <= int(text) <= highest:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = partial(parser.add_argument, metavar="N", help="default: %(default)s")
    add("--torch-threads", type=partial(whole_number, 1, 1024), default=TORCH_THREADS)
    add("--epochs", type=partial(whole_number, 1, 1000), default=8)
    add("--seed", type=partial(whole_number, 0, 2**32 - 1), default=0)
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.torch_threads)
    images, test_images, digits, test_digits = load()

    # Not numba.get_num_threads(): to ask is to start Numba's threads.
    print_thread_counts("before the first Numba call", "not launched")
    network_input(distort(images, np.arange(BATCH), options.seed, epoch=0))
    print_thread_counts("after the first Numba call", numba.get_num_threads())
    print(f"{'threading layer':<29} {numba.threading_layer()}")
    print(f"{'OpenMP runtimes':<29} {', '.join(name for name, _ in openmp_runtimes())}")

    net = make_network()
    start = time.perf_counter()
    train(net, images, digits, options.seed, options.epochs)
    rate = options.epochs * len(images) * COPIES / (time.perf_counter() - start)

    print_thread_counts("after training", numba.get_num_threads())
    print(f"{'torch threads':<29} {options.torch_threads} set, {torch.get_num_threads()} now")
    print(f"{'test accuracy':<29} {accuracy(net, test_images, test_digits):.1%}")
    print(f"{'augmented and trained on':<29} {rate:,.0f} images per second")


if __name__ == "__main__":
    main()
