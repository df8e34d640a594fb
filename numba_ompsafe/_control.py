"""Thread counts for the whole process, in the layer's own words."""

from operator import index


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
    from numba import config

    from numba_ompsafe import _core, _registration

    if n is None:
        _core.set_process_default(0)
        return
    try:
        n = index(n)
    except TypeError:
        raise TypeError(
            f"set_default_num_threads: n must be an integer or None, not {n!r}"
        ) from None
    if not 1 <= n <= config.NUMBA_NUM_THREADS:
        raise ValueError(
            f"set_default_num_threads: n is {n}, and must be between 1 and "
            f"numba.config.NUMBA_NUM_THREADS, which is {config.NUMBA_NUM_THREADS}; set the "
            "environment variable NUMBA_NUM_THREADS before Python starts to raise it"
        )
    _registration.refuse_other_layer("set_default_num_threads")
    _core.set_process_default(n)


def get_default_num_threads() -> int | None:
    """Return what :func:`set_default_num_threads` set; None if nothing."""
    from numba_ompsafe import _core

    return _core.process_default() or None
