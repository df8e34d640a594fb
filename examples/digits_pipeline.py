"""Train a small PyTorch network on digit images that Numba augments, batch by batch.

Numba and torch run threads in one process here, in turns. The script sets torch's thread count,
then prints what torch, Numba and the OpenMP runtimes say of theirs, before and after Numba's first
parallel call. Run the same file under several of Numba's threading layers, and compare:

    pip install "numba-ompsafe[torch,examples]"
    NUMBA_THREADING_LAYER=ompsafe python examples/digits_pipeline.py
    NUMBA_THREADING_LAYER=omp python examples/digits_pipeline.py
    NUMBA_THREADING_LAYER=workqueue python examples/digits_pipeline.py

Under Numba's own ``omp`` that call changes torch's count; under the others torch keeps it. To
compare speeds, set ``--torch-threads`` to the number of cores: then torch has as many under each.
"""

import argparse
import math
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numba
import numpy as np
import torch
from numba import guvectorize, njit, prange
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_info
from torch import nn
from tqdm import tqdm

BATCH = 64  # images of the data set in a batch
COPIES = 4  # augmented copies of each
SHIFT = 0.4  # pixels, the standard deviation; so are the two below
TURN = 0.12  # radians
NOISE = 0.05  # of the range from black to white

# Unlike Numba's own count on every machine, so that it shows who sets torch's.
TORCH_THREADS = 3 if numba.config.NUMBA_NUM_THREADS != 3 else 2


@njit
def mixed(bits: np.uint64) -> np.uint64:
    """Scramble 64 bits (the SplitMix64 generator's step)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit
def random_normal(seed: int, epoch: int, image: int, draw: int) -> float:
    """Return a normal number that depends on the arguments only, on no thread and no order."""
    bits = np.uint64(seed)
    for word in (epoch, image, draw):
        bits = mixed(bits ^ np.uint64(word))
    total = -6.0  # the sum of twelve numbers between 0 and 1 has mean 6, deviation 1
    for _ in range(12):
        bits = mixed(bits)
        total += float(bits >> np.uint64(11)) / 2.0**53
    return total


@njit
def between_pixels(image: np.ndarray, y: float, x: float) -> float:
    """Interpolate ``image`` bilinearly at (y, x); all around it is black."""
    top, left = math.floor(y), math.floor(x)
    value = 0.0
    for row in range(top, top + 2):
        for column in range(left, left + 2):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                value += image[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return value


@njit(parallel=True)
def distort(images: np.ndarray, chosen: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Return COPIES of each chosen image, each turned, shifted and noisy in its own way."""
    height, width = images.shape[1:]
    middle, centre = (height - 1) / 2, (width - 1) / 2
    out = np.empty((len(chosen) * COPIES, height, width), np.float32)
    for i in prange(len(out)):
        image = images[chosen[i // COPIES]]
        copy = chosen[i // COPIES] * COPIES + i % COPIES
        turn = TURN * random_normal(seed, epoch, copy, 0)
        down = SHIFT * random_normal(seed, epoch, copy, 1)
        right = SHIFT * random_normal(seed, epoch, copy, 2)
        sine, cosine = math.sin(turn), math.cos(turn)
        for row in range(height):
            for column in range(width):
                y, x = row - middle - down, column - centre - right
                source_y, source_x = middle + cosine * y - sine * x, centre + sine * y + cosine * x
                noise = NOISE * random_normal(seed, epoch, copy, 3 + row * width + column)
                out[i, row, column] = between_pixels(image, source_y, source_x) + noise
    return out


@cache
def contrast_normaliser() -> Callable[[np.ndarray], np.ndarray]:
    """Return a parallel gufunc that gives each image mean 0 and standard deviation 1.

    Compiled when first asked for: Numba starts its threads where a parallel gufunc is compiled,
    and at the top of the file that would come before anything is printed.
    """

    @guvectorize(["void(float32[:, :], float32[:, :])"], "(h,w)->(h,w)", target="parallel")
    def normalise(image: np.ndarray, out: np.ndarray) -> None:
        out[:, :] = (image - image.mean()) / (image.std() + 1e-6)

    return normalise


def network_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(contrast_normaliser()(images)).unsqueeze(1)


def make_network() -> nn.Module:
    first = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())
    second = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(first, second, nn.Flatten(), nn.Linear(32 * 4 * 4, 10))


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
                loss = nn.functional.cross_entropy(net(inputs), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                progress.update(len(inputs))


@torch.no_grad()
def accuracy(net: nn.Module, images: np.ndarray, digits: np.ndarray) -> float:
    return float((net(network_input(images)).argmax(1).numpy() == digits).mean())


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
    data = load_digits()
    images, test_images, digits, test_digits = train_test_split(
        (data.images / 16).astype(np.float32), data.target, random_state=0
    )

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
