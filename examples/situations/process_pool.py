"""Work with Numba and torch in forked worker processes, once both have run in the parent."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
from parallel import doubled


def work(task: int) -> float:
    return float(torch.from_numpy(doubled(np.full(1_000_000, task / 2))).mean())


work(1)
with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
    right = sum(mean == task for task, mean in enumerate(pool.map(work, range(8))))
print(f"{right} of 8 tasks")
