"""Numba's mask on this thread, set and put back under every threading layer and before any runs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from numba_ompsafe import _core
from numba_ompsafe._process import layers, runtimes


class Mask:
    """What masks this thread has, to be put back, and a mask that is set meanwhile.

    Ours is set whatever layer runs: before a launch nobody knows which it is going to be. The first
    launch overwrites it, as Numba's start-up sets a mask for every layer; see :func:`kept`.
    """

    def __init__(self) -> None:
        self._of_other_layer = 0
        if layers.other_layer() is not None:
            self._of_other_layer = _parallel().get_num_threads()
        self._own = _core.mask(), _core.limit()

    def set(self, n: int) -> None:
        """Set the mask to n."""
        if layers.other_layer() is not None:
            _set_of_other_layer(n)
        _core.set_mask(n)
        _core.set_limit(0)

    def put_back(self) -> None:
        """Set what was there before, or that there was none."""
        mask, limit = self._own
        _core.set_mask(mask)
        _core.set_limit(limit)
        if layers.other_layer() is not None:
            # One that was launched meanwhile begins with all its threads, or with the mask of the
            # block around this one.
            _set_of_other_layer(self._of_other_layer or mask or _parallel().NUM_THREADS)


@contextmanager
def kept() -> Iterator[None]:
    """Keep this thread's mask, and nthreads-var, through a launch.

    Numba's start-up sets a mask under every layer, and nthreads-var under ``omp``.
    """
    mask = _core.mask()
    counts = [(runtime, runtime.num_threads) for runtime in runtimes.loaded()]
    yield
    for runtime, count in counts:
        runtime.set_num_threads(count)
    if layers.other_layer() is None:
        _core.set_mask(mask)
    else:
        _set_of_other_layer(mask)


def _set_of_other_layer(n: int) -> None:
    # numba.config may have been raised since Numba was imported: its own layers do not follow.
    _parallel().set_num_threads(min(n, _parallel().NUM_THREADS))


def _parallel() -> Any:
    return sys.modules["numba.np.ufunc.parallel"]
