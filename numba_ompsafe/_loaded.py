"""The libraries with a pool of threads that are in the process, through ``threadpoolctl``."""

import warnings

from threadpoolctl import LibController, ThreadpoolController


def runtimes() -> list[LibController]:
    """Return the OpenMP runtimes."""
    return [library for library in controllers() if library.user_api == "openmp"]


def controllers() -> list[LibController]:
    """Return all that ``threadpoolctl`` knows.

    It warns of LLVM's runtime beside Intel's, whoever asks; ``numba_ompsafe.report()`` and the
    first launch say so in their own words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return list(ThreadpoolController().lib_controllers)
