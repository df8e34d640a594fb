"""Launches this layer, as Numba's ``_launch_threads`` does one of its own."""

import functools
import threading
from ctypes import CFUNCTYPE, c_int
from typing import Any

import llvmlite.binding as llvm

from numba_ompsafe import _core
from numba_ompsafe._layer import controller, known_numba
from numba_ompsafe._layer.load import FUNCTIONS, load
from numba_ompsafe._process.layers import LAYER
from numba_ompsafe._process.settings import MOST_THREADS, environment_count
from numba_ompsafe.errors import shown


def launch(parallel: Any) -> None:
    """Launch this layer in ``numba.np.ufunc.parallel``.

    Raises:
        OpenMPRuntimeNotFoundError: there is no OpenMP runtime.
        ValueError: ``NUMBA_OMPSAFE_FORK`` has a value that means nothing, or this Numba takes
            from a layer what this one has not.
    """
    core = load()
    for name in FUNCTIONS:
        symbol = "numba_parallel_for" if name == "parallel_for" else name
        llvm.add_symbol(symbol, getattr(core, name))
    try:
        parallel._load_threading_functions(core)
    except AttributeError as error:
        raise ValueError(known_numba.does_not_know(str(error))) from error
    after_launch(parallel)
    parallel._threading_layer = LAYER
    parallel._is_initialized = True


def read_settings(config: Any) -> None:
    """Tell the layer what Numba's settings say of thread counts; ``config`` is ``numba.config``.

    Raises:
        ValueError: they say what is no number of threads.
    """
    limit = config.NUMBA_NUM_THREADS
    if not hasattr(limit, "__index__") or not 1 <= limit <= MOST_THREADS:
        raise ValueError(
            f"numba.config.NUMBA_NUM_THREADS is {shown(limit)}, and must be an integer between 1 "
            f"and {MOST_THREADS}: set the environment variable NUMBA_NUM_THREADS to a number of "
            "threads, or not at all to have one for each core"
        )
    _core.set_numba_limit(limit)
    _core.set_environment_count(min(environment_count(config), limit))


def after_launch(parallel: Any) -> None:
    """Put right what Numba's start-up does for every layer alike, and tell threadpoolctl.

    It sets a mask on this thread, which is nobody's wish. And it takes one function for Python's
    ``numba.get_num_threads`` and for generated code: the first must answer what holds now, the
    second what holds for the launch in preparation. From now on this process builds its kernels
    for this layer alone.
    """
    controller.register()
    parallel._get_num_threads = CFUNCTYPE(c_int)(_core.current_num_threads)
    _build_for_this_layer(parallel)
    _core.set_mask(0)


def _build_for_this_layer(parallel: Any) -> None:
    """Have launches leave a GIL alone that their thread does not hold, and ufuncs say what is so.

    Numba says that a ufunc has a core dimension for each argument, but NumPy hands a ufunc its
    length and nothing more: a layer would read what happens to lie behind it. What returns a value
    is a ufunc. A parfor says nothing: its code is cached, and other layers run it.
    """
    build_kernel = parallel.build_gufunc_kernel
    build_wrapper = parallel.build_gufunc_wrapper
    building = threading.local()

    @functools.wraps(build_wrapper)
    def build_gufunc_wrapper(
        py_func: Any, cres: Any, sin: Any, sout: Any, cache: bool, is_parfors: bool
    ) -> Any:
        building.gufunc = not is_parfors
        try:
            return build_wrapper(py_func, cres, sin, sout, cache, is_parfors)
        finally:
            building.gufunc = False

    @functools.wraps(build_kernel)
    def build_gufunc_kernel(library: Any, ctx: Any, info: Any, sig: Any, inner_ndim: int) -> Any:
        from numba import types

        from numba_ompsafe._layer import elements
        from numba_ompsafe._layer.launch_code import context_of_launches

        if sig.return_type != types.none:
            inner_ndim = elements.of_ufunc(info.library, ctx, sig)
        elif getattr(building, "gufunc", False):
            inner_ndim |= elements.of_gufunc(info.library)
        return build_kernel(library, context_of_launches(ctx), info, sig, inner_ndim)

    parallel.build_gufunc_wrapper = build_gufunc_wrapper
    parallel.build_gufunc_kernel = build_gufunc_kernel
