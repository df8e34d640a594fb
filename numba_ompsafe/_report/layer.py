"""Numba's threading layer: the one asked for, the one that runs, and how it came to be."""

import os
import sys
from pathlib import Path

from numba_ompsafe import _first_launch, _registration, _runtime, _startup, _switches
from numba_ompsafe._report.record import FirstLaunch, Layer, Library, Runtime


def find(libraries: tuple[Library, ...]) -> Layer:
    """Return what is known of it; asks Numba where it is loaded, else the environment."""
    running = _registration.running_layer()
    is_ompsafe = running is not None and _registration.is_this_layer(running)
    requested, priority = _registration.requested()
    seen = _first_launch.nthreads_vars
    return Layer(
        requested=requested,
        priority=tuple(priority),
        running=running,
        is_ompsafe=is_ompsafe,
        registered=_registration.is_registered(),
        start_up_file=_start_up_file(),
        start_up_file_ran=_startup.ran_at_start,
        runtime=_runtime_of_the_layer(libraries) if is_ompsafe else None,
        first_launch=None if is_ompsafe or seen is None else FirstLaunch(*seen),
    )


def _start_up_file() -> str | None:
    """Return the path of the start-up file that this Python reads, if it is installed."""
    name = "numba_ompsafe.start" if sys.version_info >= (3, 15) else "numba_ompsafe.pth"
    import numba_ompsafe

    file = Path(numba_ompsafe.__path__[0]).with_name(name)
    return str(file) if file.exists() else None


def forks() -> str:
    """Return what becomes of OpenMP's pools at a fork, in words."""
    try:
        if not _registration.may_launch():
            return "left to the OpenMP runtime; GNU's does not survive a fork after it has run"
        if not _switches.handle_forks():
            return "left alone (NUMBA_OMPSAFE_FORK=0): a forked child runs Numba on one thread"
    except ValueError as error:
        return f"not known: {error}"
    return "ended before a fork, and built anew in parent and child"


def _runtime_of_the_layer(libraries: tuple[Library, ...]) -> Runtime | None:
    from numba_ompsafe import _core

    path = os.path.realpath(_core.runtime_path() or "")
    for library in libraries:
        if library.path == path:
            return Runtime(path, library.name, library.version, _runtime.why() or "")
    return None
