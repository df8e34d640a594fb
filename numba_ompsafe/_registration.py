"""Makes ``ompsafe`` a threading layer that Numba can select.

Numba has no plug-in point for layers: ``numba.np.ufunc.parallel._launch_threads`` knows three
names. Here that function gets a fourth one, and goes on serving the three itself.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from numba_ompsafe import _switches
from numba_ompsafe.errors import LayerAlreadyLaunchedError, OpenMPRuntimeNotFoundError

LAYER = "ompsafe"

_enabled = False

_NUMBAS_LAYERS = ("tbb", "omp", "workqueue")
_MARK = "_numba_ompsafe_registered"

# The names of numba.np.ufunc.parallel that registration relies on: the same from 0.61 to 0.68.
_RELIES_ON = (
    "_backend_init_process_lock",
    "_backend_init_thread_lock",
    "_is_initialized",
    "_launch_threads",
    "_load_threading_functions",
    "_set_init_process_lock",
    "_threading_layer",
)


def register() -> None:
    """Register the layer with the Numba of this process, importing it if need be.

    Numba's extension entry point, for installations whose start-up files are not read (a folder on
    ``PYTHONPATH``, ``python -S``). Registering twice is registering once.
    """
    from numba.np.ufunc import parallel

    from numba_ompsafe._startup import register_finder

    register_finder(at_start=False)
    register_in(parallel)


def register_in(parallel: Any) -> None:
    """Register the layer in ``numba.np.ufunc.parallel``.

    A Numba that looks different inside is left alone: it then says itself that it does not know the
    layer, and :func:`enable` says why.
    """
    if not _fits(parallel) or hasattr(parallel._launch_threads, _MARK):
        return
    numbas_own = parallel._launch_threads

    @functools.wraps(numbas_own)
    def _launch_threads() -> None:
        if not parallel._is_initialized:
            _select_and_launch(parallel, numbas_own)

    setattr(_launch_threads, _MARK, True)
    parallel._launch_threads = _launch_threads

    from numba_ompsafe import _forks

    _forks.hold_numbas_locks_at_forks(parallel)


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

    if not _fits(parallel):
        raise RuntimeError(
            f"numba-ompsafe cannot register itself with Numba {numba.__version__}: its threading "
            "layers are loaded in another way than those of Numba 0.61 to 0.68; install one of "
            "these"
        )
    register()
    refuse_other_layer("numba_ompsafe.enable()")
    numba.config.THREADING_LAYER = LAYER
    # Numba reads its settings anew, and forgets this one, whenever a variable of its own changes.
    global _enabled
    _enabled = True


def refuse_other_layer(caller: str) -> None:
    """Raise :class:`LayerAlreadyLaunchedError` if another layer than this one runs."""
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    running = getattr(parallel, "_threading_layer", None)
    if running is not None and not _is_this_layer(running):
        raise LayerAlreadyLaunchedError(
            f"{caller}: Numba's threading layer {running!r} runs in this process already, and "
            "Numba launches one per process. Call numba_ompsafe.enable() before the first parallel "
            f"function is compiled, or start Python with NUMBA_THREADING_LAYER={LAYER}"
        )


def may_launch() -> bool:
    """Whether this layer runs in the process, or none does yet and this one may be next.

    Asks whoever knows at this point: the layer that runs, Numba's settings, the environment.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_AS_OMP`` has a value that means nothing.
    """
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    running = getattr(parallel, "_threading_layer", None)
    if running is not None:
        return _is_this_layer(running)
    if _enabled:
        return True
    config: Any = getattr(parallel, "config", None)
    if hasattr(config, "THREADING_LAYER_PRIORITY"):
        requested, priority = config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY
    else:  # Numba is not there, or not yet whole
        requested = os.environ.get("NUMBA_THREADING_LAYER", "default")
        priority = os.environ.get("NUMBA_THREADING_LAYER_PRIORITY", "").split()
    requested = str(requested).lower()
    if requested == LAYER or (requested == "default" and LAYER in priority):
        return True
    return requested in ("default", "omp", "threadsafe") and _switches.serve_as_omp()


def _fits(parallel: ModuleType) -> bool:
    return all(hasattr(parallel, name) for name in _RELIES_ON)


def _is_this_layer(name: str) -> bool:
    if name != "omp":
        return name == LAYER
    from numba_ompsafe import _core

    omppool = sys.modules.get("numba.np.ufunc.omppool")
    return getattr(omppool, "parallel_for", None) == _core.parallel_for


def _select_and_launch(parallel: Any, numbas_own: Callable[[], None]) -> None:
    requested = LAYER if _enabled else str(parallel.config.THREADING_LAYER).lower()
    named_in_priority = LAYER in parallel.config.THREADING_LAYER_PRIORITY
    if requested != LAYER and not named_in_priority and not _switches.serve_as_omp():
        numbas_own()
        return
    with _initialization_locks(parallel):
        if parallel._is_initialized:
            return
        # Here, since no fork happens meanwhile: a child's import would wait for this one for ever.
        from numba_ompsafe import _layer

        # Before the launch: once Numba is initialized, other threads do not wait for this one.
        _layer.read_settings(parallel.config)
        if requested == LAYER:
            _launch(parallel)
        elif not named_in_priority:
            numbas_own()
        elif requested == "default":
            _launch_first_of(parallel, numbas_own)
        else:
            _launch_numbas(requested, parallel, numbas_own)
        if parallel._threading_layer != LAYER and _is_this_layer(parallel._threading_layer):
            _layer.after_launch(parallel)


@contextmanager
def _initialization_locks(parallel: Any) -> Iterator[None]:
    """Hold the locks under which Numba launches a layer. Both are re-entrant."""
    if not parallel._backend_init_process_lock:
        parallel._set_init_process_lock()
    with parallel._backend_init_process_lock, parallel._backend_init_thread_lock:
        yield


def _launch(parallel: Any) -> None:
    """Launch this layer, as Numba's ``_launch_threads`` does one of its own."""
    import llvmlite.binding as llvm

    from numba_ompsafe import _layer

    core = _layer.load()
    for name in _layer.FUNCTIONS:
        symbol = "numba_parallel_for" if name == "parallel_for" else name
        llvm.add_symbol(symbol, getattr(core, name))
    parallel._load_threading_functions(core)
    _layer.after_launch(parallel)
    parallel._threading_layer = LAYER
    parallel._is_initialized = True


def _launch_first_of(parallel: Any, numbas_own: Callable[[], None]) -> None:
    """Launch the first layer of ``NUMBA_THREADING_LAYER_PRIORITY`` that loads."""
    names = list(parallel.config.THREADING_LAYER_PRIORITY)
    known = (LAYER, *_NUMBAS_LAYERS)
    if len(set(names)) != len(names) or not set(names) <= set(known):
        raise ValueError(
            f"THREADING_LAYER_PRIORITY invalid: {names}. It must name each layer once, out of "
            f"{', '.join(known)}"
        )
    reasons = []
    for name in names:
        try:
            if name == LAYER:
                _launch(parallel)
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
    config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = name, list(_NUMBAS_LAYERS)
    try:
        numbas_own()
    finally:
        config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = saved
