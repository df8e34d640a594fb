"""The count of this thread, where counts can be told apart: Numba's limit is eight or more."""

import kernels
import numba

# A small machine has fewer cores.
numba.config.NUMBA_NUM_THREADS = max(8, numba.config.NUMBA_NUM_THREADS)


def here():
    """Return this thread's count, which must be what kernels see."""
    count = numba.get_num_threads()
    assert kernels.launch() == count
    return count


def here_and_torchs():
    """Return the count as Numba and as kernels say it, and torch's."""
    import torch

    return [numba.get_num_threads(), kernels.launch(), torch.get_num_threads()]
