"""Run a function that ``torch.compile`` has compiled and a ``prange`` in turns, in one loop.

    pip install "numba-ompsafe[torch]"
    NUMBA_THREADING_LAYER=ompsafe python examples/torch_compile.py

Needs a C++ compiler, as ``torch.compile`` does on a CPU. What that makes is a library of its own,
with OpenMP's loops for as many threads as torch has then, if that is more than one. They run in the
pool that torch has, and so does Numba: the counts stay torch's, and the report names one OpenMP
runtime for all three.
"""

import argparse
import time
from pathlib import Path

import numba
import numpy as np
import torch

import numba_ompsafe

SIZE = 200_000


@torch.compile
def smooth(signal: torch.Tensor) -> torch.Tensor:
    """Return the mean of each number and its neighbours, squashed."""
    return torch.tanh((signal.roll(1) + signal + signal.roll(-1)) / 3)


@numba.njit(parallel=True, cache=True)
def clip(signal: np.ndarray, limit: float) -> None:
    """Keep each number within the limit, in place."""
    for i in numba.prange(signal.size):
        signal[i] = min(max(signal[i], -limit), limit)


def counts() -> str:
    return f"torch {torch.get_num_threads()}   Numba {numba.get_num_threads()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, choices=range(1, 100_001), default=200, metavar="N")
    parser.add_argument("--torch-threads", type=int, choices=range(1, 65), metavar="N")
    options = parser.parse_args()
    if options.torch_threads:
        torch.set_num_threads(options.torch_threads)

    signal = torch.from_numpy(np.random.default_rng(0).normal(size=SIZE))
    smooth(signal)  # compiles, for some seconds
    clip(signal.numpy(), 0.5)
    before = counts()
    start = time.perf_counter()
    for _ in range(options.steps):
        signal = smooth(signal)
        clip(signal.numpy(), 0.5)  # on torch's memory
    seconds = time.perf_counter() - start

    print(f"before the loop    {before}")
    print(f"after it           {counts()}")
    print(f"threading layer    {numba.threading_layer()}")
    for library in numba_ompsafe.report().libraries:
        if library.api == "openmp" and library.in_use is not False:
            users = ", ".join(Path(user).name for user in library.used_by)
            print(f"OpenMP runtime     {library.path}\n   used by         {users}")
    print(f"a step             {seconds / options.steps * 1e6:.0f} us")


if __name__ == "__main__":
    main()
