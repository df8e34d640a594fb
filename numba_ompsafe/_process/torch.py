"""What torch keeps for each thread besides nthreads-var, and when it sets that.

torch sets nthreads-var of a thread at its first parallel operation there, to what the last
``torch.set_num_threads`` of any thread said, else to its default. From then on it uses whatever
nthreads-var says. Its matrix products run in MKL, which has a count of its own for a thread, once
``torch.set_num_threads`` has set one.
"""

import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any


def loaded() -> bool:
    """Whether torch is there, and far enough imported to be asked."""
    return hasattr(sys.modules.get("torch"), "get_num_threads")


def has_mkl() -> bool:
    """Whether torch was built with MKL."""
    return mkl_function() is not None


def mkl_count() -> int:
    """Return the count that torch's MKL has for this thread; 0 for none, and without MKL."""
    set_count = mkl_function()
    if set_count is None:
        return 0
    count = set_count(0)  # the only way to ask
    set_count(count)
    return count


def plan(runtimes: Sequence[Any]) -> tuple[list[int], list[int], int] | None:
    """Return what torch makes of a thread that is new to it.

    Returns:
        nthreads-var in each runtime as a new thread has it; the same after torch's first operation
        there; the count of MKL that torch sets with it, 0 for none. None if there is no thread to
        ask on, as when the interpreter shuts down.
    """
    answers = []

    def on_new_thread() -> None:
        initial = [runtime.num_threads for runtime in runtimes]
        sys.modules["torch"].get_num_threads()
        answers.append((initial, [runtime.num_threads for runtime in runtimes], mkl_count()))

    thread = threading.Thread(target=on_new_thread, name="numba_ompsafe asks torch")
    try:
        thread.start()
    except RuntimeError:
        return None
    thread.join()
    return answers[0] if answers else None


@functools.cache
def mkl_function() -> Callable[[int], int] | None:
    """MKL's public ``MKL_Set_Num_Threads_Local``, in torch's library or in what that depends on."""
    try:
        library = ctypes.CDLL("libtorch_cpu.so", mode=os.RTLD_NOW | os.RTLD_NOLOAD)
    except OSError:
        return None
    return getattr(library, "MKL_Set_Num_Threads_Local", None)
