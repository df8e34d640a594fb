"""What a block sets in torch, besides nthreads-var (``_process/torch.py`` tells what there is)."""

import sys

from numba_ompsafe._process import torch


def settle() -> None:
    """Have torch set nthreads-var of this thread now, if it has not, and leave it alone later."""
    sys.modules["torch"].get_num_threads()


def set_mkl_count(n: int) -> int:
    """Set the count that torch's MKL has for this thread, and return the one it had.

    0, given or returned, stands for none: MKL then follows nthreads-var, up to the number of cores.
    Without effect, and 0, where torch was built without MKL.
    """
    function = torch.mkl_function()
    return function(n) if function is not None else 0
