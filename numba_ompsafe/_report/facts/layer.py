"""Numba's threading layer: the one asked for, the one that runs, and how it came to be."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from numba_ompsafe._layer import first_launch, runtime
from numba_ompsafe._process import extension, layers, start, switches
from numba_ompsafe._process.layers import LAYER, NUMBAS_LAYERS
from numba_ompsafe._report.record import FirstLaunch, Layer, Library, Runtime, Shortage

# What Numba's words for a purpose mean on Linux.
_PURPOSES = {"threadsafe": ("tbb", "omp"), "forksafe": ("tbb", "workqueue"), "safe": ("tbb",)}

LAYERS = (LAYER, *NUMBAS_LAYERS)
WORDS = ("default", *_PURPOSES)


def find(libraries: tuple[Library, ...]) -> Layer:
    """Return what is known of it; asks Numba where it is loaded, else the environment."""
    running = layers.running_layer()
    is_ompsafe = running is not None and layers.is_this_layer(running)
    requested, priority = layers.requested()
    expected = _expected(running, is_ompsafe, requested, priority)
    seen = first_launch.nthreads_vars
    return Layer(
        requested=requested,
        priority=tuple(priority),
        running=running,
        expected=expected,
        is_ompsafe=is_ompsafe,
        registered=layers.is_registered(),
        start_up_file=_start_up_file(),
        start_up_file_ran=start.start_up_file_ran(),
        runtime=_runtime_of_the_layer(libraries) if is_ompsafe else None,
        first_launch=None if is_ompsafe or seen is None else FirstLaunch(*seen),
        shortage=_shortage() if is_ompsafe else None,
        said=layers.said(),
        broken=_broken(expected),
        cores=_cores() if is_ompsafe else None,
    )


def start_up_file_of(python: tuple[int, int]) -> str:
    """Return the name of the start-up file that this version of Python reads (PEP 829)."""
    return "numba_ompsafe.start" if python >= (3, 15) else "numba_ompsafe.pth"


def first_launched(requested: str, priority: Sequence[str], served_as_omp: bool) -> str | None:
    """Return the layer that the first launch takes; None where it is going to be an error.

    Whether TBB can be loaded is known once it was tried. Few have it where Numba finds it, so it is
    expected only where nothing else is asked for.

    Args:
        requested: a layer or one of Numba's words, in lower case.
        priority: what "default" means; empty for Numba's own list.
        served_as_omp: whether this layer is what ``omp`` means.
    """
    purposes = {"default": tuple(priority) or NUMBAS_LAYERS, **_PURPOSES}
    names = purposes.get(requested, (requested,))
    if not set(names) <= set(LAYERS):
        return None
    first = next((name for name in names if name != "tbb"), "tbb")
    return LAYER if first == "omp" and served_as_omp else first


def _expected(
    running: str | None, is_ompsafe: bool, requested: str, priority: Sequence[str]
) -> str | None:
    if running is not None:
        return LAYER if is_ompsafe else running
    try:
        return first_launched(requested, priority, layers.serves_as_omp())
    except ValueError:  # nonsense in the variable, as a launch of omp will say
        first = first_launched(requested, priority, served_as_omp=False)
        return None if first == "omp" else first


def _broken(expected: str | None) -> str | None:
    # Where Numba is loaded, the extension is, too, unless it does not load.
    return extension.missing() if expected == LAYER and layers.has_numba() else None


def _start_up_file() -> str | None:
    """Return the path of the start-up file that this Python reads, if it is installed."""
    import numba_ompsafe

    file = Path(numba_ompsafe.__path__[0]).with_name(start_up_file_of(sys.version_info[:2]))
    return str(file) if os.path.exists(file) else None  # False, too, where it may not be looked at


def forks() -> str:
    """Return what becomes of OpenMP's pools at a fork, in words."""
    try:
        if not layers.may_launch():
            return "left to the OpenMP runtime; GNU's does not survive a fork after it has run"
        if not switches.handle_forks():
            return "left alone (NUMBA_OMPSAFE_FORK=0): a forked child runs Numba on one thread"
    except ValueError as error:
        return f"not known: {error}"
    return "ended before a fork, and built anew in parent and child"


def _runtime_of_the_layer(libraries: tuple[Library, ...]) -> Runtime | None:
    from numba_ompsafe import _core

    path = os.path.realpath(_core.runtime_path() or "")
    for library in libraries:
        if library.path == path:
            return Runtime(path, library.name, library.version, runtime.why() or "")
    return None


def _cores() -> tuple[int, ...] | None:
    from numba_ompsafe import _core

    cores = _core.cores()
    return None if cores is None else tuple(cores)


def _shortage() -> Shortage | None:
    from numba_ompsafe import _core

    shortage = _core.last_shortage()
    return Shortage(*shortage) if shortage else None
