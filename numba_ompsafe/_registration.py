"""Makes ``ompsafe`` a threading layer that Numba can select.

Numba has no plug-in point for layers: ``numba.np.ufunc.parallel._launch_threads`` knows three
names. Here that function gets a fourth one, and goes on serving the three itself.
"""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import ModuleType
from typing import Any

from numba_ompsafe import _switches
from numba_ompsafe._first_launch import watched
from numba_ompsafe.errors import LayerAlreadyLaunchedError, OpenMPRuntimeNotFoundError

LAYER = "ompsafe"

_enabled = False

# In the order in which Numba tries them if nobody says anything.
NUMBAS_LAYERS = ("tbb", "omp", "workqueue")
_PARALLEL = "numba.np.ufunc.parallel"
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
    "build_gufunc_kernel",
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
        if parallel._is_initialized:
            return
        with _open_block_kept():
            last = _select_and_launch(parallel, functools.partial(watched, parallel, numbas_own))
        if last is not None:
            last()

    setattr(_launch_threads, _MARK, True)
    parallel._launch_threads = _launch_threads

    from numba_ompsafe import _forks

    _forks.hold_numbas_locks_at_forks(parallel)
    _forks.load_early()


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

    from numba_ompsafe import _forks

    _forks.load_early()


def running_layer() -> str | None:
    """Return the name of the threading layer that runs; None before the first launch."""
    name: str | None = getattr(sys.modules.get(_PARALLEL), "_threading_layer", None)
    return name


def other_layer() -> str | None:
    """Return the name of the threading layer that runs; None where it is this one, or none."""
    running = running_layer()
    return None if running is None or is_this_layer(running) else running


def refuse_other_layer(caller: str) -> None:
    """Raise :class:`LayerAlreadyLaunchedError` if another layer than this one runs."""
    running = other_layer()
    if running is not None:
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
    running = running_layer()
    if running is not None:
        return is_this_layer(running)
    return is_requested()


def requested() -> tuple[str, list[str]]:
    """Return the layer that is asked for, and the priority list that says what "default" means.

    They are what Numba's settings say, or the environment where Numba is not there.
    """
    config: Any = getattr(sys.modules.get(_PARALLEL), "config", None)
    if hasattr(config, "THREADING_LAYER_PRIORITY"):
        layer, priority = config.THREADING_LAYER, list(config.THREADING_LAYER_PRIORITY)
    else:  # Numba is not there, or not yet whole
        layer = os.environ.get("NUMBA_THREADING_LAYER", "default")
        priority = os.environ.get("NUMBA_THREADING_LAYER_PRIORITY", "").split()
    return LAYER if _enabled else str(layer).lower(), priority


def is_requested() -> bool:
    """Whether the first launch is going to be this layer's, or may be.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_AS_OMP`` has a value that means nothing.
    """
    layer, priority = requested()
    if layer == LAYER or (layer == "default" and LAYER in priority):
        return True
    return layer in ("default", "omp", "threadsafe") and _switches.serve_as_omp()


def is_registered() -> bool:
    """Whether Numba knows the layer: the one that is loaded, or one that is imported later."""
    from numba_ompsafe import _startup

    parallel: Any = sys.modules.get(_PARALLEL)
    if parallel is None:
        return _startup.finder_is_registered()
    return hasattr(getattr(parallel, "_launch_threads", None), _MARK)


def _fits(parallel: ModuleType) -> bool:
    return all(hasattr(parallel, name) for name in _RELIES_ON)


def _open_block_kept() -> AbstractContextManager[None]:
    """Keep through a launch what a block of :class:`numba_ompsafe.threads` has set on this thread.

    Before the launch nobody else sets a mask.
    """
    core = sys.modules.get("numba_ompsafe._core")
    if core is None or core.mask() == 0:
        return nullcontext()
    from numba_ompsafe import _mask

    return _mask.kept()


def is_this_layer(name: str) -> bool:
    """Whether the layer that runs under ``name`` is this one, maybe served as ``omp``."""
    if name != "omp":
        return name == LAYER
    core = sys.modules.get("numba_ompsafe._core")  # it is there if it serves as omp
    omppool = sys.modules.get("numba.np.ufunc.omppool")
    return core is not None and omppool is not None and omppool.parallel_for == core.parallel_for


def _select_and_launch(parallel: Any, numbas_own: Callable[[], None]) -> Callable[[], None] | None:
    """Launch a layer; return what is to be called once no lock is held, if that is this layer."""
    layer, priority = requested()
    named_in_priority = LAYER in priority
    if layer != LAYER and not named_in_priority and not _switches.serve_as_omp():
        numbas_own()
        return None
    with _initialization_locks(parallel, layer):
        if parallel._is_initialized:
            return None
        # Here, since no fork happens meanwhile: a child's import would wait for this one for ever.
        from numba_ompsafe import _layer

        # Before the launch: once Numba is initialized, other threads do not wait for this one.
        _layer.read_settings(parallel.config)
        if layer == LAYER:
            _launch(parallel)
        elif not named_in_priority:
            numbas_own()
        elif layer == "default":
            _launch_first_of(parallel, numbas_own)
        else:
            _launch_numbas(layer, parallel, numbas_own)
        if not is_this_layer(parallel._threading_layer):
            return None
        if parallel._threading_layer != LAYER:
            _layer.after_launch(parallel)
        # Here for the same reason.
        from numba_ompsafe._warning import warn_of_severe_conflicts

        return warn_of_severe_conflicts


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
    known = (LAYER, *NUMBAS_LAYERS)
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
    config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = name, list(NUMBAS_LAYERS)
    try:
        numbas_own()
    finally:
        config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY = saved
