"""Which of Numba's threading layers runs in this process, and which is asked for."""

import os
import sys
from typing import Any

from numba_ompsafe._process import settings, start, switches
from numba_ompsafe.errors import LayerAlreadyLaunchedError

LAYER = "ompsafe"

# In the order in which Numba tries them if nobody says anything.
NUMBAS_LAYERS = ("tbb", "omp", "workqueue")

# The names that may lead to the layer omp.
MAY_BE_OMP = ("default", "omp", "threadsafe")

# What the function of Numba's that launches has where it knows the layer (hook.py).
MARK = "_numba_ompsafe_registered"

# What Numba's settings say, while a launch has changed them for Numba's own function (choice.py).
asked_at_launch: tuple[str, list[str]] | None = None

# Whether numba_ompsafe.enable() was called. Numba reads its settings anew, and forgets what that
# has set there, whenever a variable of its own changes.
enabled = False


def running_layer() -> str | None:
    """Return the name of the threading layer that runs; None before the first launch."""
    name: str | None = getattr(_parallel(), "_threading_layer", None)
    return name


def is_this_layer(name: str) -> bool:
    """Whether the layer that runs under ``name`` is this one, maybe served as ``omp``."""
    if name != "omp":
        return name == LAYER
    core = sys.modules.get("numba_ompsafe._core")  # it is there if it serves as omp
    omppool = sys.modules.get("numba.np.ufunc.omppool")
    return core is not None and omppool is not None and omppool.parallel_for == core.parallel_for


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
    config: Any = getattr(_parallel(), "config", None)
    if hasattr(config, "THREADING_LAYER_PRIORITY"):
        layer, priority = config.THREADING_LAYER, config.THREADING_LAYER_PRIORITY
        if asked_at_launch is not None:  # another thread launches: the fork that asks waits for it
            layer, priority = asked_at_launch
        if not isinstance(priority, list | tuple):  # as code may have set it
            priority = [priority]
    else:  # Numba is not there, or not yet whole
        layer = os.environ.get("NUMBA_THREADING_LAYER", "default")
        priority = os.environ.get("NUMBA_THREADING_LAYER_PRIORITY", "").split()
    layer = str(layer).lower()
    # Unless code has chosen since.
    if enabled and layer == (said() or "default"):
        layer = LAYER
    return layer, list(map(str, priority))


def said() -> str | None:
    """Return the layer that the environment or Numba's config file asks for, as Numba read them.

    None where they do not, or Numba is not there. Code may have set ``numba.config`` since.
    """
    config: Any = getattr(_parallel(), "config", None)
    layer = settings.read(config).get("NUMBA_THREADING_LAYER")
    return None if layer is None else str(layer).lower()


def is_requested() -> bool:
    """Whether the first launch is going to be this layer's, or may be.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_AS_OMP`` has a value that means nothing.
    """
    layer, priority = requested()
    if layer == LAYER or (layer == "default" and LAYER in priority):
        return True
    return layer in MAY_BE_OMP and switches.serve_as_omp()


def is_registered() -> bool:
    """Whether Numba knows the layer: the one that is loaded, or one that is imported later."""
    parallel = _parallel()
    if parallel is None:
        return start.finder() is not None
    return hasattr(getattr(parallel, "_launch_threads", None), MARK)


def serves_as_omp() -> bool:
    """Whether this layer is what ``omp`` means: it is asked for as that, and Numba knows it.

    Raises:
        ValueError: ``NUMBA_OMPSAFE_AS_OMP`` has a value that means nothing.
    """
    return switches.serve_as_omp() and is_registered()


def has_numba() -> bool:
    """Whether what Numba launches layers by is loaded."""
    return _parallel() is not None


def _parallel() -> Any:
    return sys.modules.get("numba.np.ufunc.parallel")
