"""The libraries with a pool of threads that are in the process, through ``threadpoolctl``."""

import threading
import warnings

from threadpoolctl import LibController, ThreadpoolController

_silencing = threading.Lock()


def runtimes() -> list[LibController]:
    """Return the OpenMP runtimes."""
    return [library for library in controllers() if library.user_api == "openmp"]


def controllers() -> list[LibController]:
    """Return all that ``threadpoolctl`` knows.

    It warns of LLVM's runtime beside Intel's, whoever asks; ``numba_ompsafe.report()`` and the
    first launch say so in their own words.
    """
    # Filters are the process's: two threads that change them at once may leave them changed.
    if not _silencing.acquire(blocking=False):
        return list(ThreadpoolController().lib_controllers)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return list(ThreadpoolController().lib_controllers)
    finally:
        _silencing.release()
