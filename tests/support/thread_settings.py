"""All thread settings of the thread that asks, read without changing any."""

import ctypes
import os
import sys

import openmp
from python_threads import on_new_thread


def mkl_count():
    """Return how many threads torch's MKL would use; None where torch is not loaded or has none."""
    if "torch" not in sys.modules:
        return None
    library = ctypes.CDLL("libtorch_cpu.so", mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    function = getattr(library, "MKL_Get_Max_Threads", None)
    return function() if function else None


def here():
    """Return the mask, threadpoolctl's limit, MKL's count, and the ICVs in every runtime.

    torch's count is nthreads-var of its runtime, once torch has set that. To ask torch would have
    it do so.
    """
    from numba_ompsafe import _core

    return {
        "mask": _core.mask(),
        "limit": _core.limit(),
        "MKL": mkl_count(),
        "ICVs": {path: openmp.Runtime(path).icvs() for path in openmp.runtimes()},
    }


def counts():
    """Return nthreads-var in every runtime."""
    return [openmp.Runtime(path).get_max_threads() for path in openmp.runtimes()]


def new_thread():
    """Return the settings of a new thread, before and after torch is asked there."""

    def before_and_after():
        before = here()
        torch = sys.modules.get("torch")
        return before, torch and torch.get_num_threads(), here()

    return on_new_thread(before_and_after)
