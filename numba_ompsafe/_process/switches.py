"""The environment variables of this package that switch something on (1) or off (0)."""

import os

from numba_ompsafe.errors import shown

_MEANINGS = {"": None, "0": False, "1": True}

# Each with what to set it to.
REMEDIES = {
    "NUMBA_OMPSAFE_AS_OMP": (
        "set it to 1 to serve numba-ompsafe to whoever asks for Numba's threading layer omp, to 0 "
        "or not at all for Numba's own"
    ),
    "NUMBA_OMPSAFE_FORK": (
        "set it to 0 to leave OpenMP's thread pools alone at a fork (a forked process then runs "
        "parallel Numba code on one thread), to 1 or not at all to have them end and come anew"
    ),
    "NUMBA_OMPSAFE_WARN": (
        "set it to 0 to have no warning of conflicting thread settings at the first launch, to 1 "
        "or not at all to have one"
    ),
}


def serve_as_omp() -> bool:
    """Whether ``NUMBA_OMPSAFE_AS_OMP`` asks for this layer as ``omp``.

    Raises:
        ValueError: the variable has a value that means nothing; so below.
    """
    return _read("NUMBA_OMPSAFE_AS_OMP", False)


def handle_forks() -> bool:
    """Whether forks are left to this layer: unless ``NUMBA_OMPSAFE_FORK=0``."""
    return _read("NUMBA_OMPSAFE_FORK", True)


def warn_of_conflicts() -> bool:
    """Whether the first launch warns of severe conflicts: unless ``NUMBA_OMPSAFE_WARN=0``."""
    return _read("NUMBA_OMPSAFE_WARN", True)


def is_understood(value: str) -> bool:
    """Whether one of the variables may have the value."""
    return value in _MEANINGS


def _read(variable: str, default: bool) -> bool:
    value = os.environ.get(variable, "")
    if not is_understood(value):
        raise ValueError(f"{variable}={shown(value)} is not understood: {REMEDIES[variable]}")
    meaning = _MEANINGS[value]
    return default if meaning is None else meaning
