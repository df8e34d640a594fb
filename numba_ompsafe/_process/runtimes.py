"""The OpenMP runtimes in the process, each as threadpoolctl controls it.

What a controller gets and sets is nthreads-var of the thread that calls it.
"""

from typing import Any

from numba_ompsafe import _core

# What code was mapped, and the runtimes among it.
_found: tuple[int, tuple[Any, ...]] = (-1, ())


def loaded() -> tuple[Any, ...]:
    """Return a ``threadpoolctl.LibController`` for each runtime that is loaded.

    To look for them takes a good part of a millisecond: done anew only when the process has loaded
    a library since.
    """
    global _found
    found = _found  # read once: other threads look, too
    code = _core.code_mapped()
    if code != found[0]:
        # Not before a launch: threadpoolctl sets a variable of Intel's when it is imported.
        from numba_ompsafe._process import libraries

        _found = found = code, tuple(libraries.runtimes())
    return found[1]
