"""The layer as threadpoolctl shows and limits it.

``threadpool_limits(n)`` sets nthreads-var, which Numba follows where no other rule applies. With
the controller here it also holds where one does: as a cap on this thread's count, not as a mask, so
that a lower nthreads-var or a later ``torch.set_num_threads`` is still followed, in forked workers,
too. ``numba.set_num_threads`` lifts the cap: what was said last holds.

threadpoolctl goes back by setting the number that it was told before, whether or not it has set a
limit here meanwhile. That number remembers the mask and the cap that it came from, and that there
was none: so these come back. To limit Numba to a number that ``threadpool_info()`` told on the same
thread, therefore, make it an ``int`` of its own, ``int(n)``. On another thread it is a number like
any other.
"""

import functools
import threading
from typing import Any

import threadpoolctl

import numba_ompsafe
from numba_ompsafe import _core
from numba_ompsafe._process.settings import MOST_THREADS


class _Count(int):
    """A count that was told to threadpoolctl, with the mask and the limit behind it; 0: none."""

    mask: int
    limit: int
    thread: int


class NumbaController(threadpoolctl.LibController):  # type: ignore[misc]
    """Mirrors ``threadpoolctl.LibController`` for the extension."""

    user_api = "numba"
    internal_api = "numba_ompsafe"
    # Of the extension's file, with the GIL and without. Others have extensions of that name, too,
    # without the symbol.
    filename_prefixes = ("_core.abi3", "_core.cpython-3")
    check_symbols = ("numba_ompsafe_get_num_threads",)

    def get_num_threads(self) -> int | None:
        """Return the count on this thread."""
        function: Any = getattr(self.dynlib, self.check_symbols[0], None)
        if function is None:
            return None
        count = _Count(function())
        count.mask, count.limit = _core.mask(), _core.limit()
        count.thread = threading.get_ident()
        return count

    def set_num_threads(self, num_threads: int) -> None:
        """Limit launches on this thread, or go back to what held when a count was told."""
        if isinstance(num_threads, _Count) and num_threads.thread == threading.get_ident():
            _core.set_mask(num_threads.mask)
            _core.set_limit(num_threads.limit)
        else:
            _core.set_limit(max(0, min(num_threads, MOST_THREADS)))

    def get_version(self) -> str:
        """Return this package's version."""
        return numba_ompsafe.__version__

    def set_additional_attributes(self) -> None:
        """Add the OpenMP runtime that launches run on."""
        self.runtime = _core.runtime_path()


@functools.cache
def register() -> None:
    """Make the layer known to threadpoolctl, once."""
    threadpoolctl.register(NumbaController)
