"""The environment variables of this package that switch something on (1) or off (0)."""

import os


def serve_as_omp() -> bool:
    """Whether ``NUMBA_OMPSAFE_AS_OMP`` asks for this layer as ``omp``.

    Raises:
        ValueError: the variable has a value that means nothing; so below.
    """
    return _read(
        "NUMBA_OMPSAFE_AS_OMP",
        False,
        "set it to 1 to serve numba-ompsafe to whoever asks for Numba's threading layer omp, to 0 "
        "or not at all for Numba's own",
    )


def handle_forks() -> bool:
    """Whether forks are left to this layer: unless ``NUMBA_OMPSAFE_FORK=0``."""
    return _read(
        "NUMBA_OMPSAFE_FORK",
        True,
        "set it to 0 to leave OpenMP's thread pools alone at a fork (a forked process then runs "
        "parallel Numba code on one thread), to 1 or not at all to have them end and come anew",
    )


def warn_of_conflicts() -> bool:
    """Whether the first launch warns of severe conflicts: unless ``NUMBA_OMPSAFE_WARN=0``."""
    return _read(
        "NUMBA_OMPSAFE_WARN",
        True,
        "set it to 0 to have no warning of conflicting thread settings at the first launch, to 1 "
        "or not at all to have one",
    )


def _read(variable: str, default: bool, remedy: str) -> bool:
    value = os.environ.get(variable, "")
    values = {"": default, "0": False, "1": True}
    if value not in values:
        raise ValueError(f"{variable}={value!r} is not understood: {remedy}")
    return values[value]
