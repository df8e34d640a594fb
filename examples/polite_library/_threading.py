"""Selects the threading layer ompsafe where nobody has selected anything."""

import os

import numba

VARIABLES = ("NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY")
NUMBAS_OWN = ("default", ["tbb", "omp", "workqueue"])


def somebody_chose() -> bool:
    """Whether a variable, Numba's config file, or code that ran before says which layer."""
    config = (numba.config.THREADING_LAYER, numba.config.THREADING_LAYER_PRIORITY)
    return config != NUMBAS_OWN or any(variable in os.environ for variable in VARIABLES)


def prefer_ompsafe() -> bool:
    """Select the layer if nothing is selected; return whether that was done.

    It never raises, since the library works under every layer.
    """
    if somebody_chose():
        return False
    try:
        from numba_ompsafe import LayerAlreadyLaunchedError, enable
    except ImportError:  # it is not installed, or there is none for this system
        return False
    try:
        enable()
    except LayerAlreadyLaunchedError:  # something parallel ran before; its layer stays
        return False
    except RuntimeError:  # this Numba is newer than the package knows
        return False
    return True
