"""The layer for a Python whose start-up files were not read, and for a process that selects it."""

from numba_ompsafe import _startup
from numba_ompsafe._process import layers


def register() -> None:
    """Register the layer with the Numba of this process, importing it if need be.

    Numba's extension entry point, for installations whose start-up files are not read (a folder on
    ``PYTHONPATH``, ``python -S``). Registering twice is registering once.
    """
    from numba.np.ufunc import parallel

    _startup.register_finder(at_start=False)
    _startup.register_layer_in(parallel)


def enable() -> None:
    """Select this layer for the process, as ``NUMBA_THREADING_LAYER=ompsafe`` does.

    For code that cannot set the environment or that runs where start-up files are not read. To be
    called before the first parallel Numba function is compiled; if the layer runs already, does
    nothing.

    Raises:
        LayerAlreadyLaunchedError: another threading layer runs in this process.
        RuntimeError: this version of Numba cannot be extended.
    """
    import numba
    from numba.np.ufunc import parallel

    from numba_ompsafe._layer import hook

    if not hook.fits(parallel):
        raise RuntimeError(
            f"numba-ompsafe cannot register itself with Numba {numba.__version__}: its threading "
            "layers are loaded in another way than those of Numba 0.61 to 0.68; install one of "
            "these"
        )
    register()
    layers.refuse_other_layer("numba_ompsafe.enable()")
    numba.config.THREADING_LAYER = layers.LAYER
    layers.enabled = True
    _startup.load_early()
