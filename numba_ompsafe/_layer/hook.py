"""Makes ``ompsafe`` a threading layer that Numba can select.

Numba has no plug-in point for layers: ``numba.np.ufunc.parallel._launch_threads`` knows three
names. Here that function gets a fourth one, and goes on serving the three itself.
"""

import functools
import os
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from numba_ompsafe._layer import choice, first_launch, forks
from numba_ompsafe._process import layers

# Threads may call numba_ompsafe.enable() at once. A hook at forks that is there twice would take
# Numba's locks twice, and let them go once.
_registering = threading.Lock()


def _after_fork_in_child() -> None:
    global _registering
    _registering = threading.Lock()  # another thread may have been registering as it was forked


os.register_at_fork(after_in_child=_after_fork_in_child)


def register_in(parallel: Any) -> bool:
    """Register the layer in ``numba.np.ufunc.parallel``; return whether that was done now.

    Not to be called with one that :mod:`known_numba` refuses.
    """
    with _registering:
        if hasattr(parallel._launch_threads, layers.MARK):
            return False
        _wrap_launch_threads(parallel)
        forks.hold_numbas_locks_at_forks(parallel)
        return True


def _wrap_launch_threads(parallel: Any) -> None:
    numbas_own = parallel._launch_threads

    @functools.wraps(numbas_own)
    def _launch_threads() -> None:
        if parallel._is_initialized:
            return
        with _open_block_kept():
            last = choice.launch_chosen(
                parallel, functools.partial(first_launch.watched, parallel, numbas_own)
            )
        if last is not None:
            last()

    setattr(_launch_threads, layers.MARK, True)
    parallel._launch_threads = _launch_threads


def _open_block_kept() -> AbstractContextManager[None]:
    """Keep through a launch what a block of :class:`numba_ompsafe.threads` has set on this thread.

    Before the launch nobody else sets a mask.
    """
    core = sys.modules.get("numba_ompsafe._core")
    if core is None or core.mask() == 0:
        return nullcontext()
    from numba_ompsafe._layer import mask

    return mask.kept()
