"""What the examples share: scikit-learn's digit images, a network, and Numba code between them."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numba import guvectorize, njit, prange
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

BATCH = 64  # images of the data set in a batch
COPIES = 4  # augmented copies of each
SHIFT = 0.4  # pixels, the standard deviation; so are the two below
TURN = 0.12  # radians
NOISE = 0.05  # of the range from black to white


def load() -> list[np.ndarray]:
    """Return images to train and to test with, then their digits; pixels go from 0 to 1."""
    data = load_digits()
    images = (data.images / 16).astype(np.float32)
    return train_test_split(images, data.target, random_state=0)


@njit(cache=True)
def mixed(bits: np.uint64) -> np.uint64:
    """Scramble 64 bits (the SplitMix64 generator's step)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@njit(cache=True)
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


@njit(cache=True)
def between_pixels(image: np.ndarray, y: float, x: float) -> float:
    """Interpolate ``image`` bilinearly at (y, x); all around it is black."""
    top, left = math.floor(y), math.floor(x)
    value = 0.0
    for row in range(top, top + 2):
        for column in range(left, left + 2):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                value += image[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return value


@njit(parallel=True, cache=True, nogil=True)  # threads of thread_loader.py launch at once
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


@njit(cache=True)
def normalise(image: np.ndarray, out: np.ndarray) -> None:
    out[:, :] = (image - image.mean()) / (image.std() + 1e-6)


@cache
def contrast_normaliser() -> Callable[[np.ndarray], np.ndarray]:
    """Return a parallel gufunc that gives each image mean 0 and standard deviation 1.

    Compiled when first asked for: Numba starts its threads where a parallel gufunc is compiled,
    and at the top of the file that would come before anything is printed. Only what it calls is
    cached: processes that cache one gufunc at the same time may spoil it (docs/troubleshooting.md).
    """

    @guvectorize(["void(float32[:, :], float32[:, :])"], "(h,w)->(h,w)", target="parallel")
    def normalise_each(image: np.ndarray, out: np.ndarray) -> None:
        normalise(image, out)

    return normalise_each


def as_rows(images: np.ndarray) -> np.ndarray:
    """Return a classifier's input, an image to a row."""
    return contrast_normaliser()(images).reshape(len(images), -1)


def network_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(contrast_normaliser()(images)).unsqueeze(1)


def make_network() -> nn.Module:
    first = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())
    second = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(first, second, nn.Flatten(), nn.Linear(32 * 4 * 4, 10))


def learn(
    net: nn.Module, optimiser: torch.optim.Optimizer, inputs: torch.Tensor, labels: torch.Tensor
) -> None:
    """Train on a batch."""
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def accuracy(net: nn.Module, images: np.ndarray, digits: np.ndarray) -> float:
    return float((net(network_input(images)).argmax(1).numpy() == digits).mean())
