"""Thread counts in the layer's own words: for the whole process, and back to its rules."""

import sys
from operator import index
from typing import Any

from numba_ompsafe._process.settings import MOST_THREADS
from numba_ompsafe.errors import shown


def set_default_num_threads(n: int | None) -> None:
    """Set the number of threads for every Python thread that has no mask of its own.

    Holds for the threads that exist and for those to come, and from the next launch on: what
    ``numba.set_num_threads`` does for one thread, for all of them. A thread on which
    ``numba.set_num_threads`` was called keeps its mask.

    Args:
        n: the number of threads, from 1 to ``numba.config.NUMBA_NUM_THREADS``; None for no default,
            as at the start.

    Raises:
        TypeError: n is neither an integer nor None.
        ValueError: n is out of that range.
        LayerAlreadyLaunchedError: another threading layer runs, which would not obey.
    """
    import numba  # noqa: F401  # so that its limit is known

    from numba_ompsafe import _core
    from numba_ompsafe._process import layers

    if n is None:
        _core.set_process_default(0)
        return
    n = checked_count("set_default_num_threads", n, "an integer or None")
    layers.refuse_other_layer("set_default_num_threads")
    _core.set_process_default(n)


def get_default_num_threads() -> int | None:
    """Return what :func:`set_default_num_threads` set; None if nothing."""
    from numba_ompsafe import _core

    return _core.process_default() or None


def clear_mask() -> None:
    """Forget ``numba.set_num_threads`` on this thread: the other rules say its count again.

    Does nothing on a thread without a mask.

    Raises:
        LayerAlreadyLaunchedError: another threading layer runs. Its masks cannot be taken back;
            ``numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)`` is what Numba starts with.
    """
    from numba_ompsafe import _core
    from numba_ompsafe._process import layers

    layers.refuse_other_layer("clear_mask")
    _core.set_mask(0)


def checked_count(caller: str, n: Any, kind: str = "an integer") -> int:
    """Return n as an ``int``, if it may be a number of threads.

    Args:
        caller: the function that was given n, as errors name it.
        n: from 1 to ``numba.config.NUMBA_NUM_THREADS``; the upper end is known, and looked at, only
            where Numba is loaded.
        kind: what n has to be, as the ``TypeError`` says it.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is out of that range.
    """
    if isinstance(n, bool):  # which is an integer to Python, and no count that anybody means
        raise TypeError(f"{caller}: n must be {kind}, not {n!r}")
    try:
        n = index(n)
    except TypeError:
        raise TypeError(f"{caller}: n must be {kind}, not {shown(n)}") from None
    config: Any = sys.modules.get("numba.core.config")
    limit = getattr(config, "NUMBA_NUM_THREADS", None)
    if not isinstance(limit, int):  # Numba is not there; or that is nonsense, as a launch will say
        if 1 <= n <= MOST_THREADS:
            return int(n)
        raise ValueError(
            f"{caller}: n is {shown(n)}, and must be at least 1 and at most {MOST_THREADS}"
        )
    if 1 <= n <= min(limit, MOST_THREADS):
        return int(n)
    to_raise = "; set the environment variable NUMBA_NUM_THREADS before Python starts to raise it"
    raise ValueError(
        f"{caller}: n is {shown(n)}, and must be between 1 and numba.config.NUMBA_NUM_THREADS, "
        f"which is {limit}{to_raise if n > limit else ''}"
    )
