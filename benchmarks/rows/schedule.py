"""schedule: do_scheduling_signed, which cuts a space of iterations for each launch."""

import ctypes
from collections.abc import Iterator
from importlib import import_module
from math import prod

import numba
import numpy as np
from numba import njit

from benchmarks.figures import Figure, Options, Setting
from benchmarks.layers import OURS
from benchmarks.rows._kernels import SMALL, fill
from benchmarks.timing import medians

UNIT = "us"
SPACES = {1: (100_000,), 2: (1_000, 300), 3: (100, 60, 50)}
DIVISIONS = (1, 2, 16, 128, 256)
_MODULES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}


def settings(options: Options) -> Iterator[Setting]:
    yield Setting()


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    fill(np.zeros(SMALL))  # launches the layer
    do_scheduling = _function_of(numba.threading_layer())

    @njit
    def again(num_dim, starts, ends, divisions, rows, times):
        for _ in range(times):
            do_scheduling(num_dim, starts, ends, divisions, rows, 0)

    for num_dim, space in SPACES.items():
        starts = np.zeros(num_dim, np.int64)
        ends = np.array(space) - 1
        for divisions in DIVISIONS:
            rows = np.zeros((divisions, 2, num_dim), np.int64)
            call = num_dim, starts.ctypes.data, ends.ctypes.data, divisions, rows.ctypes.data
            again(*call, 1)
            _check(rows, space)
            [seconds] = medians(lambda times, call=call: again(*call, times), seconds=0.1)
            yield Figure(f"{num_dim}-D, {divisions}", seconds)


def _function_of(layer: str):
    if layer == OURS:
        module = import_module("numba_ompsafe._core")
    else:
        module = import_module(f"numba.np.ufunc.{_MODULES[layer]}")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_size_t] * 6)(module.do_scheduling_signed)


def _check(rows: np.ndarray, space: tuple[int, ...]) -> None:
    """Raise AssertionError unless the divisions cover the space, each point once."""
    seen = np.zeros(space, np.int8)
    for first, last in rows:
        seen[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))] += 1
    assert (seen == 1).all()
    sizes = [prod(last - first + 1) for first, last in rows]
    assert max(sizes) - min(sizes) <= 1 or len(space) > 1
