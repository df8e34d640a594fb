"""torch and Numba, each with a number of threads that was set for it, work in turns."""

import time

import numba
import numpy as np
import torch
from parallel import doubled


def median_of_pairs() -> float:
    seconds = []
    for _ in range(500):
        start = time.perf_counter()
        tensor.add(1)
        doubled(array)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[250]


array = np.ones(100_000, dtype=np.float32)
tensor = torch.from_numpy(array)
doubled(array)
torch.set_num_threads(4)
numba.set_num_threads(2)
print(f"{median_of_pairs() * 1e6:.0f} us a pair")
