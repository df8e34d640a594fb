"""What the machine's memory takes: torch's own loop in C++ over as many bytes."""

import numpy as np

from benchmarks.timing import median_of_calls


def seconds_to_add(elements: int, threads: int) -> float:
    """Return the seconds of ``z = x + y`` on float64: 24 bytes read or written per element."""
    import torch

    torch.set_num_threads(threads)
    x, y, z = (torch.from_numpy(np.ones(elements)) for _ in range(3))
    return median_of_calls(lambda: torch.add(x, y, out=z))
