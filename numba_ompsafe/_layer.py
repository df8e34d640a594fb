"""The layer as Numba sees it: loaded onto an OpenMP runtime, and told what Numba's settings say."""

import functools
import os
from collections.abc import Callable
from ctypes import CFUNCTYPE, c_int
from types import ModuleType
from typing import Any

from numba_ompsafe import _forks, _runtime, _warning

# What numba.np.ufunc.parallel takes from a layer, by name. Each is an address.
FUNCTIONS = (
    "parallel_for",
    "do_scheduling_signed",
    "do_scheduling_unsigned",
    "allocate_sched",
    "deallocate_sched",
    "get_num_threads",
    "set_num_threads",
    "get_thread_id",
    "set_parallel_chunksize",
    "get_parallel_chunksize",
    "get_sched_size",
)


def load() -> ModuleType:
    """Return the extension, bound to an OpenMP runtime.

    Raises:
        OpenMPRuntimeNotFoundError: there is none.
        ValueError: ``NUMBA_OMPSAFE_FORK`` has a value that means nothing.
    """
    from numba_ompsafe import _core

    # First: a runtime that is loaded only now cannot have lost a pool.
    _forks.handle()
    if _core.runtime_path() is None:
        _runtime.bind()
    _core.call_at_shortage(_warning.warn_of_missing_threads)
    return _core


def read_settings(config: Any) -> None:
    """Tell the layer what Numba's settings say of thread counts; ``config`` is ``numba.config``."""
    from numba_ompsafe import _core

    _core.set_thread_limit(config.NUMBA_NUM_THREADS)
    _core.set_environment_count(environment_count(config))


def after_launch(parallel: Any) -> None:
    """Put right what Numba's start-up does for every layer alike, and tell threadpoolctl.

    It sets a mask on this thread, which is nobody's wish. And it takes one function for Python's
    ``numba.get_num_threads`` and for generated code: the first must answer what holds now, the
    second what holds for the launch in preparation. From now on this process builds its kernels
    for this layer alone.
    """
    from numba_ompsafe import _core, _threadpoolctl

    _threadpoolctl.register()
    parallel._get_num_threads = CFUNCTYPE(c_int)(_core.current_num_threads)
    parallel.build_gufunc_kernel = _for_this_layer(parallel.build_gufunc_kernel)
    _core.set_mask(0)


def _for_this_layer(build_gufunc_kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Have launches leave a GIL alone that their thread does not hold, and ufuncs say what is so.

    Numba says that a ufunc has a core dimension for each argument, but NumPy hands a ufunc its
    length and nothing more: a layer would read what happens to lie behind it. What returns a value
    is a ufunc.
    """

    @functools.wraps(build_gufunc_kernel)
    def build(library: Any, ctx: Any, info: Any, sig: Any, inner_ndim: int) -> Any:
        from numba import types

        from numba_ompsafe._launch_code import context_of_launches

        if sig.return_type != types.none:
            inner_ndim = 0
        return build_gufunc_kernel(library, context_of_launches(ctx), info, sig, inner_ndim)

    return build


def environment_count(config: Any) -> int:
    """``NUMBA_NUM_THREADS`` if the environment or Numba's config file sets it, else 0.

    Numba keeps what it read from both in its reloader; the environment alone is asked where a
    Numba has none. A value that Numba could not parse set nothing: Numba warned of it.
    """
    reloader = getattr(config, "_env_reloader", None)
    environment = getattr(reloader, "old_environ", os.environ)
    try:
        asked = int(environment["NUMBA_NUM_THREADS"])
    except (KeyError, TypeError, ValueError):
        return 0
    return max(asked, 0)
