"""Numba's mask on this thread, set and put back under every threading layer and before any runs."""

import sys
from typing import Any

from numba_ompsafe import _core, _registration


class Mask:
    """A mask that is set on this thread, and what was there before.

    Ours is set whatever layer runs: before a launch nobody knows which it is going to be. The first
    launch overwrites it, as Numba's start-up sets a mask for every layer; :func:`set_after_launch`
    is called then, on the thread that launches.
    """

    def __init__(self, n: int) -> None:
        self._of_other_layer = 0
        if _registration.other_layer() is not None:
            self._of_other_layer = _parallel().get_num_threads()
            _parallel().set_num_threads(n)
        self._own = _core.mask(), _core.limit()
        _core.set_mask(n)
        _core.set_limit(0)

    def put_back(self) -> None:
        """Set what was there before, or that there was none."""
        mask, limit = self._own
        _core.set_mask(mask)
        _core.set_limit(limit)
        if _registration.other_layer() is not None:
            # One that was launched meanwhile begins with all its threads, or with the mask of the
            # block around this one.
            _set_of_other_layer(self._of_other_layer or mask or _parallel().NUM_THREADS)


def set_after_launch(n: int) -> None:
    """Set the mask on this thread that the first launch has overwritten."""
    if _registration.other_layer() is None:
        _core.set_mask(n)
    else:
        _set_of_other_layer(n)


def _set_of_other_layer(n: int) -> None:
    # numba.config may have been raised since Numba was imported: its own layers do not follow.
    _parallel().set_num_threads(min(n, _parallel().NUM_THREADS))


def _parallel() -> Any:
    return sys.modules["numba.np.ufunc.parallel"]
