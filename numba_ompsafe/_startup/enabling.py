"""Selects the layer in code."""

from numba_ompsafe import _startup
from numba_ompsafe._process import layers


def enable() -> None:
    """Select this layer for the process, as ``NUMBA_THREADING_LAYER=ompsafe`` does.

    For code that cannot set the environment or that runs where start-up files are not read. To be
    called before the first parallel Numba function is compiled; if the layer runs already, does
    nothing. Code that sets ``numba.config.THREADING_LAYER`` afterwards chooses anew.

    Raises:
        LayerAlreadyLaunchedError: another threading layer runs in this process.
        RuntimeError: this version of Numba is not known from inside.
    """
    import numba
    from numba.np.ufunc import parallel

    from numba_ompsafe._layer import known_numba

    refusal = known_numba.refusal(parallel)
    if refusal:
        raise RuntimeError(refusal)
    _startup.register()
    layers.refuse_other_layer("numba_ompsafe.enable()")
    numba.config.THREADING_LAYER = layers.LAYER
    layers.enabled = True
    _startup.load_early()
