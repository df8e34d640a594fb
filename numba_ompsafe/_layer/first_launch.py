"""Watches the first launch of Numba's own layer ``omp``, which sets counts that are not its own.

With any other layer there is nothing to see, and nothing is looked at.
"""

import ctypes
import threading
from collections.abc import Callable
from typing import Any

# nthreads-var of the thread that launched, before and after.
nthreads_vars: tuple[int, int] | None = None

_noting = threading.Lock()


def watched(parallel: Any, launch: Callable[[], None]) -> None:
    """Call ``launch``, Numba's own, and note what it has done if the layer is ``omp``.

    nthreads-var is read through what the dynamic linker offers to everybody, which is what ``omp``
    calls, too. Where that is nothing yet, there is nothing that could be changed.

    Args:
        parallel: ``numba.np.ufunc.parallel``.
        launch: its ``_launch_threads``.
    """
    before = _nthreads_var() if _may_be_omp(parallel) else None
    launch()
    if before is not None and parallel._threading_layer == "omp":
        _note(before, _nthreads_var())


def _may_be_omp(parallel: Any) -> bool:
    return str(parallel.config.THREADING_LAYER).lower() in ("default", "omp", "threadsafe")


def _note(before: int, now: int | None) -> None:
    """Several threads may launch at once: the one that did is the one that saw a change."""
    global nthreads_vars
    with _noting:
        if now is not None and (nthreads_vars is None or now != before):
            nthreads_vars = before, now


def _nthreads_var() -> int | None:
    get_max_threads = getattr(ctypes.CDLL(None), "omp_get_max_threads", None)
    return None if get_max_threads is None else int(get_max_threads())
