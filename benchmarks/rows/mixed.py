"""mixed: a torch operation and a Numba launch in turns, by (torch threads, NUMBA_NUM_THREADS).

The limit is the sum of the two alone, timed in the same process.
"""

from collections.abc import Iterator

import numba
import numpy as np
from numba import njit, prange

from benchmarks.figures import LIMIT, Figure, Options, Setting
from benchmarks.layers import OURS
from benchmarks.timing import medians

UNIT = "us"
SIZE = 200_000  # float32: enough for torch to use its threads


@njit(parallel=True, cache=True)
def doubled(x, out):
    for i in prange(x.size):
        out[i] = 2 * x[i]


def settings(options: Options) -> Iterator[Setting]:
    counts = sorted({1, 2, 4, options.cores})
    for t in counts:
        for n in sorted({*counts, 2 * options.cores}):
            yield Setting(n, torch_threads=t, case=f"({t}, {n})")


def figures(setting: Setting, options: Options) -> Iterator[Figure]:
    import torch

    x = np.linspace(0, 1, SIZE, dtype=np.float32)
    out = np.zeros_like(x)
    tensor, result = torch.from_numpy(x), torch.zeros(SIZE)
    doubled(x, out)
    np.testing.assert_array_equal(out, 2 * x)
    # After Numba's first launch, which under omp takes torch's count away.
    torch.set_num_threads(setting.torch_threads)

    def torch_alone(times: int) -> None:
        for _ in range(times):
            torch.add(tensor, tensor, out=result)

    def numba_alone(times: int) -> None:
        for _ in range(times):
            doubled(x, out)

    def in_turns(times: int) -> None:
        for _ in range(times):
            torch.add(tensor, tensor, out=result)
            doubled(x, out)

    torch_seconds, numba_seconds, pair_seconds = medians(torch_alone, numba_alone, in_turns)
    np.testing.assert_array_equal(result.numpy(), out)
    if torch.get_num_threads() != setting.torch_threads:
        raise RuntimeError(f"torch was left with {torch.get_num_threads()} threads")
    yield Figure(setting.case, pair_seconds)
    if numba.threading_layer() == OURS:
        yield Figure(setting.case, torch_seconds + numba_seconds, LIMIT)
