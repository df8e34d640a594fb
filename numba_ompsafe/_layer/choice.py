"""Chooses the layer that a launch takes, as Numba does: by a name, or by a priority list."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from numba_ompsafe._process import extension, layers, switches
from numba_ompsafe._process.layers import (
    LAYER,
    MAY_BE_OMP,
    NUMBAS_LAYERS,
    is_this_layer,
    requested,
)
from numba_ompsafe.errors import OpenMPRuntimeNotFoundError


def launch_chosen(parallel: Any, numbas_own: Callable[[], None]) -> Callable[[], None] | None:
    """Launch a layer; return what is to be called once no lock is held, if that is this layer.

    Args:
        parallel: ``numba.np.ufunc.parallel``.
        numbas_own: its ``_launch_threads``.

    Raises:
        ValueError: no such layer, or none of the priority list, can be loaded; or nothing of this
            package can.
    """
    layer, priority = requested()
    # As well where it is part of what is no name: "ompsafe,omp".
    named_in_priority = any(LAYER in str(name).lower() for name in priority)
    served = layer in MAY_BE_OMP and not named_in_priority and switches.serve_as_omp()
    if layer != LAYER and not named_in_priority and not served:
        try:
            numbas_own()
        except ValueError as error:
            if "ompsafe" in layer or "omp_safe" in layer:
                error.add_note(f"The layer of numba-ompsafe is called {LAYER!r}.")
            raise
        return None
    with _initialization_locks(parallel, layer):
        if parallel._is_initialized:
            return None
        if broken := extension.missing():
            raise ValueError(f"{broken}: {extension.REMEDY}")
        # Here, since no fork happens meanwhile: a child's import would wait for this one for ever.
        from numba_ompsafe._layer import launch, warnings

        # Before the launch: once Numba is initialized, other threads do not wait for this one.
        launch.read_settings(parallel.config)
        if layer == LAYER:
            launch.launch(parallel)
        elif not named_in_priority:
            numbas_own()
        elif layer == "default":
            _launch_first_of(parallel, numbas_own)
        else:
            _launch_numbas(layer, parallel, numbas_own)
        if not is_this_layer(parallel._threading_layer):
            return None
        if parallel._threading_layer != LAYER:
            launch.after_launch(parallel)
        # Here for the same reason.
        return warnings.load().after_first_launch


@contextmanager
def _initialization_locks(parallel: Any, layer: str) -> Iterator[None]:
    """Hold the locks under which Numba launches a layer. Both are re-entrant.

    The one between processes only where a layer of Numba's may be launched, in Numba's order: this
    layer needs none, and under "forkserver" (Python 3.14's default) it is a semaphore that a child
    leaves behind if it ends by ``os._exit``.
    """
    with ExitStack() as locks:
        if layer != LAYER:
            if not parallel._backend_init_process_lock:
                parallel._set_init_process_lock()
            locks.enter_context(parallel._backend_init_process_lock)
        locks.enter_context(parallel._backend_init_thread_lock)
        yield


def _launch_first_of(parallel: Any, numbas_own: Callable[[], None]) -> None:
    """Launch the first layer of ``NUMBA_THREADING_LAYER_PRIORITY`` that loads."""
    names = list(parallel.config.THREADING_LAYER_PRIORITY)
    known = (LAYER, *NUMBAS_LAYERS)
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise ValueError(
            f"THREADING_LAYER_PRIORITY invalid: {names}. It must name each layer once, out of "
            f"{', '.join(known)}, with blanks between them: "
            f'NUMBA_THREADING_LAYER_PRIORITY="{LAYER} omp"'
        )
    from numba_ompsafe._layer import launch

    reasons = []
    for name in names:
        try:
            if name == LAYER:
                launch.launch(parallel)
            else:
                _launch_numbas(name, parallel, numbas_own)
            return
        except OpenMPRuntimeNotFoundError as error:
            reasons.append(f"{name}: {error}")
        except ValueError as error:
            reasons.append(f"{name}: {' '.join(str(error).split())}")
    raise ValueError(
        f"No threading layer of THREADING_LAYER_PRIORITY={names} could be loaded:\n"
        + "\n".join(reasons)
    )


def _launch_numbas(name: str, parallel: Any, numbas_own: Callable[[], None]) -> None:
    """Let Numba launch the layer ``name``, with a priority list that it accepts."""
    config = parallel.config
    saved = config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY
    layers.asked_at_launch = saved
    config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = name, list(NUMBAS_LAYERS)
    try:
        numbas_own()
    finally:
        config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = saved
        layers.asked_at_launch = None
