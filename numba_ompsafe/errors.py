"""What this package raises, besides ``TypeError`` and ``ValueError`` for bad arguments."""


class OpenMPRuntimeNotFoundError(ValueError):
    """No OpenMP runtime can be loaded into this process.

    A ``ValueError``, as Numba's own answer to a layer that cannot be loaded is.
    """


class LayerAlreadyLaunchedError(RuntimeError):
    """Another threading layer of Numba runs in this process, and Numba launches one per process."""
